"""Bad input over HTTP: each is a precise 400 that names the place, and nothing runs."""

import json
from typing import Any

import pytest
from httpx import AsyncClient

from tests.web.app import Seen
from tests.web.conftest import SECRET
from tests.web.test_problems import assert_problem


async def post(http: AsyncClient, body: bytes | dict[str, Any], **headers: str) -> Any:
    """Post an order with a secret key."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return await http.post(
        "/api/orders",
        content=content,
        headers={**SECRET, "Content-Type": "application/json", **headers},
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "The body is empty; a JSON object is required."),
        (b"  \n ", "The body is empty; a JSON object is required."),
        (b"{", "not JSON"),
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b"7", "not a JSON object"),
        (b'{"amount": 1, "amount": 100}', "amount stands twice"),
        (b'{"amount": NaN}', "NaN"),
        (b'{"amount": 1e999}', "too large"),
        (b'{"amount": ' + b"9" * 6000 + b"}", "too long"),
        (b'{"note": "\xff"}', "not UTF-8"),
        (b'{"note": "\\ud800"}', "surrogate"),
        (b'{"metadata": {"a\\u0000b": 1}}', "NUL"),
        (b'{"metadata": {"n": 9223372036854775808}}', "64 bits"),
        (b'{"metadata": ' + b'{"a":' * 40 + b"1" + b"}" * 41, "nests deeper"),
        (b"[" * 50_000, "nests too deeply"),
        (b'{"a":' * 50_000, "nests too deeply"),
    ],
)
async def test_a_malformed_body_is_a_precise_400(
    http: AsyncClient, seen: Seen, body: bytes, said: str
) -> None:
    problem = assert_problem(await post(http, body), 400, "malformed_body")
    assert said in problem["detail"]
    assert not seen.orders


@pytest.mark.parametrize(
    ("changes", "field", "message"),
    [
        ({"amount": 10.0}, "amount", "whole number of minor units, e.g. 1000 for 10.00"),
        ({"amount": "10"}, "amount", "whole number of minor units"),
        ({"amount": True}, "amount", "whole number of minor units"),
        ({"amount": None}, "amount", "whole number of minor units"),
        ({"amount": {"$gt": 0}}, "amount", "whole number of minor units"),
        ({"amount": 0}, "amount", "from 1"),
        ({"amount": -5}, "amount", "from 1"),
        ({"amount": 2**53}, "amount", "to 9007199254740991"),
        ({"currency": "XXQ"}, "currency", "ISO 4217"),
        ({"currency": {"$gt": ""}}, "currency", "must be a string"),
        ({"sessionId": "a b"}, "sessionId", "letters, digits"),
        ({"sessionId": {"$gt": ""}}, "sessionId", "must be a string"),
        ({"session_id": "a"}, "session_id", "is not a field"),
        ({"userEmail": "nobody"}, "userEmail", "email"),
        ({"expiresAt": 1}, "expiresAt", "offset"),
        ({"expiresAt": "2026-11-21T12:00:00"}, "expiresAt", "offset"),
        ({"expiresAt": "9999-12-31T23:59:59-14:00"}, "expiresAt", ""),
        ({"note": "a\x00b"}, "note", "control"),
        ({"note": ["a"]}, "note", "must be a string"),
        ({"note": ""}, "note", "empty"),
        ({"lines": [{"item": "a"}, {"item": 5}]}, "lines[1].item", "must be a string"),
        ({"lines": [{"item": "a", "quantity": 0}]}, "lines[0].quantity", "from 1"),
        ({"lines": [{"item": "a", "price": 1}]}, "lines[0].price", "is not a field"),
        ({"lines": [{}]}, "lines[0].item", "is missing"),
        ({"lines": "a"}, "lines", "must be a list"),
        ({"metadata": []}, "metadata", "must be an object"),
        ({"metadata": {"a.b": 1}}, "metadata", "letters, digits"),
        ({"metadata": {"$set": 1}}, "metadata", "letters, digits"),
        ({"metadata": {f"k{n}": 1 for n in range(51)}}, "metadata", "at most 50 keys"),
        ({"metadata": {"a": "x" * 17_000}}, "metadata", "at most 16000 bytes"),
        ({"principal": 3}, "principal", "must be a string"),
        ({"amuont": 10}, "amuont", "is not a field"),
    ],
)
async def test_a_wrong_field_is_named_as_the_caller_wrote_it(
    http: AsyncClient, seen: Seen, changes: dict[str, Any], field: str, message: str
) -> None:
    assert (await post(http, {"amount": 10})).status_code == 201  # the control
    seen.orders.clear()
    answer = await post(http, {"amount": 10, **changes})
    problem = assert_problem(answer, 400, "invalid_request")
    assert [found["field"] for found in problem["errors"]] == [field]
    assert message in problem["errors"][0]["message"]
    assert not seen.orders


async def test_every_wrong_field_is_listed(http: AsyncClient) -> None:
    problem = (await post(http, {"amount": 1.5, "currency": 1, "extra": 1})).json()
    assert {found["field"] for found in problem["errors"]} == {"amount", "currency", "extra"}


async def test_a_good_body_comes_back_in_camel_case(http: AsyncClient) -> None:
    body = {
        "amount": 2**53 - 1,
        "currency": "inr",
        "sessionId": "ps_1",
        "userEmail": "a.b+c@shop.example",
        "expiresAt": "2026-11-21T17:30:00.123456+05:30",
        "note": "two\nlines",
        "lines": [{"item": "a", "quantity": 2}],
        "metadata": {"cart": [1, 2.5, None, {"deep": True}]},
    }
    found = (await post(http, body)).json()
    changed = {"currency": "INR", "expiresAt": "2026-11-21T12:00:00.123000Z", "principal": None}
    assert found == {**body, **changed}


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("userId=a&limt=3", ["limt"]),
        ("userId[$gt]=x", ["userId[$gt]"]),
        ("userId=a&userId=b", ["userId"]),
        ("user_id=a", ["user_id"]),
        ("userId=a&%00=1", ["\x00"]),
        ("userId=a&limit=0", ["limit"]),
        ("userId=a&limit=101", ["limit"]),
        ("userId=a&limit=ten", ["limit"]),
        ("userId=a&limit=", ["limit"]),
        ("userId=a&limit=1&limit=2&x=1&y=2", ["x", "y", "limit"]),
        ("userId=" + "a" * 51, ["userId"]),
        ("", ["userId"]),
        ("userId=a&from=1", ["from"]),
        ("userId=a&from=2026-11-21T12:00:00", ["from"]),
        ("userId=a&from=2026-02-30T12:00:00Z", ["from"]),
    ],
)
async def test_a_wrong_query_names_the_parameter(
    http: AsyncClient, query: str, fields: list[str]
) -> None:
    answer = await http.get(f"/api/orders?{query}", headers=SECRET)
    problem = assert_problem(answer, 400, "invalid_request")
    assert [found["field"] for found in problem["errors"]] == fields


@pytest.mark.parametrize(
    "moment", ["2026-11-21T17:30:00%2B05:30", "2026-11-21T17:30:00+05:30", "2026-11-21T12:00Z"]
)
async def test_a_good_query_is_read(http: AsyncClient, moment: str) -> None:
    answer = await http.get(f"/api/orders?userId=a&limit=100&from={moment}", headers=SECRET)
    assert answer.json() == {"userId": "a", "limit": 100, "from": "2026-11-21T12:00:00Z"}


async def test_a_route_without_parameters_takes_no_query(http: AsyncClient) -> None:
    assert_problem(await http.get("/health/live?verbose=1"), 400, "invalid_request")


async def test_who_may_not_call_is_told_that_first(http: AsyncClient) -> None:
    assert (await http.get("/api/orders?limt=3")).status_code == 401


async def test_a_path_that_is_no_session_id_is_named(http: AsyncClient) -> None:
    answer = await http.get("/api/orders/a%20b", headers=SECRET)
    problem = assert_problem(answer, 400, "invalid_request")
    assert [found["field"] for found in problem["errors"]] == ["sessionId"]
