"""The OpenAPI document: what the framework knows, and what it can't know.

It does not know our problem details, which routes are open, or where Idempotency-Key is accepted.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import msgspec
from litestar import Litestar, Router
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.routes import HTTPRoute

import service
from service.web.authentication import PROVEN, PUBLIC, scopes_needed
from service.web.docs.bodies import finish_body
from service.web.docs.marks import ALSO_ANSWERS, SIGNED_BY, is_older, operation_id
from service.web.idempotency.middleware import IDEMPOTENT
from service.web.limits.rate_limits import UNLIMITED
from service.web.problems import PROBLEM_TYPE

Node: TypeAlias = dict[str, Any]  # JSON of the OpenAPI document, whose shape its standard gives

_DESCRIPTION = """\
Payment sessions that complete exactly once.

Keys go into `Authorization: Bearer …` or `X-API-Key`: `pk_` for browsers, `sk_` for servers,
`ak_` for operators, `jk_` for jobs. An end user's token goes into `Authorization: Bearer …`.
Each route tells the scopes that it needs, a kind of key is a bundle of them.
Amounts are whole numbers of minor units. Every error is a problem of RFC 9457.
"""

_TEXT: Node = {"type": "string"}

_PROBLEM: Node = {
    "type": "object",
    "description": "What went wrong (RFC 9457). Programs read `error`, people `detail`.",
    "required": ["type", "title", "status", "detail", "error", "details", "instance"],
    "properties": {
        "type": {
            **_TEXT,
            "format": "uri-reference",
            "description": "The page about `error`.",
            "examples": ["/errors/session_not_found"],
        },
        "title": {**_TEXT, "examples": ["There is no such session"]},
        "status": {"type": "integer", "examples": [404]},
        "detail": {**_TEXT, "examples": ["No session has this id."]},
        "error": {**_TEXT, "examples": ["session_not_found"]},
        "details": {**_TEXT, "description": "The same text as `detail`."},
        "instance": {**_TEXT, "examples": ["/api/payment-sessions/ps_1"]},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": _TEXT, "message": _TEXT},
            },
        },
    },
}

_PROBLEM_ANSWER: Node = {
    "description": "A problem",
    "content": {PROBLEM_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}

_KEY_HEADER: Node = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Sent again with the same body, the call gives its first answer for a day. "
    "From a publishable key: at least 22 random characters.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
}

_SECRET_HEADER: Node = {
    "name": "X-Client-Secret",
    "in": "header",
    "required": False,
    "description": "The session's secret, from a browser.",
    "schema": {"type": "string"},
}

_ALSO = {200: "It was there already.", 201: "It was not there yet."}

_SIGNATURE = "Made by the provider over the very bytes of the body."

_POSTED: Node = {
    "required": True,
    "description": "An event, as its provider posts it.",
    "content": {"application/json": {"schema": {"type": "object", "additionalProperties": True}}},
}

_ENCODED = "openapi_document"


def openapi_config() -> OpenAPIConfig:
    """Build the framework's part of the document.

    Its own router would answer every path of one segment; it is moved out of the way, and
    `docs.page` serves the finished document.
    """
    return OpenAPIConfig(
        title="Tillgate",
        version=service.__version__,
        description=_DESCRIPTION,
        use_handler_docstrings=True,
        operation_id_creator=operation_id,
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(
                    type="http", scheme="bearer", description="A key, or a user's token (JWT)."
                ),
                "key": SecurityScheme(type="apiKey", name="X-API-Key", security_scheme_in="header"),
            }
        ),
        security=[{"bearer": []}, {"key": []}],
        render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        openapi_router=Router(
            "/docs/framework",
            route_handlers=[],
            include_in_schema=False,
            opt={PUBLIC: True, UNLIMITED: True},
        ),
    )


def document_of(app: Litestar) -> bytes:
    """Return the finished document as JSON; built once per application."""
    encoded: bytes | None = app.state.get(_ENCODED)
    if encoded is None:
        document = app.openapi_schema.to_schema()
        _finish(document, app)
        encoded = msgspec.json.encode(document, enc_hook=str)
        app.state[_ENCODED] = encoded
    return encoded


def _finish(document: Node, app: Litestar) -> None:
    document.setdefault("components", {}).setdefault("schemas", {})["Problem"] = _PROBLEM
    paths: Node = document.get("paths", {})
    for route in app.routes:
        if not isinstance(route, HTTPRoute) or route.path_format not in paths:
            continue
        for handler in route.route_handlers:
            for method in handler.http_methods:
                operation = paths[route.path_format].get(str(method).lower())
                if operation is not None:
                    _finish_operation(operation, handler)
                    finish_body(operation, handler, document["components"]["schemas"])
                    operation["deprecated"] = is_older(handler, method, route.path_format)


def _finish_operation(operation: Node, handler: HTTPRouteHandler) -> None:
    answers: Node = operation["responses"]
    # The framework describes errors in the shape that it would have sent.
    for status in [status for status in answers if status.startswith(("4", "5"))]:
        answers[status] = _PROBLEM_ANSWER
    answers["default"] = _PROBLEM_ANSWER
    also: int | None = handler.opt.get(ALSO_ANSWERS)
    if also is not None:
        answers[str(also)] = {**answers[_success(answers)], "description": _ALSO[also]}
    if handler.opt.get(PUBLIC):
        operation["security"] = []
    elif needed := scopes_needed(handler.opt):
        # Roles of a scheme other than OAuth: OpenAPI 3.1, Security Requirement Object.
        operation["security"] = [{"bearer": needed}, {"key": needed}]
    if handler.opt.get(IDEMPOTENT):
        operation.setdefault("parameters", []).append(_KEY_HEADER)
    if handler.opt.get(PROVEN):
        operation.setdefault("parameters", []).append(_SECRET_HEADER)
    signed_by: Sequence[str] = handler.opt.get(SIGNED_BY, ())
    for name in signed_by:
        header = {"name": name, "in": "header", "required": len(signed_by) == 1, "schema": _TEXT}
        operation.setdefault("parameters", []).append(header | {"description": _SIGNATURE})
    if signed_by:
        operation["requestBody"] = _POSTED


def _success(answers: Node) -> str:
    return next(status for status in answers if status.startswith("2"))
