"""/docs and /openapi.json: Swagger UI from files that are installed with the service.

The framework's own plugins load scripts from elsewhere and use inline ones. Here everything comes
from this origin, under a policy that forbids anything else.
"""

import gzip
from functools import lru_cache
from importlib.metadata import distribution
from importlib.resources import files
from pathlib import Path

from litestar import MediaType, Response, Router, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath
from msgspec import Struct

from service.web.authentication import PUBLIC, AnyRequest
from service.web.docs.openapi import document_of
from service.web.limits.rate_limits import UNLIMITED

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


class Packed(Struct, frozen=True):
    """A file, as it is and as browsers that take gzip get it."""

    content: bytes
    packed: bytes


_JAVASCRIPT, _CSS = "text/javascript", "text/css"

# Name in the URL -> file and type. `offapi` is not imported: that would load all its files.
_ASSETS = {
    "swagger.js": ("offapi/swagger_bundle.js", _JAVASCRIPT),
    "swagger.css": ("offapi/swagger_style.css", _CSS),
    "docs.js": ("docs.js", _JAVASCRIPT),
    "docs.css": ("docs.css", _CSS),
}


@get("/docs", media_type=MediaType.HTML, sync_to_thread=False)
def docs_page(request: AnyRequest) -> Response[bytes]:
    """Show the API."""
    headers = {"Content-Security-Policy": POLICY, "Cache-Control": "no-cache"}
    return _sent(_file("docs.html"), MediaType.HTML, headers, request)


@get("/docs/assets/{name:str}", sync_to_thread=False)
def docs_asset(name: FromPath[str], request: AnyRequest) -> Response[bytes]:
    """Return a script or a stylesheet of the page."""
    if name not in _ASSETS:
        raise NotFoundException
    file, media_type = _ASSETS[name]
    return _sent(_file(file), media_type, {"Cache-Control": "public, max-age=3600"}, request)


@get("/openapi.json", sync_to_thread=False)
def openapi_document(request: AnyRequest) -> Response[bytes]:
    """Return the OpenAPI document."""
    sent = _packed(document_of(request.app))
    return _sent(sent, "application/vnd.oai.openapi+json", {}, request)


def docs_routes() -> Router:
    """Build the page, its files and the document; open to everybody."""
    return Router(
        "/",
        route_handlers=[docs_page, docs_asset, openapi_document],
        opt={PUBLIC: True, UNLIMITED: True},
        include_in_schema=False,
    )


def _sent(
    file: Packed, media_type: str, headers: dict[str, str], request: AnyRequest
) -> Response[bytes]:
    """Answer with a file as the browser takes it: packed, the viewer is a third of itself."""
    headers = {**headers, "Vary": "Accept-Encoding"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return Response(file.content, media_type=media_type, headers=headers)
    headers["Content-Encoding"] = "gzip"
    return Response(file.packed, media_type=media_type, headers=headers)


@lru_cache
def _packed(content: bytes) -> Packed:
    """Pack some content, once: it is the same for everybody, and nothing in it is secret."""
    return Packed(content, gzip.compress(content, mtime=0))


@lru_cache
def _file(file: str) -> Packed:
    if file.startswith("offapi/"):
        return _packed(Path(str(distribution("offapi").locate_file(file))).read_bytes())
    return _packed(files("service.web.docs").joinpath("static", file).read_bytes())
