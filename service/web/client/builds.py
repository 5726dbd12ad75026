"""What was built of the browser client: a file for each version.

Pages name a version with its hash, so a file that was released stays as it is, beside newer ones.
`python -m pytest tests/clients` compares the newest with its sources.
"""

import gzip
from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha384
from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec
from msgspec import Struct

_PREFIX = "tillgate-"


class Build(Struct, frozen=True):
    """One version. `integrity` is for `<script integrity>` (W3C, Subresource Integrity)."""

    version: str
    content: bytes
    packed: bytes
    integrity: str

    @property
    def path(self) -> str:
        """Return where this version is served, for as long as there is a service."""
        return f"/{_PREFIX}{self.version}.js"


class Newest(Struct, frozen=True):
    """What `clients/browser/build.mjs` says of its last run; `sources` is a hash of them."""

    version: str
    integrity: str
    sources: str


@lru_cache
def newest() -> Newest:
    """Return what was built last."""
    return msgspec.json.decode(_static().joinpath("built.json").read_bytes(), type=Newest)


@lru_cache
def builds() -> Mapping[str, Build]:
    """Return all versions, by their number."""
    found = [_read(file.name) for file in _static().iterdir() if file.name.startswith(_PREFIX)]
    return {build.version: build for build in found}


def newest_build() -> Build:
    """Return the newest version."""
    return builds()[newest().version]


def _read(name: str) -> Build:
    content = _static().joinpath(name).read_bytes()
    return Build(
        version=name.removeprefix(_PREFIX).removesuffix(".js"),
        content=content,
        packed=gzip.compress(content, mtime=0),
        integrity=f"sha384-{b64encode(sha384(content).digest()).decode()}",
    )


def _static() -> Traversable:
    return files("service.web.client").joinpath("static")
