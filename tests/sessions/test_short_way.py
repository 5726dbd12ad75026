"""Hot handlers skip the framework's own way of calling a handler, and nobody can tell."""

from typing import Any

from httpx import Response
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.params import ParameterKwarg
from litestar.types import Empty

from service.storage.database import Database
from service.web.short_way import SHORT
from service.web.wire import WireModel
from tests.sessions.asking import CHECKOUTS, PAYMENTS, checkout_body, payment_body
from tests.support.api import ADMIN, JOBS, PUBLISHABLE, SECRET, Api

ID = payment_body()["sessionId"]
OPENED = payment_body()
DEEP = b'{"userId":' + b"[" * 50 + b"]" * 50 + b"}"

Call = tuple[str, str, dict[str, Any]]
CALLS: dict[str, Call] = {
    "opened": ("POST", PAYMENTS, {"json": OPENED}),
    "opened again": ("POST", PAYMENTS, {"json": OPENED}),
    "opened otherwise": ("POST", PAYMENTS, {"json": payment_body(amount=2000)}),
    "checkout": ("POST", CHECKOUTS, {"json": checkout_body(sessionId="cs_1")}),
    "checkout again": ("POST", CHECKOUTS, {"json": checkout_body()}),
    "read": ("GET", f"{PAYMENTS}/{ID}", {}),
    "read nothing": ("GET", f"{PAYMENTS}/nobody", {}),
    "no id": ("GET", f"{PAYMENTS}/a%20b", {}),
    "long id": ("GET", f"{PAYMENTS}/{'a' * 41}", {}),
    "unknown query": ("GET", f"{PAYMENTS}/{ID}", {"params": {"x": "1"}}),
    "unknown query of a body": ("POST", PAYMENTS, {"json": OPENED, "params": {"x": "1"}}),
    "no body": ("POST", PAYMENTS, {}),
    "empty body": ("POST", PAYMENTS, {"content": b""}),
    "blank body": ("POST", PAYMENTS, {"content": b"  "}),
    "not json": ("POST", PAYMENTS, {"content": b"{"}),
    "not utf-8": ("POST", PAYMENTS, {"content": b'{"userId":"\xff"}'}),
    "no object": ("POST", PAYMENTS, {"content": b"[]"}),
    "null": ("POST", PAYMENTS, {"content": b"null"}),
    "deep": ("POST", PAYMENTS, {"content": DEEP}),
    "large": ("POST", PAYMENTS, {"content": b" " * 256_001}),
    "wrong field": ("POST", PAYMENTS, {"json": payment_body(amount="10", quantitiy=1)}),
    "two credentials": ("GET", f"{PAYMENTS}/{ID}", {"headers": {"X-API-Key": "sk_other"}}),
    "with a key": ("POST", PAYMENTS, {"json": OPENED, "headers": {"Idempotency-Key": "k"}}),
    "with it again": ("POST", PAYMENTS, {"json": OPENED, "headers": {"Idempotency-Key": "k"}}),
    "forged": ("POST", "/api/webhooks/stripe", {"content": b"{}"}),
    "forged on the older path": ("POST", "/api/payment/webhook", {"content": b"{}"}),
    "nothing posted": ("POST", "/api/webhooks/stripe", {}),
    "too much posted": ("POST", "/api/webhooks/stripe", {"content": b" " * 256_001}),
    "posted by nobody": ("POST", "/api/webhooks/paypal", {"content": b"{}"}),
    "posted with a query": ("POST", "/api/webhooks/stripe?x=1", {"content": b"{}"}),
    "from a browser": ("GET", f"{PAYMENTS}/{ID}", {"headers": {"Origin": "https://evil.example"}}),
}


def short_handlers(app: Litestar) -> list[HTTPRouteHandler]:
    """Every handler that goes the short way, once."""
    found = [handler for route in app.routes for handler in getattr(route, "route_handlers", [])]
    return list({id(one): one for one in found if SHORT in one.opt}.values())


def seen(answer: Response) -> object:
    """An answer without what is random in each."""
    body = answer.json()
    body.pop("clientSecret", None)
    chance = {"x-request-id", "content-length", "date"}
    headers = {name: value for name, value in answer.headers.items() if name not in chance}
    return answer.status_code, body, headers


async def answers_to_all(api: Api, database: Database) -> dict[str, object]:
    """Make all calls in turn, on an empty database."""
    for name in ("sessions", "idempotency_keys"):
        await database[name].delete_many({})
    answers: dict[str, object] = {}
    for name, (method, path, sent) in CALLS.items():
        answers[name] = seen(await api.call(method, path, SECRET, **sent))
    for key in (PUBLISHABLE, ADMIN, JOBS, None):
        answers[f"read by {key}"] = seen(await api.call("GET", f"{PAYMENTS}/{ID}", key))
        answers[f"opened by {key}"] = seen(await api.call("POST", PAYMENTS, key, json=OPENED))
    return answers


async def test_the_short_way_answers_as_the_frameworks_own(
    api: Api, app: Litestar, database: Database
) -> None:
    short = await answers_to_all(api, database)
    for handler in short_handlers(app):
        del handler.opt[SHORT]
    assert short_handlers(app) == []
    long = await answers_to_all(api, database)
    assert short == long
    statuses = {name: answer[0] for name, answer in short.items() if isinstance(answer, tuple)}
    assert statuses["opened"] == 201
    assert statuses["opened again"] == statuses["read"] == 200
    assert statuses["no body"] == statuses["no id"] == statuses["unknown query"] == 400


def test_hot_handlers_ask_only_for_what_the_short_way_gives(app: Litestar) -> None:
    handlers = short_handlers(app)
    assert handlers
    for handler in handlers:
        for name, field in handler.parsed_fn_signature.parameters.items():
            in_path = isinstance(field.kwarg_definition, ParameterKwarg) and (
                field.kwarg_definition.param_type == "path"
            )
            is_body = name == "body" or (name == "data" and issubclass(field.annotation, WireModel))
            ours = name in {"request", "scope"} or is_body or in_path
            assert ours, (str(handler), name)
        assert not handler.resolve_guards()
        assert not handler.resolve_response_headers()
        assert not handler.response_cookies
        assert handler.after_request in {None, Empty}
        assert handler.resolve_after_response() is None
