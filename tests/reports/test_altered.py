"""A closed report that somebody has altered is noticed: when it is read, and by `verify`."""

import json
from typing import Any

import pytest

from service.core.ids import digest
from service.reports.operations.refusing import reports_refused
from service.reports.operations.verifying import verify_reports
from service.storage.database import Row
from tests.analytics.test_now import BASE
from tests.reports.months import at, close, moment, monthly, sold, stored
from tests.support.api import ADMIN
from tests.support.shop import Shop


def _more(row: Row) -> Row:
    said = json.loads(row["content"])
    said["summary"]["totalRevenue"] += 1
    return {"content": json.dumps(said)}


def _more_and_its_hash(row: Row) -> Row:
    content = _more(row)["content"]
    return {"content": content, "hash": digest(content)}


def _another_currency(row: Row) -> Row:
    content = row["content"].replace('"currency":"USD"', '"currency":"EUR"')
    return {"content": content, "hash": digest(content)}


async def _closed(shop: Shop) -> Row:
    await sold(shop, 30, 61, days=15)
    await at(shop, moment(2026, 12, 4))
    await close(shop)
    [row] = await stored(shop)
    return row


async def _alter(shop: Shop, row: Row, changed: Row) -> None:
    await shop.database["reports"].update_one({"_id": row["_id"]}, {"$set": changed})


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"hash": "0" * 64}, "does not have its hash"),
        (_more, "does not have its hash"),
        (_another_currency, "about another merchant, currency or time"),
        ({"endsAt": moment(2026, 12, 2)}, "about another merchant, currency or time"),
        (lambda _: {"content": "{}", "hash": digest("{}")}, "is no report"),
    ],
)
async def test_what_was_altered_is_not_shown(shop: Shop, changed: Any, says: str) -> None:
    row = await _closed(shop)
    assert (await verify_reports(None)).faults == []
    await _alter(shop, row, changed(row) if callable(changed) else changed)
    for format_ in ("json", "csv", "html"):
        params = {"month": "2026-11", "currency": "USD", "format": format_}
        answer = await shop.api.call("GET", f"{BASE}/reports/monthly", ADMIN, params=params)
        assert (answer.status_code, answer.json()["error"]) == (409, "report_altered")
        assert says in answer.json()["detail"]
    assert (await monthly(shop, "2026-12"))["report"]["closed"] is False
    [fault] = (await verify_reports("default")).faults
    assert (fault.report_id, says in fault.what) == (row["_id"], True)
    assert (await verify_reports("another")).faults == []
    await _alter(shop, row, row)
    assert (await monthly(shop, "2026-11"))["hash"] == row["hash"]
    assert (await verify_reports(None)).faults == []


async def test_a_report_altered_with_its_hash_is_not_what_the_trail_has(shop: Shop) -> None:
    row = await _closed(shop)
    await _alter(shop, row, _more_and_its_hash(row))
    assert (await monthly(shop, "2026-11"))["hash"] != row["hash"]  # the row alone can't tell
    [fault] = (await verify_reports(None)).faults
    assert "the trail has another hash" in fault.what
    await shop.database["audit_log"].delete_many({"object": f"report:{row['_id']}"})
    [fault] = (await verify_reports(None)).faults
    assert "no entry" in fault.what


async def test_after_an_altered_month_none_closes_until_it_is_back(shop: Shop) -> None:
    row = await _closed(shop)
    await _alter(shop, row, _more(row))
    await at(shop, moment(2027, 1, 4))
    report = await close(shop)
    assert (report["closed"], report["refused"]) == (2, 1)
    [seen] = await reports_refused(shop.clock.now())
    assert "The report of 2026-11 in USD is not what was closed" in seen.what
    await _alter(shop, row, row)
    assert (await close(shop))["closed"] == 1
    assert await reports_refused(shop.clock.now()) == []
