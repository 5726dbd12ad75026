"""Bad input on every route that takes a body: a precise 4xx, never a 5xx, and nothing written."""

import base64
import json
from typing import Any

import pytest

from service.storage.database import Database
from tests.sessions.asking import checkout_body, count_all, fields_of, payment_body
from tests.support.api import ADMIN, JOBS, SECRET, Api

_RUN: dict[str, Any] = {"dryRun": True}
_CHECKOUT = checkout_body()
# Every route with a body: method, path, key, and a body that it takes.
ROUTES: list[tuple[str, str, str, dict[str, Any]]] = [
    ("POST", "/api/payment-sessions", SECRET, payment_body()),
    ("PUT", "/api/payment-sessions", SECRET, {"sessionId": "s-1", "metadata": {"a": 1}}),
    ("PATCH", "/api/payment-sessions", SECRET, {"sessionId": "s-1", "metadata": {"a": 1}}),
    ("POST", "/api/checkout-sessions", SECRET, _CHECKOUT),
    ("PATCH", "/api/checkout-sessions", SECRET, {"sessionId": "s-1", "metadata": {"a": 1}}),
    ("POST", "/api/payments/checkout-session", SECRET, _CHECKOUT),
    ("POST", "/api/payments/create-checkout", SECRET, _CHECKOUT),
    ("POST", "/api/payment/create-checkout-session", SECRET, payment_body()),
    ("POST", "/api/payment/verify-checkout-session", SECRET, {"sessionId": "s-1"}),
    ("PUT", "/api/admin/prices/gold", ADMIN, {"currency": "USD", "amount": 100}),
    ("PUT", "/api/admin/coupons/ADVENT", ADMIN, {"basisPoints": 100}),
    ("POST", "/api/admin/reviews/e-1/accept", ADMIN, {"reason": "fine"}),
    ("POST", "/api/admin/reviews/e-1/reject", ADMIN, {"reason": "wrong"}),
    ("POST", "/api/admin/reviews/e-1/same-money", ADMIN, {"reason": "one transfer"}),
    ("POST", "/api/admin/reviews/e-1/reject-and-refund", ADMIN, {"reason": "twice"}),
    ("POST", "/api/payment/request-refund", SECRET, {"paymentId": "pi_1", "reason": "x"}),
    ("POST", "/api/payments/pi_1/refunds", SECRET, {"reason": "x"}),
    ("POST", "/api/payment/admin/process-refund", ADMIN, {"refundId": "r", "action": "deny"}),
    ("POST", "/api/quotes", SECRET, {"items": {"plan": "gold"}}),
    ("POST", "/api/cleanup-sessions", JOBS, _RUN),
    ("POST", "/api/jobs/outbox", JOBS, _RUN),
]
_IDS = [f"{method} {path}" for method, path, _, _ in ROUTES]
_every_route = pytest.mark.parametrize(("method", "path", "key", "good"), ROUTES, ids=_IDS)


async def _send(api: Api, route: tuple[str, str, str], body: bytes) -> dict[str, Any]:
    """Send bytes as JSON; hold the answer to be a problem of the caller's, and give it."""
    method, path, key = route
    headers = {"Content-Type": "application/json"}
    answer = await api.call(method, path, key, content=body, headers=headers)
    assert 400 <= answer.status_code < 500, f"{answer.status_code} {answer.text} for {body[:80]!r}"
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["status"] == answer.status_code
    assert told["detail"]
    return told


def _with(good: dict[str, Any], field: str, raw: str) -> bytes:
    """Write a body whose one field is the given JSON text."""
    text = json.dumps(good | {field: "\0here\0"})
    return text.replace(json.dumps("\0here\0"), raw).encode()


@_every_route
async def test_bytes_that_are_not_strict_json_are_refused(
    api: Api, database: Database, method: str, path: str, key: str, good: dict[str, Any]
) -> None:
    await api.open(sessionId="s-1")
    before = await count_all(database)
    whole = json.dumps(good).encode()
    field = next(iter(good))
    bad = {
        "cut off": whole[:-1],
        "two values": whole + b"{}",
        "a comma": whole[:-1] + b",}",
        "single quotes": whole.replace(b'"', b"'"),
        "not UTF-8": whole[:-1] + b', "x": "\xff\xfe"}',
        "UTF-16": json.dumps(good).encode("utf-16"),
        "NaN": _with(good, "amount", "NaN"),
        "Infinity": _with(good, "amount", "-Infinity"),
        "1e400": _with(good, "amount", "1e400"),
        "duplicate": whole[:-1] + b", " + whole[1:],
        "duplicate amount": b'{"amount": 1, "amount": 2}',
        "duplicate deep": b'{"metadata": {"a": {"b": 1, "b": 2}}}',
        "huge digits": _with(good, "amount", "9" * 5000),
        "65 bits": _with(good, "metadata", '{"n": 18446744073709551616}'),
        "NUL key": _with(good, "metadata", '{"a\\u0000b": 1}'),
        "half a pair": _with(good, field, '"\\ud800"'),
        "nested": b'{"metadata": ' + b"[" * 50_000 + b"]" * 50_000 + b"}",
        "nested objects": b'{"a":' * 25_000 + b"1" + b"}" * 25_000,
        "a list": b"[]",
        "a string": b'"sessionId"',
        "a number": b"1",
    }
    for name, body in bad.items():
        told = await _send(api, (method, path, key), body)
        assert told["status"] == 400, (name, told)
    assert await count_all(database) == before


@_every_route
async def test_a_body_of_257_kb_is_too_large(
    api: Api, database: Database, method: str, path: str, key: str, good: dict[str, Any]
) -> None:
    before = await count_all(database)
    padded = json.dumps(good).encode().ljust(257_000)
    told = await _send(api, (method, path, key), padded)
    assert (told["status"], told["error"]) == (413, "body_too_large")
    assert await count_all(database) == before


@_every_route
async def test_an_unknown_field_is_named(
    api: Api, database: Database, method: str, path: str, key: str, good: dict[str, Any]
) -> None:
    await api.open(sessionId="s-1")
    before = await count_all(database)
    for name in ("amuont", "__proto__", "$set", "user_id", "id", "_id"):
        told = await _send(api, (method, path, key), json.dumps(good | {name: 1}).encode())
        assert told["status"] == 400
        assert {"field": name, "message": "is not a field of this request"} in told["errors"]
    assert await count_all(database) == before


@_every_route
async def test_an_object_where_something_simple_is_due_is_named(
    api: Api, database: Database, method: str, path: str, key: str, good: dict[str, Any]
) -> None:
    await api.open(sessionId="s-1")
    before = await count_all(database)
    for name in good:
        wrong: list[Any] = [{"$gt": ""}, ["x"], [{"$gt": ""}]]
        if name == "metadata":
            wrong = [["x"], "x", 1, {"$gt": ""}, {"a.b": 1}, {"": 1}]
        for value in wrong:
            told = await _send(api, (method, path, key), json.dumps(good | {name: value}).encode())
            assert told["status"] == 400
            assert any(one["field"].startswith(name) for one in told["errors"]), told
    assert await count_all(database) == before


_AMOUNTS = ["1000.0", "1000.5", "1e3", "0", "-1", '"1000"', "true", "null", "9007199254740992"]
_MONEY = [route for route in ROUTES if "amount" in route[3]]


@pytest.mark.parametrize(("method", "path", "key", "good"), _MONEY)
async def test_an_amount_that_is_no_positive_whole_number_is_named(
    api: Api, database: Database, method: str, path: str, key: str, good: dict[str, Any]
) -> None:
    before = await count_all(database)
    # A null is no amount: it is then the catalog's, and the catalog is empty.
    for raw in _AMOUNTS:
        told = await _send(api, (method, path, key), _with(good, "amount", raw))
        assert told["status"] == 400
        assert {one["field"] for one in told["errors"]} <= {"amount", "plan", "eventId"}, told
        assert "amount" in str(told["errors"]) or raw == "null"
    assert await count_all(database) == before


@pytest.mark.parametrize("raw", ["0", "-1", "1.0", "1e2", '"1"', "true", "10001", "[1]"])
@pytest.mark.parametrize("path", ["/api/payment-sessions", "/api/payments/create-checkout"])
async def test_a_quantity_that_is_no_positive_whole_number_is_named(
    api: Api, database: Database, path: str, raw: str
) -> None:
    told = await _send(api, ("POST", path, SECRET), _with(payment_body(), "quantity", raw))
    assert {one["field"] for one in told["errors"]} == {"quantity"}
    assert sum((await count_all(database)).values()) == 0


_TEXTS: list[tuple[str, Any]] = [
    ("currency", "XXQ"),
    ("currency", "US"),
    ("currency", "dollars"),
    ("currency", ""),
    ("sessionId", ""),
    ("sessionId", "a" * 41),
    ("sessionId", "a b"),
    ("sessionId", "a/../b"),
    ("sessionId", "ü"),
    ("sessionId", "a\n"),
    ("userId", ""),
    ("userId", "u" * 256),
    ("userId", "a\0b"),
    ("userId", "a\nb"),
    ("userId", 7),
    ("eventId", ""),
    ("email", "nobody"),
    ("email", "a@b@c.de"),
    ("email", "a@b.c\n"),
    ("email", "a@" + "b" * 300 + ".com"),
    ("paymentMethod", "paypal"),
    ("provider", "Stripe"),
    ("mode", "setup"),
    ("expiresAt", "tomorrow"),
    ("expiresAt", "2026-11-21T13:00:00"),
    ("expiresAt", "2026-11-21"),
    ("expiresAt", "2026-02-30T13:00:00Z"),
    ("expiresAt", "9999-12-31T23:59:59-14:00"),
    ("expiresAt", 1795261560),
    ("metadata", {f"k{n}": 1 for n in range(51)}),
    ("metadata", {"k" * 41: 1}),
    ("metadata", {"a": "x" * 17_000}),
    ("selectedDate", "x" * 101),
]


@pytest.mark.parametrize(("field", "value"), _TEXTS)
async def test_a_field_that_can_not_be_used_is_named(
    api: Api, database: Database, field: str, value: Any
) -> None:
    body = json.dumps(payment_body(**{field: value})).encode()
    for path in ("/api/payment-sessions", "/api/payments/create-checkout"):
        told = await _send(api, ("POST", path, SECRET), body)
        assert told["status"] == 400
        named = {one["field"].partition(".")[0] for one in told["errors"]}
        assert named == {field}, told
    assert sum((await count_all(database)).values()) == 0


async def test_two_names_of_the_provider_that_differ_are_refused(
    api: Api, database: Database
) -> None:
    body = json.dumps(payment_body(provider="stripe")).encode()
    told = await _send(api, ("POST", "/api/payment-sessions", SECRET), body)
    assert {one["field"] for one in told["errors"]} == {"provider"}
    nameless = json.dumps(payment_body(paymentMethod=None)).encode()
    told = await _send(api, ("POST", "/api/payment-sessions", SECRET), nameless)
    assert {one["field"] for one in told["errors"]} == {"provider"}


async def test_every_field_at_fault_is_named_at_once(api: Api) -> None:
    body = payment_body(amount=0, quantity=0, userId="", eventId=None, extra=1)
    told = await _send(api, ("POST", "/api/payment-sessions", SECRET), json.dumps(body).encode())
    named = {one["field"] for one in told["errors"]}
    assert named == {"amount", "quantity", "userId", "eventId", "extra"}


async def test_an_empty_body_is_refused(api: Api, database: Database) -> None:
    for method, path, key, good in ROUTES:
        may_be_empty = good is _RUN or path.endswith(("/accept", "/same-money"))
        if may_be_empty:
            continue
        for body in (b"", b" \n", b"null"):
            told = await _send(api, (method, path, key), body)
            assert told["status"] == 400
    assert sum((await count_all(database)).values()) == 0


_QUERIES = [
    ("GET", "/api/payment-sessions", SECRET, "userId=u"),
    ("GET", "/api/checkout-sessions", SECRET, "userId=u"),
    ("GET", "/api/admin/audit", ADMIN, ""),
    ("GET", "/api/admin/webhook-events", ADMIN, ""),
    ("GET", "/api/admin/webhook-rejections", ADMIN, ""),
    ("GET", "/api/admin/reviews", ADMIN, ""),
    ("GET", "/api/admin/prices", ADMIN, ""),
    ("DELETE", "/api/admin/prices/gold", ADMIN, "currency=USD"),
    ("GET", "/api/cleanup-sessions", JOBS, ""),
    ("POST", "/api/cleanup-sessions", JOBS, "dryRun=true"),
    ("GET", "/api/jobs", JOBS, ""),
]


@pytest.mark.parametrize(("method", "path", "key", "query"), _QUERIES)
async def test_a_typo_in_the_query_is_named(
    api: Api, database: Database, method: str, path: str, key: str, query: str
) -> None:
    before = await count_all(database)
    for typo in ("limt=1", "sessionId[$gt]=", "dryrun=true", "userId[]=u", "%00=1", "\ud83d=1"):
        quoted = typo.encode("utf-8", "surrogatepass").decode("latin-1")
        answer = await api.call(method, f"{path}?{query}&{quoted}", key)
        assert answer.status_code == 400, answer.text
        assert answer.json()["errors"], typo
    if query:
        answer = await api.call(method, f"{path}?{query}&{query}", key)
        assert answer.status_code == 400, answer.text
        assert {one["field"] for one in answer.json()["errors"]} == {query.partition("=")[0]}
    assert await count_all(database) == before


@pytest.mark.parametrize(
    ("method", "path", "field"),
    [
        ("PUT", "/api/admin/prices/gold%0A", "item"),
        ("GET", "/api/payment-sessions/s-1%0A", "sessionId"),
        ("GET", "/api/payment-sessions/s-1%0A/timeline", "sessionId"),
        ("GET", "/api/payment/admin/analytics?currency=USD%0A", "currency"),
        ("GET", "/api/refunds?merchant=default%0A", "merchant"),
        ("GET", "/dashboard/payments/aaaaaaaaaaaaaaaaaaaaaaaa%0A", "paymentId"),
    ],
)
async def test_no_parameter_ends_in_a_line_feed(
    api: Api, database: Database, method: str, path: str, field: str
) -> None:
    before = await count_all(database)
    body = {"json": {"currency": "USD", "amount": 100}} if method == "PUT" else {}
    answer = await api.call(method, path, ADMIN, **body)
    assert (answer.status_code, fields_of(answer)) == (400, {field}), answer.text
    assert await count_all(database) == before
    # Control: without it the call is another one.
    assert (await api.call(method, path.replace("%0A", ""), ADMIN, **body)).status_code != 400


# Of times that the database's own kind of time can't hold, or no places at all.
_NO_PLACES = ("t:1:s:x", "t:999999999:o:zz", "t:1", "t::s:x", "t:4294967296:s:x", "x:y", "o:zz")
_IN_2198, _NOW = 7_200_000_000_000, 1_763_726_400_000


def _cursor(milliseconds: int, row_id: str) -> str:
    written = f"{milliseconds}:{row_id}".encode()
    return base64.urlsafe_b64encode(written).rstrip(b"=").decode()


async def _lists(api: Api) -> list[str]:
    """Return the paths of all lists that have pages."""
    paths = (await api.http.get("/openapi.json")).json()["paths"]
    return [
        path.replace("{", "").replace("}", "")
        for path, of_path in paths.items()
        if any(one["name"] == "cursor" for one in of_path.get("get", {}).get("parameters", []))
    ]


async def test_no_list_fails_over_a_cursor_that_it_never_returned(api: Api) -> None:
    lists = await _lists(api)
    assert len(lists) > 15
    for path in lists:
        for place in _NO_PLACES:
            answer = await api.call("GET", path, ADMIN, params={"cursor": _cursor(_IN_2198, place)})
            assert answer.status_code in {400, 404}, (path, place, answer.text)


async def test_control_a_place_in_our_time_is_a_page(api: Api) -> None:
    for place in ("t:1:s:x", "s:x"):
        params = {"cursor": _cursor(_NOW, place)}
        answer = await api.call("GET", "/api/admin/audit", ADMIN, params=params)
        assert answer.status_code == 200, answer.text
