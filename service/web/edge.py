"""The outermost layer: request id, security headers, the access line.

It is no middleware of the framework, because those run for known routes only: a 404, a 405 and a
CORS preflight want an id, headers and a line too.
"""

import time
from collections.abc import Awaitable

import structlog
from litestar import Litestar
from litestar.enums import ScopeType
from litestar.middleware._internal.cors import CORSMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from service.web.bodies import LARGEST_BODY
from service.web.layer import WebLayer
from service.web.logs.access import log_request
from service.web.logs.clients import Clients, clients_of
from service.web.logs.request_ids import HEADER, request_id_of
from service.web.metrics.requests import count_request
from service.web.requests import header_of
from service.web.security_headers import SecurityHeaders
from service.web.settings import HttpSettings
from service.web.short_way import short_way


def put_edge_around(app: Litestar, settings: HttpSettings) -> Litestar:
    """Wrap an application; to be called once, after it is built and before it serves."""
    # Litestar 2.25 ignores what a plugin sets as the limit of bodies; it is read at first use.
    app.request_max_body_size = LARGEST_BODY
    over_tls = settings.web.public_url.startswith("https://")
    app.asgi_handler = _edge(
        _with_short_way(app), SecurityHeaders(over_tls=over_tls), clients_of(settings)
    )
    return app


def _with_short_way(app: Litestar) -> ASGIApp:
    """Return the application with the short way in it: behind CORS, before the framework."""
    gate = app.plugins.get(WebLayer).gate
    cors = app.asgi_handler
    if not isinstance(cors, CORSMiddleware):
        return short_way(app, gate, cors)
    cors.app = short_way(app, gate, cors.app)
    return cors


def _edge(for_browsers: ASGIApp, security: SecurityHeaders, clients: Clients) -> ASGIApp:
    # CORS reads all headers of a request into a map, to find that no browser sent it.
    for_servers = for_browsers.app if isinstance(for_browsers, CORSMiddleware) else for_browsers

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await for_browsers(scope, receive, send)
            return
        began, path, state, status = time.perf_counter(), scope["path"], scope["state"], 0
        state["request_id"] = request_id = request_id_of(scope)
        state["client"] = clients.of(scope)
        structlog.contextvars.bind_contextvars(request_id=request_id)

        def sending(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"]
                message["headers"] = [
                    *headers,
                    (HEADER, request_id.encode()),
                    *state.get("limit_headers", ()),
                    *security.missing(path, headers),
                ]
            return send(message)

        try:
            next_app = for_servers if header_of(scope, b"origin") is None else for_browsers
            await next_app(scope, receive, sending)
        finally:
            # 0: the caller, or we, went away before anything was answered.
            seconds = time.perf_counter() - began
            count_request(scope, status, seconds)
            log_request(scope, status, seconds)

    return handle
