"""The short way through a hot handler: called and answered without the framework's own detour.

For each request the framework would catch errors in two layers, collect what any handler might ask
for, convert it as a whole, open a stack for dependencies, and make an answer that could also set
cookies, run tasks afterwards and answer HEAD; a refusal takes it three times as long as this, and
anybody can be refused. A handler with the opt `short` asks for none of it. It takes `request` or
`scope`, `data` of a wire model or `body` as it came, and texts of the path; it gives a struct, or
an `Answer` of one with a status and headers. It is documented, refused and tested as every other
one; its body and its path are checked by the same models.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

import msgspec
from litestar import Litestar, Response
from litestar._asgi.utils import is_valid_host
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp, Receive, Scope, Send
from litestar.utils import normalize_path
from pydantic.alias_generators import to_camel

from service.core.errors import FieldProblem, MalformedBody, TillgateError
from service.core.json_text import to_json
from service.web.authentication import admit
from service.web.bodies import read_body
from service.web.gate import Gate
from service.web.logs.access import UNLOGGED
from service.web.problems import problem_for, send_problem
from service.web.requests import (
    EMPTY_BODY,
    StrictRequest,
    parse_body,
    refuse_line_feeds,
    refuse_unknown_query,
)
from service.web.wire import WireModel, decode_wire_model

T = TypeVar("T")

# Of a handler that goes the short way.
SHORT = "short"

_JSON = (b"content-type", b"application/json")


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


def check_call(scope: Scope) -> None:
    """Check what every handler asks of a call: who may make it, its path, and which query."""
    admit(scope)
    if "\n" in scope["path"]:
        refuse_line_feeds((to_camel(name), one) for name, one in scope["path_params"].items())
    if scope["query_string"]:
        refuse_unknown_query(scope)


def short_way(app: Litestar, gate: Gate, framework: ASGIApp) -> ASGIApp:
    """Answer the calls of handlers that go the short way; all others are the framework's."""
    enter = gate(_call)
    find = app.asgi_router.handle_routing  # remembers what it has found

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        path, method = normalize_path(scope["path"]), scope.get("method")
        try:
            _, handler, path, in_path, template = find(path=path, method=method)
        except HTTPException:
            await framework(scope, receive, send)
            return
        if SHORT not in handler.opt or not _has_valid_host(scope):
            await framework(scope, receive, send)
            return
        scope["route_handler"], scope["path"] = handler, path
        scope["path_params"], scope["path_template"] = in_path, template
        try:
            await enter(scope, receive, send)
        except Exception as error:
            if isinstance(error, TillgateError):
                scope["state"][UNLOGGED] = not error.logged
            await send_problem(problem_for(error, scope), send)

    return answer


async def _call(scope: Scope, receive: Receive, send: Send) -> None:
    handler: Any = scope["route_handler"]  # an HTTPRouteHandler: no other one has the opt
    check_call(scope)
    wanted = _wanted(handler)
    body = await read_body(scope, receive) if wanted.body or wanted.model else b""
    found = await handler.fn(**_parameters(handler, wanted, scope, body))
    await _answer(found, handler, send)


def _has_valid_host(scope: Scope) -> bool:
    for name, value in scope["headers"]:
        if name == b"host":
            return is_valid_host(value)
    return True


class _Wanted(msgspec.Struct, frozen=True):
    """What a handler takes, worked out once; `any_path` where every text of its path will do."""

    model: type[WireModel] | None
    request: bool
    scope: bool
    body: bool
    any_path: bool


@cache
def _wanted(handler: HTTPRouteHandler) -> _Wanted:
    parameters = handler.parsed_fn_signature.parameters
    data = parameters.get("data")
    in_path = parameters.keys() - {"request", "scope", "data", "body"}
    types = {field.name: field.type for field in msgspec.structs.fields(handler.signature_model)}
    return _Wanted(
        model=data.annotation if data else None,
        request="request" in parameters,
        scope="scope" in parameters,
        body="body" in parameters,
        any_path=all(_is_any_text(types[name]) for name in in_path),
    )


def _is_any_text(kind: Any) -> bool:
    found = msgspec.inspect.type_info(kind)
    if isinstance(found, msgspec.inspect.Metadata):
        found = found.type
    return found == msgspec.inspect.StrType()


def _parameters(
    handler: HTTPRouteHandler, wanted: _Wanted, scope: Scope, body: bytes
) -> dict[str, Any]:
    """Return what a handler takes. Raises `InvalidInput`, `MalformedBody`, and the framework's."""
    taken: dict[str, Any] = {}
    if wanted.scope:
        taken["scope"] = scope
    if wanted.request:
        taken["request"] = StrictRequest(scope)
    if wanted.model:
        if not body:
            raise MalformedBody(EMPTY_BODY, problems=(FieldProblem("body", "is empty"),))
        taken["data"] = decode_wire_model(wanted.model, parse_body(body, scope))
    if wanted.body:
        taken["body"] = body
    if in_path := scope["path_params"]:
        taken |= in_path
        if not wanted.any_path:
            connection = StrictRequest(scope)
            return handler.signature_model.parse_values_from_connection_kwargs(connection, taken)
    return taken


async def _answer(
    found: msgspec.Struct | Response[Any], handler: HTTPRouteHandler, send: Send
) -> None:
    status, content, headers = handler.status_code, found, [_JSON]
    if isinstance(found, Response):
        content, status = found.content, found.status_code or status
        for name, value in found.headers.items():
            headers.append((name.lower().encode(), value.encode()))
    body = to_json(content)
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
