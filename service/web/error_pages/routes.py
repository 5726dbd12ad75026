"""/errors and /errors/<code>: to which the `type` of a problem leads."""

from litestar import Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from service.web.authentication import PUBLIC
from service.web.error_pages.codes import explained, page_of
from service.web.limits.rate_limits import UNLIMITED
from service.web.pages.assets import SHARED
from service.web.pages.rendering import Pages

_PAGES = Pages(SHARED)


@get("/errors", sync_to_thread=False)
def all_errors() -> Response[str]:
    """List every code with its title."""
    codes = [(page_of(code), code, it.status, it.title) for code, it in explained().items()]
    return _PAGES.show("errors.html", codes=codes)


@get("/errors/{code:str}", sync_to_thread=False)
def one_error(code: FromPath[str]) -> Response[str]:
    """Say when an error happens, and what to change."""
    found = explained().get(code)
    if found is None:
        raise NotFoundException
    return _PAGES.show(
        "error.html",
        code=code,
        title=found.title,
        status=found.status,
        when=_parts(found.when),
        change=_parts(found.change),
    )


def error_routes() -> Router:
    """Build the pages; open to everybody."""
    return Router(
        "/",
        route_handlers=[all_errors, one_error],
        opt={PUBLIC: True, UNLIMITED: True},
        include_in_schema=False,
    )


def _parts(text: str) -> list[tuple[bool, str]]:
    """Split a text at its backticks: whether each part is code, and the part."""
    ended = text if text.endswith(".") else f"{text}."
    return [(at % 2 == 1, part) for at, part in enumerate(ended.split("`"))]
