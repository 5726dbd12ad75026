"""The trail: who did what by hand, when and why, for operators of the merchant only."""

from datetime import timedelta
from typing import Any

import pytest

from service.core.clock import ManualClock
from service.core.principal import Kind
from service.settings import Settings
from service.web.logs.clients import clients_of
from tests.sessions.asking import (
    change,
    fields_of,
    key_of_another_merchant,
    problem,
    put_coupon,
    put_price,
)
from tests.support.api import ADMIN, JOBS, PUBLISHABLE, SECRET, Api

_PATH = "/api/admin/audit"


async def _trail(api: Api, key: str = ADMIN, **params: Any) -> list[tuple[str, str]]:
    answer = await api.call("GET", _PATH, key, params=params)
    assert answer.status_code == 200, answer.text
    return [(entry["action"], entry["object"]) for entry in answer.json()["entries"]]


async def _make_some(api: Api, clock: ManualClock) -> None:
    await put_price(api, "gold", 100)
    clock.advance(timedelta(hours=1))
    await put_coupon(api, "ADVENT", basisPoints=100)
    clock.advance(timedelta(hours=1))
    await api.open(sessionId="s-1")
    await change(api, sessionId="s-1", status="completed", reason="paid in cash")


async def test_an_entry_says_who_did_what_from_where_to_what_and_why(
    api: Api, clock: ManualClock, settings: Settings
) -> None:
    await _make_some(api, clock)
    answer = await api.call("GET", _PATH, ADMIN, params={"object": "session:s-1"})
    assert answer.json() == {
        "entries": [
            {
                "at": "2026-11-21T14:00:00Z",
                "actor": "secret:server",
                "client": clients_of(settings).name("127.0.0.1"),
                "action": "session.settled_by_hand",
                "object": "session:s-1",
                "reason": "paid in cash",
                "detail": {
                    "amount": 1000,
                    "currency": "INR",
                    "providerPaymentId": "hand:default:s-1",
                },
            }
        ],
        "nextCursor": None,
    }


async def test_the_trail_is_filtered_by_object_actor_and_time(api: Api, clock: ManualClock) -> None:
    await _make_some(api, clock)
    price, coupon = ("price.set", "price:gold"), ("coupon.set", "coupon:ADVENT")
    settled = ("session.settled_by_hand", "session:s-1")
    assert await _trail(api) == [settled, coupon, price]
    assert await _trail(api, actor="admin:ops") == [coupon, price]
    assert await _trail(api, actor="admin:ops", object="price:gold") == [price]
    # `from` is included, `to` is not.
    between = {"from": "2026-11-21T13:00:00Z", "to": "2026-11-21T14:00:00Z"}
    assert await _trail(api, **between) == [coupon]
    assert await _trail(api, **{"from": "2026-11-21T15:00:00+01:00"}) == [settled]
    assert await _trail(api, to="2026-11-21T12:00:00Z") == []


async def test_the_trail_is_paged(api: Api, clock: ManualClock) -> None:
    for number in range(5):  # all in one millisecond
        await put_price(api, f"item-{number}", 1)
    seen: list[str] = []
    cursor: dict[str, str] = {}
    while cursor is not None:
        answer = await api.call("GET", _PATH, ADMIN, params={"limit": 2, **cursor})
        seen += [entry["object"] for entry in answer.json()["entries"]]
        if answer.json()["nextCursor"] is None:
            break
        cursor = {"cursor": answer.json()["nextCursor"]}
    assert sorted(seen) == [f"price:item-{number}" for number in range(5)]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("from=yesterday", "from"),
        ("to=1", "to"),
        ("from=2026-11-21T12:00:00", "from"),
        ("object[$ne]=x", "object[$ne]"),
        ("actors=x", "actors"),
        ("limit=1000", "limit"),
        ("cursor=x", "cursor"),
    ],
)
async def test_a_query_that_means_nothing_is_refused_by_name(
    api: Api, query: str, field: str
) -> None:
    answer = await api.call("GET", f"{_PATH}?{query}", ADMIN)
    assert answer.status_code == 400
    assert fields_of(answer) == {field}


async def test_only_operators_of_the_merchant_read_it(api: Api, clock: ManualClock) -> None:
    await _make_some(api, clock)
    for key in (PUBLISHABLE, SECRET, JOBS):
        problem(await api.call("GET", _PATH, key), 403, "forbidden")
    problem(await api.call("GET", _PATH, None), 401, "unauthenticated")
    other = await key_of_another_merchant(clock, Kind.ADMIN)
    assert await _trail(api, other) == []


async def test_what_is_refused_leaves_no_entry(api: Api, clock: ManualClock) -> None:
    missing = await api.call("DELETE", "/api/admin/coupons/none", ADMIN)
    problem(missing, 404, "price_not_found")
    await api.open(sessionId="s-1")
    await change(api, sessionId="s-1", status="canceled")
    answer = await change(api, sessionId="s-1", status="pending")
    problem(answer, 409, "illegal_move")
    assert await _trail(api) == [("session.moved_by_hand", "session:s-1")]  # the cancel, done once
