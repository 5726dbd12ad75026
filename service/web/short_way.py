"""The short way through a hot handler: called and answered without the framework's own detour.

For each request the framework would collect what any handler might ask for, convert it as a whole,
open a stack for dependencies, and make an answer that could also set cookies, run tasks afterwards
and answer HEAD. A handler with the opt `short` asks for none of it. It takes `request`, `data` of a
wire model or `body` as it came, and texts of the path; it gives a struct, or an `Answer` of one
with a status and headers. It is documented, refused and tested as every other one; its body and its
path are checked by the same models.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send

from service.core.errors import TillgateError
from service.web.authentication import AnyRequest, admit
from service.web.logs.access import UNLOGGED
from service.web.problems import problem_of, send_problem
from service.web.requests import StrictRequest, parse_body, refuse_unknown_query
from service.web.wire import WireModel, decode_wire_model

T = TypeVar("T")

# Of a handler that goes the short way.
SHORT = "short"

_JSON = (b"content-type", b"application/json")

_encoder = msgspec.json.Encoder()


class Answer(Response[T]):
    """What a handler that goes the short way gives with a status or headers of its own."""

    def __init__(
        self, content: T, *, status_code: int, headers: Mapping[str, str] | None = None
    ) -> None:
        """Keep them. The framework's own looks for cookies, tasks and encoders first."""
        self.content = content
        self.status_code = status_code
        self.headers = dict(headers or {})
        self.cookies = []
        self.background = None
        self.encoding = "utf-8"
        self.media_type = None
        self.response_type_encoders = {}


async def before_handler(request: AnyRequest) -> None:
    """Check what every handler asks of a call: who may make it, and which query it takes."""
    admit(request.scope)
    if request.scope["query_string"]:
        await refuse_unknown_query(request)


def short_way(app: ASGIApp) -> ASGIApp:
    """Call the handlers that go the short way; a middleware, the innermost one."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        handler = scope["route_handler"]
        if SHORT not in handler.opt or not isinstance(handler, HTTPRouteHandler):
            await app(scope, receive, send)
            return
        request = StrictRequest(scope, receive, send)
        await before_handler(request)
        wanted = handler.parsed_fn_signature.parameters
        body = await request.body() if "data" in wanted or "body" in wanted else b""
        if "data" in wanted and not body:
            await app(scope, receive, send)  # which tells what is missing
            return
        try:
            found = await handler.fn(**_parameters(handler, request, body))
        except TillgateError as error:
            # As the framework would, which takes three times as long: anybody can be refused.
            scope["state"][UNLOGGED] = not error.logged
            problem = problem_of(error, scope)
            if problem.status >= 500:
                raise  # and is told in the log
            await send_problem(problem, send)
            return
        await _answer(found, handler, send)

    return call


def _parameters(handler: HTTPRouteHandler, request: StrictRequest, body: bytes) -> dict[str, Any]:
    """Return what a handler takes. Raises `InvalidInput`, `MalformedBody`, and the framework's."""
    taken: dict[str, Any] = {"request": request}
    wanted = handler.parsed_fn_signature.parameters
    if "data" in wanted:
        model: type[WireModel] = wanted["data"].annotation
        taken["data"] = decode_wire_model(model, parse_body(body, request.scope))
    if "body" in wanted:
        taken["body"] = body
    if in_path := request.scope["path_params"]:
        taken |= in_path
        return handler.signature_model.parse_values_from_connection_kwargs(request, taken)
    return taken


async def _answer(
    found: msgspec.Struct | Response[Any], handler: HTTPRouteHandler, send: Send
) -> None:
    status, content, headers = handler.status_code, found, [_JSON]
    if isinstance(found, Response):
        content, status = found.content, found.status_code or status
        for name, value in found.headers.items():
            headers.append((name.lower().encode(), value.encode()))
    body = _encoder.encode(content)
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
