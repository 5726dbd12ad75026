"""The static files of pages: styles, scripts and images, installed with the service."""

from functools import cached_property
from hashlib import sha256
from importlib.resources import files

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath

from service.web.authentication import PUBLIC
from service.web.limits.rate_limits import UNLIMITED

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


class Assets:
    """The folder `static` of a package, served under `path`.

    A URL contains a hash of all the files, so that browsers may cache them for ever, and modules
    that import each other by relative URLs stay in one version.
    """

    def __init__(self, package: str, path: str) -> None:
        """Read no file yet: the first page will."""
        self.path = path
        self.package = package

    def url(self, name: str) -> str:
        """Return the address of a file."""
        return f"{self.path}/{self._version}/{name}"

    def route(self) -> HTTPRouteHandler:
        """Build the route; open to everybody."""

        @get(
            f"{self.path}/{{version:str}}/{{name:str}}",
            opt={PUBLIC: True, UNLIMITED: True},
            include_in_schema=False,
            sync_to_thread=False,
        )
        def asset(version: FromPath[str], name: FromPath[str]) -> Response[bytes]:
            content = self._content.get(name)
            if content is None:
                raise NotFoundException
            # A page from before an update asks for an older version: it gets this one, uncached.
            current = version == self._version
            keep = "public, max-age=31536000, immutable" if current else "no-store"
            return Response(
                content,
                media_type=_TYPES[name[name.rindex(".") :]],
                headers={"Cache-Control": keep},
            )

        return asset

    @cached_property
    def _content(self) -> dict[str, bytes]:
        folder = files(self.package).joinpath("static")
        return {
            file.name: file.read_bytes()
            for file in sorted(folder.iterdir(), key=lambda file: file.name)
            if file.name.endswith(tuple(_TYPES))
        }

    @cached_property
    def _version(self) -> str:
        hashed = sha256()
        for name, content in self._content.items():
            hashed.update(f"{name}\0{len(content)}\0".encode() + content)
        return hashed.hexdigest()[:16]


SHARED = Assets("service.web.pages", "/assets")
"""What all pages share; mount its route once."""
