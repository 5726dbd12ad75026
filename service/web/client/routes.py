"""/tillgate.js, /tillgate-<version>.js, and /tillgate.json, which tells the newest one's hash.

A page of any origin may load them, with `integrity` and `crossorigin`: nothing in them is secret,
and they are the same for everybody.
"""

from litestar import Response, Router, get
from litestar.handlers import HTTPRouteHandler
from msgspec import Struct

from service.web.authentication import PUBLIC, AnyRequest
from service.web.client.builds import Build, builds, newest_build
from service.web.limits.rate_limits import UNLIMITED

_JAVASCRIPT = "text/javascript"
_FOR_EVERY_ORIGIN = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_FOR_EVER = "public, max-age=31536000, immutable"
_ASK_AGAIN = "no-cache"


class NewestVersion(Struct, frozen=True):
    """The newest version: where it is, and what a page's `<script>` names besides."""

    version: str
    path: str
    integrity: str


def client_routes() -> Router:
    """Build the routes; open to everybody."""
    return Router(
        "/",
        route_handlers=[_newest(), _about(), *map(_versioned, builds().values())],
        opt={PUBLIC: True, UNLIMITED: True},
        include_in_schema=False,
    )


def _newest() -> HTTPRouteHandler:
    @get("/tillgate.js", sync_to_thread=False)
    def script(request: AnyRequest) -> Response[bytes]:
        """Return the newest version; a browser asks each time whether it is still that."""
        return _script(newest_build(), request, _ASK_AGAIN)

    return script


def _versioned(build: Build) -> HTTPRouteHandler:
    @get(build.path, sync_to_thread=False)
    def script(request: AnyRequest) -> Response[bytes]:
        """Return this version, which never changes."""
        return _script(build, request, _FOR_EVER)

    return script


def _about() -> HTTPRouteHandler:
    @get("/tillgate.json", sync_to_thread=False)
    def about() -> Response[NewestVersion]:
        """Return the newest version's address and hash."""
        build = newest_build()
        return Response(
            NewestVersion(build.version, build.path, build.integrity),
            headers={**_FOR_EVERY_ORIGIN, "Cache-Control": _ASK_AGAIN},
        )

    return about


def _script(build: Build, request: AnyRequest, keep: str) -> Response[bytes]:
    etag = f'"{build.integrity}"'
    headers = {
        **_FOR_EVERY_ORIGIN,
        "Cache-Control": keep,
        "ETag": etag,
        "Vary": "Accept-Encoding",
    }
    if etag in request.headers.get("if-none-match", ""):
        return Response(b"", status_code=304, media_type=_JAVASCRIPT, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        packed = {**headers, "Content-Encoding": "gzip"}
        return Response(build.packed, media_type=_JAVASCRIPT, headers=packed)
    return Response(build.content, media_type=_JAVASCRIPT, headers=headers)
