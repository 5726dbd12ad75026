"""/docs and /openapi.json: Swagger UI from files that are installed with the service.

The framework's own plugins load scripts from elsewhere and use inline ones. Here everything comes
from this origin, under a policy that forbids anything else.
"""

from functools import lru_cache
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path

from litestar import MediaType, Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath

from service.web.authentication import PUBLIC, AnyRequest
from service.web.docs.openapi import document_of
from service.web.limits.rate_limits import UNLIMITED

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

_JAVASCRIPT, _CSS = "text/javascript", "text/css"

# Name in the URL -> file and type. `offapi` is not imported: that would load all its files.
_ASSETS = {
    "swagger.js": ("offapi/swagger_bundle.js", _JAVASCRIPT),
    "swagger.css": ("offapi/swagger_style.css", _CSS),
    "docs.js": ("docs.js", _JAVASCRIPT),
    "docs.css": ("docs.css", _CSS),
}


@get("/docs", media_type=MediaType.HTML, sync_to_thread=False)
def docs_page() -> Response[bytes]:
    """Show the API."""
    return Response(
        _read("docs.html"),
        media_type=MediaType.HTML,
        headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"},
    )


@get("/docs/assets/{name:str}", sync_to_thread=False)
def docs_asset(name: FromPath[str]) -> Response[bytes]:
    """Return a script or a stylesheet of the page."""
    if name not in _ASSETS:
        raise NotFoundException
    file, media_type = _ASSETS[name]
    return Response(
        _read(file), media_type=media_type, headers={"Cache-Control": "public, max-age=3600"}
    )


@get("/openapi.json", sync_to_thread=False)
def openapi_document(request: AnyRequest) -> Response[bytes]:
    """Return the OpenAPI document."""
    return Response(document_of(request.app), media_type="application/vnd.oai.openapi+json")


def docs_routes() -> Router:
    """Build the page, its files and the document; open to everybody."""
    return Router(
        "/",
        route_handlers=[docs_page, docs_asset, openapi_document],
        opt={PUBLIC: True, UNLIMITED: True},
        include_in_schema=False,
    )


@lru_cache
def _read(file: str) -> bytes:
    if file.startswith("offapi/"):
        return Path(str(distribution("offapi").locate_file(file))).read_bytes()
    return files("service.web.docs").joinpath("static", file).read_bytes()
