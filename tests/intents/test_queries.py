"""Leads are listed by every filter, paged without a gap, and downloaded as a whole."""

import csv
import io
import json
from typing import Any

import pytest
from msgspec.structs import replace

from service.core.peppers import Pepper, read_pepper
from service.intents.operations.browse import Place, Wanted, filter_of, list_intents
from service.storage.database import Database
from tests.intents.leaving import PATH, ask, get, leave
from tests.support.api import ADMIN, JOBS, Api
from tests.support.profiled import profiled
from tests.support.shop import Shop


async def _leave_some(shop: Shop) -> list[str]:
    """Leave six leads, one an hour, and return their ids, newest first."""
    ids = []
    for number in range(6):
        left = await leave(
            shop.api,
            planName=f"plan-{number % 2}",
            userEmail=f"User{number % 3}@example.com",
            sessionId=f"journey-{number % 2}",
            amount=number,
        )
        ids.append(left["paymentIntentId"])
        shop.pass_time(hours=1)
    return ids[::-1]


def _ids(data: dict[str, Any]) -> list[str]:
    return [one["id"] for one in data["intents"]]


async def _both(api: Api, **filters: Any) -> dict[str, Any]:
    """Ask by GET and by POST, which must say the same."""
    by_get = await get(api, "query", **filters)
    answer = await ask(api, "query", filters=filters)
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"] == by_get
    return by_get


async def test_each_filter_finds_its_leads_by_get_and_by_post(shop: Shop) -> None:
    ids = await _leave_some(shop)
    api = shop.api
    assert _ids(await _both(api)) == ids
    assert _ids(await _both(api, planName="plan-1")) == ids[0::2]
    assert _ids(await _both(api, userEmail="uSER0@example.com")) == [ids[2], ids[5]]
    assert _ids(await _both(api, sessionId="journey-0")) == ids[1::2]
    assert _ids(await _both(api, planName="plan-1", userEmail="user0@example.com")) == [ids[2]]
    both = await _both(api, sessionId="journey-0", planName="plan-1")
    assert _ids(both) == []
    assert _ids(await _both(api, startDate="2026-11-21T15:00:00Z")) == ids[:3]
    assert _ids(await _both(api, endDate="2026-11-21T15:00:00Z")) == ids[3:]
    assert _ids(await _both(api, startDate="2026-11-21", endDate="2026-11-21")) == ids
    assert _ids(await _both(api, startDate="2026-11-22", endDate="2026-11-23")) == []
    shop.pass_time(days=1)
    assert _ids(await _both(api, daysBack=1)) == []
    assert _ids(await _both(api, daysBack=2)) == ids
    shop.pass_time(days=30)
    assert _ids(await _both(api)) == []


async def test_a_day_is_one_of_the_merchants_zone(shop: Shop, database: Database) -> None:
    api = shop.api
    body = {"name": "Shop", "zone": "Asia/Kolkata"}
    answer = await api.call("PUT", "/api/admin/merchants/default", ADMIN, json=body)
    assert answer.status_code == 200
    shop.pass_time(hours=6, minutes=29)  # 23:59 there
    before = (await leave(api))["paymentIntentId"]
    shop.pass_time(minutes=1)
    after = (await leave(api))["paymentIntentId"]
    assert _ids(await get(api, "query", endDate="2026-11-21")) == [before]
    assert _ids(await get(api, "query", startDate="2026-11-22")) == [after]
    assert _ids(await get(api, "query", daysBack=1)) == [after]


async def test_pages_by_cursor_and_by_offset_miss_nothing(shop: Shop) -> None:
    ids = await _leave_some(shop)
    for filters in ({}, {"planName": "plan-1", "userEmail": "user0@example.com"}):
        wanted = _ids(await get(shop.api, "query", **filters))
        for step in (1, 2, 4):
            by_cursor: list[str] = []
            cursor: str | None = ""
            while cursor is not None:
                at = {"cursor": cursor} if cursor else {}
                data = await get(shop.api, "query", limit=step, **at, **filters)
                by_cursor += _ids(data)
                cursor = data["pagination"]["nextCursor"]
                assert data["pagination"]["hasMore"] is (cursor is not None)
            assert by_cursor == wanted
            by_offset: list[str] = []
            more = True
            while more:
                place = {"limit": step, "offset": len(by_offset)}
                answer = await ask(shop.api, "query", filters=filters, pagination=place)
                data = answer.json()["data"]
                by_offset += _ids(data)
                more = data["pagination"]["hasMore"]
            assert by_offset == wanted
    assert len(ids) == 6


async def test_many_leads_of_one_moment_are_paged_without_a_gap(shop: Shop) -> None:
    left = {(await leave(shop.api))["paymentIntentId"] for _ in range(7)}
    found: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        data = await get(shop.api, "query", limit=2, **({"cursor": cursor} if cursor else {}))
        found += _ids(data)
        cursor = data["pagination"]["nextCursor"]
    assert len(found) == 7
    assert set(found) == left


async def test_sums_of_all_that_is_wanted_stand_beside_a_page(shop: Shop) -> None:
    await _leave_some(shop)
    data = await get(shop.api, "query", limit=1, includeStats=True)
    assert data["stats"] == {
        "totalIntents": 6,
        "uniqueSessions": 2,
        "currency": "USD",
        "currencies": ["USD"],
        "priced": 6,
        "askedFor": 1500,
        "askedForMajor": "15.00",
        "averageAmount": 250,
    }
    answer = await ask(shop.api, "query", filters={"planName": "plan-1"}, includeStats=True)
    assert answer.json()["data"]["stats"]["askedFor"] == 900


@pytest.mark.parametrize(
    "body",
    [
        {"filters": {"daysBack": 0}},
        {"filters": {"daysBack": 1, "startDate": "2026-11-01"}},
        {"filters": {"startDate": "2026-11-02", "endDate": "2026-11-01"}},
        {"filters": {"startDate": "2026-02-30"}},
        {"filters": {"startDate": "9999-12-31"}},
        {"filters": {"endDate": "0001-01-01"}},
        {"filters": {"planName": {"$gt": ""}}},
        {"pagination": {"limit": 1001}},
        {"pagination": {"limit": 0}},
        {"pagination": {"offset": 10_001}},
        {"pagination": {"cursor": "no"}},
        {"pagination": {"cursor": "MTc2Mzc0MDgwMDAwMDpzOng", "offset": 1}},
        {"format": "xml"},
        {"format": "csv", "pagination": {}},
        {"format": "csv", "includeStats": True},
    ],
)
async def test_what_can_not_be_asked_is_refused(api: Api, body: dict[str, Any]) -> None:
    answer = await ask(api, "query", **body)
    assert answer.status_code == 400, answer.text


async def test_a_table_has_all_leads_and_no_formula(shop: Shop) -> None:
    evil = ("=HYPERLINK(1)", "+1", "-1", "@SUM(1)", "  =1", "\uff1d1")
    for text in evil:
        await leave(shop.api, planName=text, feedback=text)
        shop.pass_time(seconds=1)
    answer = await ask(shop.api, "query", format="csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].endswith('filename="payment-intents.csv"')
    assert answer.headers["cache-control"] == "no-store"
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [row["planName"] for row in rows] == [f"'{text}" for text in evil[::-1]]
    assert [row["feedback"] for row in rows] == [f"'{text}" for text in evil[::-1]]
    assert {(row["amount"], row["amountMinor"]) for row in rows} == {("29.99", "2999")}
    # Control: JSON has them as they are.
    found = (await ask(shop.api, "query", download=True)).json()
    assert [one["planName"] for one in found["intents"]] == [*evil[::-1]]


async def test_a_file_of_json_says_what_it_is_of(shop: Shop) -> None:
    ids = await _leave_some(shop)
    answer = await ask(shop.api, "query", download=True, filters={"planName": "plan-1"})
    found = json.loads(answer.text)
    assert found["metadata"]["filters"] == {"planName": "plan-1"}
    assert found["metadata"]["exportedAt"] == "2026-11-21T18:00:00Z"
    assert _ids(found) == ids[0::2]
    assert found["count"] == 3
    empty = json.loads(
        (await ask(shop.api, "query", download=True, filters={"planName": "x"})).text
    )
    assert (empty["intents"], empty["count"]) == ([], 0)


async def test_one_lead_is_deleted_on_the_record(shop: Shop) -> None:
    first, second = [(await leave(shop.api))["paymentIntentId"] for _ in range(2)]
    answer = await shop.api.call("DELETE", f"{PATH}/{first}", ADMIN)
    assert answer.json() == {"code": 0, "message": "ok", "data": {"deleted": True, "id": first}}
    again = await shop.api.call("DELETE", f"{PATH}/{first}", ADMIN)
    assert (again.status_code, again.json()["error"]) == (404, "intent_not_found")
    assert _ids(await get(shop.api, "query")) == [second]
    trail = await shop.api.call("GET", f"/api/admin/audit?object=intent:{first}", ADMIN)
    assert [one["action"] for one in trail.json()["entries"]] == ["intent.deleted"]


async def test_no_query_reads_all_leads_or_sorts_them(shop: Shop, database: Database) -> None:
    await _leave_some(shop)
    lead = (await leave(shop.api))["paymentIntentId"]
    email = {"userEmail": "user0@example.com"}
    every: list[dict[str, Any]] = [{}, {"planName": "plan-1"}, email, {"sessionId": "journey-0"}]
    async with profiled(database) as done:
        for filters in (*every, {**email, "planName": "plan-1", "sessionId": "journey-0"}):
            await get(shop.api, "query", limit=1, includeStats=True, **filters)
            await get(shop.api, "query", limit=1, offset=1, **filters)
            await ask(shop.api, "query", format="csv", filters=filters)
        await get(shop.api, "analytics")
        await get(shop.api, "cleanup")
        await ask(shop.api, "cleanup", retentionDays=1)
        await shop.api.open(intentId=lead)
        await get(shop.api, "analytics")
        shop.pass_time(days=400)
        await ask(shop.api, "cleanup", dryRun=False)
        for job in ("intents-agents", "intents-cleanup"):
            await shop.api.call("POST", f"/api/jobs/{job}", JOBS)
    seen = [row for row in done if row["ns"].endswith(".payment_intents")]
    assert len(seen) > 30
    assert [row["command"] for row in seen if "COLLSCAN" in row.get("planSummary", "")] == []
    lists = [row["command"] for row in seen if row.get("hasSortStage") and "find" in row["command"]]
    assert lists == []


async def test_an_address_is_found_under_each_pepper(shop: Shop) -> None:
    await leave(shop.api, userEmail="a@example.com")
    services = shop.api.container.intents
    wanted = Wanted(user_email="A@EXAMPLE.com")
    new = read_pepper("2026b:another-pepper-of-more-than-16-characters")

    async def found(*peppers: Pepper) -> int:
        rotated = replace(services, peppers=peppers)
        return len((await list_intents(await filter_of(wanted, "default", rotated), Place(9))).rows)

    assert await found(new, *services.peppers) == 1
    # Control: without the older one it is not found.
    assert await found(new) == 0
