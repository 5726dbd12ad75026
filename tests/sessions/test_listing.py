"""Lists over all users, for servers: filters, whose they are, what a page looks at."""

from datetime import timedelta
from typing import Any

import pytest

from service.core.clock import ManualClock
from service.storage import paging
from service.storage.database import Database
from tests.sessions.asking import (
    CHECKOUTS,
    PAYMENTS,
    checkout_body,
    fields_of,
    key_of_another_merchant,
    problem,
    token_of,
)
from tests.support.api import ADMIN, PUBLISHABLE, SECRET, Api
from tests.support.profiled import profiled
from tests.support.sweeping import up_to_now

__all__ = ["up_to_now"]

# Of sweeps, which go by the database's clock and not by that of a test.
LONG_AGO = "2001-01-01T00:00:00Z"


async def _listed(api: Api, key: str = SECRET, **params: Any) -> list[str]:
    """Return the ids of all pages."""
    found: list[str] = []
    while True:
        answer = await api.call("GET", PAYMENTS, key, params=params)
        assert answer.status_code == 200, answer.text
        found += [one["sessionId"] for one in answer.json()["sessions"]]
        if answer.json()["nextCursor"] is None:
            return found
        params["cursor"] = answer.json()["nextCursor"]


async def _some(api: Api, clock: ManualClock) -> None:
    """Open three payment sessions and a checkout, a second apart."""
    for number, user in enumerate(("ada", "bob", "ada")):
        await api.open(sessionId=f"s-{number}", userId=user, eventId=f"event_{number}")
        clock.advance(timedelta(seconds=1))
    body = checkout_body(userId="eve", sessionId="plan")
    assert (await api.call("POST", CHECKOUTS, json=body)).status_code == 201
    clock.advance(timedelta(seconds=10))


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({}, ["plan", "s-2", "s-1", "s-0"]),
        ({"userId": "ada"}, ["s-2", "s-0"]),
        ({"userId": "ada", "eventId": "event_0"}, ["s-0"]),
        ({"eventId": "event_1"}, ["s-1"]),
        ({"email": "ada@example.com"}, ["plan"]),
        ({"email": "ada@example.com", "userId": "ada"}, []),
        ({"plan": "premium"}, ["plan"]),
        ({"provider": "razorpay"}, []),
        ({"provider": "stripe", "hasCheckout": "false"}, ["plan", "s-2", "s-1", "s-0"]),
        ({"hasCheckout": "true"}, []),
        ({"status": "pending", "plan": "premium"}, ["plan"]),
        ({"status": "expired"}, []),
        ({"updatedSince": LONG_AGO, "plan": "premium"}, ["plan"]),
        ({"updatedSince": LONG_AGO, "userId": "ada"}, ["s-0", "s-2"]),
    ],
)
@pytest.mark.parametrize("limit", [1, 100])
@pytest.mark.usefixtures("up_to_now")
async def test_every_filter_finds_what_it_names(
    api: Api, clock: ManualClock, params: dict[str, str], found: list[str], limit: int
) -> None:
    await _some(api, clock)
    for key in (SECRET, ADMIN):
        assert await _listed(api, key, limit=limit, **params) == found


@pytest.mark.usefixtures("up_to_now")
async def test_only_servers_list_what_is_of_all_users(api: Api, clock: ManualClock) -> None:
    await _some(api, clock)
    ada = token_of("ada", clock)
    assert await _listed(api, ada) == ["s-2", "s-0"]
    assert await _listed(api, ada, updatedSince=LONG_AGO) == ["s-0", "s-2"]
    assert await _listed(api, ada, email="ada@example.com") == []
    refused = await api.call("GET", PAYMENTS, ada, params={"userId": "eve"})
    problem(refused, 403, "change_not_allowed")
    problem(await api.call("GET", PAYMENTS, PUBLISHABLE), 400, "invalid_request")
    refused = await api.call("GET", PAYMENTS, PUBLISHABLE, params={"userId": "ada"})
    problem(refused, 403, "change_not_allowed")
    assert await _listed(api, await key_of_another_merchant(clock)) == []


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("updatedSince=1", "updatedSince"),
        ("updatedSince=2026-11-21T12:00:00", "updatedSince"),
        ("updatedSince=", "updatedSince"),
        ("updatedSince=9999-12-31T23:59:59Z", "updatedSince"),
        ("hasCheckout=perhaps", "hasCheckout"),
        ("provider=paypal", "provider"),
        ("status=paid", "status"),
        ("email[$gt]=", "email[$gt]"),
        ("eventId=a&eventId=b", "eventId"),
        ("cursor=x", "cursor"),
        ("limit=0", "limit"),
        ("plan=" + "p" * 256, "plan"),
        ("sessionId=s&plan=p", "sessionId"),
        ("sessionId=s&hasCheckout=false", "sessionId"),
    ],
)
async def test_a_query_that_makes_no_sense_is_a_400(api: Api, query: str, field: str) -> None:
    answer = await api.call("GET", f"{PAYMENTS}?{query}")
    assert answer.status_code == 400, answer.text
    assert fields_of(answer) == {field}


async def test_what_a_parameter_takes_is_said_of_those_that_take_only_some(api: Api) -> None:
    """The control: of a number it is said how large it may be."""
    params = {"status": "paid", "limit": 1_000_000}
    answer = await api.call("GET", PAYMENTS, SECRET, params=params)
    said = {one["field"]: one["message"] for one in answer.json()["errors"]}
    taken = "pending, processing, completed, failed, expired, canceled"
    assert said["status"] == f"does not take the value paid: take one of {taken}"
    assert said["limit"].startswith("must be at most ")
    assert "take one of" not in said["limit"]


async def test_what_looks_like_an_operator_is_a_text(api: Api, clock: ManualClock) -> None:
    await _some(api, clock)
    for name in ("userId", "email", "eventId", "plan"):
        for text in ('{"$gt": ""}', "$where", "\x00", "*"):
            assert await _listed(api, **{name: text}) == []


async def test_a_page_with_a_filter_looks_at_so_many_and_the_next_goes_on_there(
    api: Api, clock: ManualClock, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10):
        await api.open(sessionId=f"s-{number}", eventId="rare" if number in {0, 6} else "event")
        if number % 2:
            clock.advance(timedelta(seconds=1))
    monkeypatch.setattr(paging, "EXAMINED", 3)
    async with profiled(database) as done:
        first = (await api.call("GET", PAYMENTS, params={"eventId": "rare"})).json()
    assert (first["sessions"], first["nextCursor"] is None) == ([], False)
    # Also one that has the moment of the last.
    assert max(row.get("docsExamined", 0) for row in done) <= 3 + 1
    assert await _listed(api, eventId="rare") == ["s-6", "s-0"]
    assert await _listed(api, eventId="event", limit=1) == [
        f"s-{number}" for number in (9, 8, 7, 5, 4, 3, 2, 1)
    ]


async def test_lists_go_by_indexes_and_are_not_sorted_in_memory(
    api: Api, clock: ManualClock, database: Database
) -> None:
    await _some(api, clock)
    async with profiled(database) as done:
        for params in (
            {},
            {"userId": "ada"},
            {"email": "ada@example.com"},
            {"updatedSince": LONG_AGO},
            {"status": "expired", "provider": "stripe"},
        ):
            assert await _listed(api, limit=1, **params) is not None
    assert len(done) > 5
    assert [row["command"] for row in done if row.get("hasSortStage")] == []
    assert not [row for row in done if "COLLSCAN" in row.get("planSummary", "")]
