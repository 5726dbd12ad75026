"""From a lead to what is kept: what a plain pass over all rows comes to."""

import random
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service.storage.database import Row
from tests.analytics import oracle
from tests.analytics.rows import PLANS, change, follow, left, one_sale, opened
from tests.analytics.test_now import asked, roll_up
from tests.conftest import NOON
from tests.payments.history.rows import pay
from tests.support.shop import Shop

STEPS = ("sessions", "attempted", "paid", "kept")


async def seeded(count: int, seed: int, days: int = 40) -> None:
    """Insert leads, and sales of which some follow one or the other."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    leads: list[Row] = []
    for number in range(count):
        at = NOON - timedelta(seconds=draw.randrange(days * 86_400))
        if draw.random() < 0.5:
            fields = {"planName": draw.choice(PLANS) or "dreamt of", "currency": "USD"}
            leads.append(await left(f"intent-{number}", at, **fields))
        sale = await one_sale(draw, f"s-{number}", at)
        if leads and draw.random() < 0.6:
            await follow(sale["sessions"], draw.choice(leads))


def _counts(steps: Sequence[Row]) -> tuple[int, ...]:
    return tuple(one["count"] for one in steps)


def _at_least(came: Iterable[str]) -> tuple[int, ...]:
    """Return how many came to each step or further."""
    places = [oracle.STEPS.index(step) for step in came]
    return tuple(sum(place >= at for place in places) for at in range(len(oracle.STEPS)))


async def test_a_funnel_is_one_pass_over_all_rows(shop: Shop) -> None:
    await seeded(150, 1)
    await _one_pass(shop)
    await roll_up(shop)
    await _one_pass(shop)


@pytest.mark.parametrize(
    "zone", ["Asia/Kathmandu", pytest.param("America/New_York", marks=pytest.mark.soak)]
)
async def test_days_of_a_funnel_are_those_of_a_zone(shop: Shop, zone: str) -> None:
    await seeded(60, 2, days=3)
    await roll_up(shop)
    for days in (1, 2):
        await _one_pass(shop, zone, days)


async def _one_pass(shop: Shop, zone: str = "UTC", days: int = 30) -> None:
    first = NOON.astimezone(ZoneInfo(zone)).date() - timedelta(days=days - 1)
    since = datetime.combine(first, datetime.min.time(), ZoneInfo(zone)).astimezone(UTC)
    everything = await oracle.whole(shop.database)
    steps = {row["sessionId"]: oracle.step_of(row, everything) for row in everything["sessions"]}
    rows = await oracle.all_rows(shop.database, "default", "USD")
    sessions, leads = (
        [row for row in rows[name] if since <= row["createdAt"] < NOON]
        for name in ("sessions", "payment_intents")
    )
    found = await asked(shop, "funnel", currency="USD", days=days, timezone=zone)
    came = _at_least(oracle.lead_step(row, steps) for row in leads)
    assert _counts(found["fromIntents"]) == came
    assert (
        _counts(found["fromSessions"]) == _at_least(steps[row["sessionId"]] for row in sessions)[1:]
    )
    assert sessions
    assert leads
    _lines(found["byProvider"], oracle.by(sessions, lambda row: row["provider"]), steps)
    _lines(found["byItem"], oracle.by(sessions, lambda row: row["plan"] or row["eventId"]), steps)
    plans = Counter(row["planName"] for row in leads)
    of_leads = {one["name"]: one["fromIntents"][0]["count"] for one in found["byItem"]}
    assert +Counter(of_leads) == plans
    assert sum(one["fromIntents"][0]["count"] for one in found["byProvider"]) == len(leads)
    assert sum(one["fromIntents"][3]["count"] for one in found["byProvider"]) == came[3]


def _lines(lines: Sequence[Row], by: dict[Any, list[Row]], steps: dict[str, str]) -> None:
    found = {one["name"]: _counts(one["fromSessions"]) for one in lines}
    assert {name: counts for name, counts in found.items() if counts[0]} == {
        name: _at_least(steps[row["sessionId"]] for row in of)[1:] for name, of in by.items()
    }


async def test_a_lead_counts_once_however_many_sessions_follow_it(shop: Shop) -> None:
    lead = await left("intent-1", NOON - timedelta(hours=1))
    for number, status in enumerate(("expired", "completed", "failed")):
        session = await opened(f"s-{number}", NOON - timedelta(minutes=9), status=status)
        await follow(session, lead)
    await left("intent-2", NOON - timedelta(hours=2))
    for _ in range(2):
        found = await asked(shop, "funnel")
        assert _counts(found["fromIntents"]) == (2, 1, 1, 1, 1)
        assert [one["ofPrevious"] for one in found["fromIntents"]] == [100, 50, 100, 100, 100]
        assert [one["ofFirst"] for one in found["fromSessions"]] == [100, 66.67, 33.33, 33.33]
        assert [one["step"] for one in found["fromSessions"]] == [*STEPS]
        await roll_up(shop)


async def test_money_back_is_seen_whenever_it_goes_and_comes(shop: Shop) -> None:
    session = await opened("s-1", NOON - timedelta(hours=3), status="completed")
    await follow(session, await left("intent-1", NOON - timedelta(days=2)))
    paid = await pay("pi_1", sessionId="s-1")
    await roll_up(shop)
    for refunded, held, kept in ((100, 0, 0), (0, 0, 1), (0, 1000, 0), (0, 0, 1)):
        await _back(shop, paid, refunded, held)
        for _ in range(2):
            found = await asked(shop, "funnel")
            assert _counts(found["fromIntents"]) == (1, 1, 1, 1, kept)
            assert _counts(found["fromSessions"]) == (1, 1, 1, kept)
            await roll_up(shop)


async def _back(shop: Shop, paid: Row, refunded: int, held: int) -> None:
    """Change a payment's sums, as a refund that succeeds or fails and a dispute do."""
    refunds = shop.database["refunds"]
    if await refunds.count_documents({}) == 0:
        await refunds.insert_one(_refund_of(paid))
    [row] = await refunds.find({}).to_list()
    await change("refunds", row, status="succeeded" if refunded else "failed")
    await change("payments", paid, refunded=refunded, held=held)


def _refund_of(paid: Row) -> Row:
    names = ("merchantId", "provider", "account", "providerPaymentId", "currency", "sessionId")
    return {name: paid[name] for name in names} | {
        "refundId": "re_1",
        "amount": 100,
        "status": "processing",
        "userId": "ada",
        "createdAt": NOON,
        "history": [],
    }


async def test_what_was_purged_stays_counted(shop: Shop) -> None:
    session = await opened("s-1", NOON - timedelta(hours=3), status="completed")
    lead = await left("intent-1", NOON - timedelta(days=2))
    await follow(session, lead)
    await left("intent-2", NOON - timedelta(days=2))
    await roll_up(shop)
    before = await asked(shop, "funnel")
    await shop.database["sessions"].delete_many({})
    await change("payment_intents", lead, feedback="the lead is read again")
    await roll_up(shop)
    await shop.database["payment_intents"].delete_many({})
    await roll_up(shop)
    assert await asked(shop, "funnel") == before
    assert _counts(before["fromIntents"]) == (2, 1, 1, 1, 1)


async def test_a_lead_is_no_sale_and_no_plan(shop: Shop) -> None:
    """What leads are called and ask for stands in no other figure."""
    await left("intent-1", NOON - timedelta(hours=1), planName="dreamt of", amountMinor=77)
    await roll_up(shop)
    for route in ("dashboard", "top-resources", "payment-methods", "checkouts", "overview"):
        answer = str(await asked(shop, route, currency="USD"))
        assert "dreamt of" not in answer
        assert "77" not in answer


@pytest.mark.parametrize(
    ("params", "word"),
    [
        ({"days": 18_250}, "days"),
        ({"days": 0}, "days"),
        ({"timezone": "Europe/Atlantis"}, "timezone"),
        ({"currency": "usd"}, "currency"),
        ({"currency": "CHF"}, "CHF has no rows"),
    ],
)
async def test_what_no_funnel_has_is_told(shop: Shop, params: Any, word: str) -> None:
    await left("intent-1", NOON - timedelta(hours=1))
    assert word in str(await asked(shop, "funnel", 400, **params))
