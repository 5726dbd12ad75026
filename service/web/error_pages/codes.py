"""What `codes.toml` says of each code, by which programs and people know an error."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from msgspec import Struct, convert


class Explained(Struct, frozen=True):
    """One code: the status that it comes with, its title, when it happens, and what to change.

    Words of code stand in backticks.
    """

    status: int
    title: str
    when: str
    change: str


@cache
def explained() -> Mapping[str, Explained]:
    """Return all codes, in the order of the alphabet; the file is read once."""
    written = files("service.web.error_pages").joinpath("codes.toml").read_text("utf-8")
    return convert(tomllib.loads(written), dict[str, Explained])


def page_of(code: str) -> str:
    """Return the path of a code's page.

    It is the `type` of its problems (RFC 9457, 3.1.1: a relative reference has the full path).
    Its base is the address that was called, so that the text is the same for every server.
    """
    return f"/errors/{code}"
