"""When customers first came and first paid: what a plain pass over all rows comes to."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service.jobs.operations.run import run_job
from service.merchants.documents import Merchant
from service.storage.database import Row
from tests.analytics import oracle
from tests.analytics.rows import change, follow, left, opened
from tests.analytics.test_funnel import seeded
from tests.analytics.test_now import asked, roll_up
from tests.bookkeeping.books import CRON
from tests.conftest import NOON
from tests.payments.history.rows import pay
from tests.support.shop import Shop

DAY, WEEK = timedelta(days=1), timedelta(weeks=1)


async def _made(shop: Shop) -> dict[str, Any]:
    await roll_up(shop)
    report = vars(await run_job("cohorts", shop.api.container.job_table, CRON))
    await shop.api.container.figures.cache.answers.forget()
    return report


def _customers(rows: oracle.Rows, everything: oracle.Rows) -> dict[str, tuple[datetime, Any]]:
    """Return when each customer first came, and first paid; None where it never did."""
    sessions = {row["sessionId"]: row for row in everything["sessions"]}
    steps = {name: oracle.step_of(row, everything) for name, row in sessions.items()}
    came = [(row["userId"], row["createdAt"]) for row in rows["sessions"]]
    for lead in rows["payment_intents"]:
        farthest = max(
            lead["followedBy"], key=lambda one: oracle.STEPS.index(steps[one]), default=None
        )
        who = sessions[farthest]["userId"] if farthest else f"journey {lead['sessionId']}"
        came.append((who, lead["createdAt"]))
    paid = [
        (row["userId"], row["firstAt"] or row["statusAt"])
        for row in rows["payments"]
        if row["status"] == "succeeded"
    ]
    first = {who: min(at for of, at in came if of == who) for who, _ in came}
    return {
        who: (at, min((when for of, when in paid if of == who), default=None))
        for who, at in first.items()
    }


def _week_of(at: datetime, zone: ZoneInfo, first: int) -> date:
    day = at.astimezone(zone).date()
    return day - ((day.weekday() - first) % 7) * DAY


@pytest.mark.parametrize(
    ("zone", "language", "first"),
    [
        ("Asia/Kathmandu", "de", 0),
        pytest.param("UTC", "en", 6, marks=pytest.mark.soak),
        pytest.param("America/New_York", "de", 0, marks=pytest.mark.soak),
    ],
)
async def test_cohorts_are_one_pass_over_all_rows(
    shop: Shop, zone: str, language: str, first: int
) -> None:
    merchant = Merchant.unnamed("default", NOON).to_row() | {"language": language}
    await shop.database[Merchant.collection_name()].replace_one(
        {"_id": "default"}, merchant, upsert=True
    )
    shop.api.container.merchants.forget("default")
    await seeded(120, 5, days=60)
    assert (await _made(shop))["added_up"] == 3
    rows = await oracle.all_rows(shop.database, "default", "USD")
    customers = _customers(rows, await oracle.whole(shop.database)).values()
    there = ZoneInfo(zone)
    found = await asked(shop, "cohorts", currency="USD", timezone=zone, weeks=10)
    assert len(found["cohorts"]) == 10
    begun = _week_of(NOON, there, first)
    for n, line in enumerate(found["cohorts"]):
        week = begun - n * WEEK
        assert line["week"] == week.isoformat()
        of_week = [one for one in customers if _week_of(one[0], there, first) == week]
        assert line["customers"] == len(of_week)
        paid = [max(when - at, timedelta()) // WEEK for at, when in of_week if when is not None]
        _holds(line, Counter(paid), datetime.combine(week, datetime.min.time(), there))
    assert sum(line["customers"] for line in found["cohorts"]) == len(customers) > 40


def _holds(line: Row, paid: Counter[int], begins: datetime) -> None:
    begun = (NOON - begins.astimezone(UTC)) // WEEK + 1
    assert [one["paid"] for one in line["weeks"]] == [paid[n] for n in range(begun)]
    assert line["paid"] == paid.total()
    until_then = [*accumulate(paid[n] for n in range(begun))]
    rates = [round(100 * n / (line["customers"] or 1), 2) for n in until_then]
    assert [one["paidUntilThen"] for one in line["weeks"]] == rates


async def test_a_customer_comes_with_a_lead_and_pays_once(shop: Shop) -> None:
    lead = await left("intent-1", NOON - 3 * WEEK)
    session = await opened("s-1", NOON - WEEK, userId="ada", status="completed")
    await follow(session, lead)
    for n, when in enumerate((NOON - WEEK, NOON - DAY)):
        await pay(f"pi_{n}", firstAt=when, userId="ada", sessionId="s-1")
    # Somebody who only left leads, twice in one journey.
    for n in (2, 3):
        await left(f"intent-{n}", NOON - 3 * WEEK - n * DAY, sessionId="journey")
    await _made(shop)
    lines = (await asked(shop, "cohorts", weeks=5))["cohorts"]
    assert [one["customers"] for one in lines] == [0, 0, 0, 2, 0]
    assert [one["paid"] for one in lines[3]["weeks"]] == [0, 0, 1, 0]


async def test_a_run_adds_up_what_has_changed_and_purging_changes_nothing(shop: Shop) -> None:
    session = await opened("s-1", NOON - WEEK, userId="ada")
    assert (await _made(shop))["added_up"] == 1
    assert (await _made(shop))["added_up"] == 0
    await follow(session, await left("intent-1", NOON - 2 * WEEK))
    await _made(shop)
    before = (await asked(shop, "cohorts"))["cohorts"]
    assert [one["customers"] for one in before[:4]] == [0, 0, 1, 0]
    await shop.database["sessions"].delete_many({})
    await change("payment_intents", {"_id": "intent-1"}, feedback="read again")
    await _made(shop)
    assert (await asked(shop, "cohorts"))["cohorts"] == before


@pytest.mark.parametrize(
    ("params", "word"),
    [
        ({"weeks": 53}, "weeks"),
        ({"weeks": 0}, "weeks"),
        ({"currency": "CHF"}, "CHF has no rows"),
        ({"timezone": "Europe/Atlantis"}, "timezone"),
    ],
)
async def test_what_there_are_no_cohorts_of_is_told(shop: Shop, params: Any, word: str) -> None:
    await opened("s-1", NOON - WEEK)
    assert word in str(await asked(shop, "cohorts", 400, **params))


async def test_before_the_first_run_there_are_none(shop: Shop) -> None:
    await opened("s-1", NOON - WEEK)
    found = await asked(shop, "cohorts")
    assert (found["madeAt"], found["cohorts"]) == (None, [])
    await _made(shop)
    found = await asked(shop, "cohorts")
    assert found["madeAt"] == found["asOf"] is not None
    assert [one["customers"] for one in found["cohorts"][:3]] == [0, 1, 0]
