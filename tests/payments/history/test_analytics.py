"""The figures of the last days are those that a plain fold over all rows comes to."""

import asyncio
import random
from collections import Counter
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from service.payments.history.operations import analytics, fold
from service.payments.history.repository.figures import Range, offsets
from service.storage.database import Row
from tests.conftest import NOON
from tests.payments.history import folding
from tests.payments.history.rows import dispute, fail, pay, refund
from tests.sessions.asking import fields_of, problem
from tests.support.api import ADMIN, SECRET
from tests.support.profiled import profiled
from tests.support.shop import Shop

PATH = "/api/payment/admin/analytics"
ZONE = "America/St_Johns"  # half an hour off the hour, behind UTC
STATUSES = ("succeeded", "succeeded", "failed", "refunded", "pending", "canceled", "reversed")


async def _asked(shop: Shop, **params: Any) -> dict[str, Any]:
    answer = await shop.api.call("GET", PATH, ADMIN, params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def _in_zone(shop: Shop, zone: str = ZONE, currency: str | None = None) -> None:
    body = {"name": "Shop", "zone": zone} | ({"defaultCurrency": currency} if currency else {})
    answer = await shop.admin("PUT", "/merchants/default", json=body)
    assert answer.status_code == 200, answer.text


async def _one(draw: random.Random, number: int, merchant: str) -> None:
    """Insert a payment at random with what hangs on it."""
    at = NOON - timedelta(minutes=draw.randrange(35 * 24 * 60))
    currency, amount = draw.choice(["USD", "USD", "EUR"]), draw.randrange(1, 10_000)
    status = draw.choice(STATUSES)
    fee = {"fee": draw.randrange(100), "feeCurrency": draw.choice(["USD", "EUR"])}
    paid = await pay(
        f"pi_{number}",
        merchantId=merchant,
        createdAt=at,
        currency=currency,
        amount=amount,
        status=status,
        sessionId=draw.choice([None, f"s-{draw.randrange(60)}"]),
        planId=draw.choice([None, "gold", "silver"]),
        planName=draw.choice([None, "Gold", "Silver"]),
        failureCode=draw.choice([None, "card_declined", "expired"]) if status == "failed" else None,
        details=draw.choice([{}, fee]),
        refunded=draw.randrange(amount) if status == "succeeded" else 0,
    )
    later = at + timedelta(hours=draw.randrange(100))
    if draw.random() < 0.3:
        state = draw.choice(["succeeded", "failed", "processing", "requested"])
        void = draw.random() < 0.1
        await refund(paid, f"refund-{number}", later, amount=amount, status=state, void=void)
    if draw.random() < 0.2:
        await dispute(paid, f"dp_{number}", later, status=draw.choice(["won", "lost", "inquiry"]))
    for n in range(draw.choice([0, 0, 0, 1, 2])):
        await fail(paid, f"ch_{number}_{n}", at)


async def _rows(shop: Shop, name: str, since: str, merchant: str = "default") -> list[Row]:
    found = await shop.database[name].find({"merchantId": merchant}).to_list()
    times = [row for row in found if row["createdAt"] <= NOON]
    return [row for row in times if folding.day_of(row, ZONE) >= since]


@pytest.mark.parametrize("seed", [1])
async def test_all_figures_are_those_of_a_plain_fold(shop: Shop, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311 - no secret
    for number in range(300):
        await _one(draw, number, "another" if number % 10 == 0 else "default")
    await _in_zone(shop, currency="USD")
    for days, currency in ((30, None), (7, "EUR"), (1, "USD"), (92, "USD")):
        params = {"days": days} | ({"currency": currency} if currency else {})
        found = await _asked(shop, **params)
        first, currency = found["byDay"][0]["day"], currency or "USD"
        assert len(found["byDay"]) == days
        assert found["byDay"][-1]["day"] == "2026-11-21"
        everything = {
            name: await _rows(shop, name, first) for name in ("payments", "refunds", "disputes")
        }
        present = {row["currency"] for rows in everything.values() for row in rows}
        assert found["currencies"] == sorted(present)
        own = {
            name: [row for row in rows if row["currency"] == currency]
            for name, rows in everything.items()
        }
        _same(found, own, await shop.database["payment_attempts"].find().to_list())


def _same(found: dict[str, Any], own: dict[str, list[Row]], attempts: list[Row]) -> None:
    """Hold figures to be those of the rows of their time and currency."""
    payments = own["payments"]
    assert found["total"] == folding.figures(payments)
    days = folding.by(payments, lambda row: folding.day_of(row, found["zone"]))
    made = [row for row in own["refunds"] if not row["void"]]
    done = [row for row in made if row["status"] == "succeeded"]
    back = folding.sums(done, lambda row: folding.day_of(row, found["zone"]))
    disputed = folding.sums(own["disputes"], lambda row: folding.day_of(row, found["zone"]))
    nothing = {"count": 0, "amount": 0}
    for day in found["byDay"]:
        assert day["figures"] == folding.figures(days.get(day["day"], []))
        assert day["refunds"] == back.get(day["day"], nothing)
        assert day["disputes"] == disputed.get(day["day"], nothing)
    plans = folding.by(payments, lambda row: row["planId"])
    assert {one["plan"]: one["figures"] for one in found["byPlan"]} == {
        plan: folding.figures(rows) for plan, rows in plans.items()
    }
    failed = folding.sums(
        (row for row in payments if row["status"] == "failed"), lambda row: row["failureCode"]
    )
    assert {one.pop("code"): one for one in found["failures"]} == failed
    assert found["refunds"] == folding.sums(made, lambda row: row["status"])
    assert found["disputes"] == folding.sums(own["disputes"], lambda row: row["status"])
    since = datetime.fromisoformat(found["from"]) - timedelta(days=7)
    took = folding.tries(payments, [one for one in attempts if one["madeAt"] >= since])
    until = found["attemptsUntilSuccess"]
    assert {one["attempts"]: one["payments"] for one in until["counts"]} == took
    if took:
        mean = sum(n * many for n, many in took.items()) / sum(took.values())
        assert until["average"] == pytest.approx(mean, abs=0.005)


async def test_a_payment_at_midnight_is_of_the_day_that_begins(shop: Shop) -> None:
    """In the merchant's zone; a control in another one has it on another day."""
    midnight = NOON.replace(hour=3, minute=30)  # of 21 November in St. John's
    await pay("pi_1", createdAt=midnight)
    await pay("pi_2", createdAt=midnight - timedelta(milliseconds=1))
    for zone, expected in ((ZONE, [1, 1]), ("UTC", [0, 2])):
        await _in_zone(shop, zone)
        days = (await _asked(shop, days=2))["byDay"]
        assert [(one["day"], one["figures"]["succeeded"]) for one in days] == [
            ("2026-11-20", expected[0]),
            ("2026-11-21", expected[1]),
        ]


@pytest.mark.parametrize(
    ("zone", "around"),
    [
        ("Europe/Kyiv", "2026-10-25T01:00:00Z"),  # a name that is younger than the database
        ("Australia/Lord_Howe", "2026-10-03T15:30:00Z"),  # by half an hour
        ("America/St_Johns", "2026-11-01T04:30:00Z"),
        ("Asia/Kathmandu", "2026-11-01T00:00:00Z"),  # no change
    ],
)
async def test_days_follow_the_clocks_of_the_zone_when_they_change(
    shop: Shop, zone: str, around: str
) -> None:
    change = datetime.fromisoformat(around)
    times = [change + timedelta(minutes=15 * n + 1) for n in range(-120, 120)]
    for number, at in enumerate(times):
        await pay(f"pi_{number}", createdAt=at)
    await _in_zone(shop, zone)
    found = await _asked(shop, days=60)
    days = {one["day"]: one["figures"]["succeeded"] for one in found["byDay"]}
    expected = Counter(str(at.astimezone(ZoneInfo(zone)).date()) for at in times)
    assert {day: n for day, n in days.items() if n} == expected


def test_the_offsets_of_a_zone_are_those_of_every_minute() -> None:
    since, until = NOON - timedelta(days=30), NOON
    for name in ("America/St_Johns", "UTC", "Australia/Lord_Howe", "America/New_York"):
        zone = ZoneInfo(name)
        found = offsets(zone, since, until)
        assert found[-1][0] == until
        assert len(found) == 1 + (name in {"America/St_Johns", "America/New_York"})
        for minute in range(0, 30 * 24 * 60, 7):
            at = since + timedelta(minutes=minute)
            [offset, *_] = [of for end, of in found if at < end]
            assert f"{at.astimezone(zone):%z}" == offset.replace(":", "")


async def test_without_payments_there_are_days_and_no_rates(shop: Shop) -> None:
    found = await _asked(shop)
    assert (found["currency"], found["currencies"], len(found["byDay"])) == ("USD", [], 30)
    assert (found["total"]["average"], found["total"]["successRate"]) == (None, None)
    assert found["attemptsUntilSuccess"] == {"average": None, "counts": []}


async def test_plans_beyond_a_number_are_added_up(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        await pay(f"pi_{number}", planId=f"plan-{number}", amount=100 + number, createdAt=NOON)
    monkeypatch.setattr(fold, "MOST_PLANS", 3)
    found = await _asked(shop)
    assert [one["plan"] for one in found["byPlan"]] == ["plan-4", "plan-3", "plan-2"]
    assert found["otherPlans"]["gross"] == 201
    assert found["total"]["gross"] == 510


async def test_too_many_payments_are_refused_in_words(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        await pay(f"pi_{number}")
    monkeypatch.setattr(analytics, "LARGEST", 3)
    assert (await _asked(shop))["total"]["succeeded"] == 3
    monkeypatch.setattr(analytics, "LARGEST", 2)
    told = problem(await shop.api.call("GET", PATH, ADMIN), 400, "too_much")
    assert "fewer days" in told["detail"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("days=0", "days"),
        ("days=93", "days"),
        ("days=1.5", "days"),
        ("currency=usd", "currency"),
        ("currency=US", "currency"),
        ("currency=USD&currency=EUR", "currency"),
        ("zone=UTC", "zone"),
        ("days[$gt]=1", "days[$gt]"),
    ],
)
async def test_a_query_that_makes_no_sense_is_a_400(shop: Shop, query: str, field: str) -> None:
    answer = await shop.api.call("GET", f"{PATH}?{query}", ADMIN)
    assert answer.status_code == 400, answer.text
    assert fields_of(answer) == {field}
    problem(await shop.api.call("GET", PATH, SECRET), 403, "forbidden")


async def test_what_is_older_is_not_read(shop: Shop) -> None:
    """All goes by indexes, within the days that are asked for."""
    for number in range(20):
        old = NOON - timedelta(days=number * 10)
        paid = await pay(f"pi_{number}", createdAt=old, sessionId=f"s-{number}")
        await refund(paid, f"refund-{number}", old)
        await fail(paid, f"ch_{number}", old)
    async with profiled(shop.database) as done:
        await _asked(shop, days=15)
    asked = [row for row in done if row.get("command", {}).get("aggregate")]
    names = {row["command"]["aggregate"] for row in asked}
    assert names == {"payments", "refunds", "disputes"}
    assert not [row for row in done if "COLLSCAN" in row.get("planSummary", "")]
    # Two payments, and three tries of a week more, which the profiler counts twice; not all twenty.
    assert max(row["docsExamined"] for row in asked) <= 2 + 2 * 3


async def _begun(monkeypatch: pytest.MonkeyPatch) -> int:
    """Ask for figures eight times at once; return how many begin before one has ended."""
    begun, free = 0, asyncio.Event()
    count_payments = analytics.repository.count_payments

    async def held(of: Range, limit: int) -> int:
        nonlocal begun
        begun += 1
        await free.wait()
        return await count_payments(of, limit)

    monkeypatch.setattr(analytics.repository, "count_payments", held)
    within = analytics.last_days("default", "UTC", 1, NOON)
    asked = [asyncio.create_task(analytics.analyze(within, "INR")) for _ in range(8)]
    await asyncio.sleep(0)  # each goes on to where it waits
    found = begun
    free.set()
    assert len(await asyncio.gather(*asked)) == 8
    return found


async def test_only_a_few_are_added_up_at_once_and_the_others_wait(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await _begun(monkeypatch) == 2


async def test_control_without_the_turns_all_are_added_up_at_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(analytics, "_A_FEW", asyncio.Semaphore(8))
    assert await _begun(monkeypatch) == 8
