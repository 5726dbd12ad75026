"""Who paid, by days that are kept: always what the payments themselves come to."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from service.analytics.documents import CustomerDay, FiguresState
from service.analytics.operations import customer_days, customers, sweeping
from service.analytics.operations.customer_days import make_customer_days
from service.analytics.operations.paying import added_up, packed
from service.analytics.operations.rebuilding import begin_rebuild
from service.analytics.operations.sweeping import sweep
from service.core.batches import Until
from service.core.clock import ManualClock
from service.core.errors import Unavailable
from service.storage.database import Database, Row, earlier
from service.storage.documents import bound_client
from tests.analytics.behind import FIRST, FOREVER, LAST, Behind, pretend_read, with_sales
from tests.analytics.rows import change
from tests.analytics.test_now import asked, roll_up
from tests.bookkeeping.books import CRON
from tests.conftest import NOON
from tests.payments.history.rows import pay
from tests.storage.failing import failing
from tests.support.profiled import profiled
from tests.support.shop import Shop

_DAY = timedelta(days=1)
_MIDNIGHT = NOON.replace(hour=0)
_SPANS = (
    (FIRST, LAST),
    (NOON - 20 * _DAY, NOON - 3 * _DAY),
    (_MIDNIGHT - 30 * _DAY, _MIDNIGHT - 10 * _DAY),
    (NOON - timedelta(hours=30), NOON),
    (NOON - timedelta(hours=5), NOON),
)
_WHOLE = _MIDNIGHT - 40 * _DAY, _MIDNIGHT


async def _made(database: Database, clock: ManualClock, seed: int) -> Behind:
    """Return a merchant with sales of forty days, of whose customers all days are kept."""
    behind = await with_sales(database, clock, seed, days=40, sales=24)
    await behind.make_days()
    await _age(behind)
    await behind.make_days()
    await _hold(behind)
    return behind


async def _age(behind: Behind) -> None:
    """Read all that was changed, and let it be long ago: what was just now is looked at again."""
    await behind.sweep()
    row = await behind.database[FiguresState.collection_name()].find_one({"_id": "default"})
    assert row is not None
    long_ago = {"$set": {"writtenAt": earlier(row["seen"]["payments"], 1_000)}}
    await behind.database["payments"].update_many({}, long_ago)


async def _hold(behind: Behind) -> None:
    for span in _SPANS:
        await behind.hold_customers(span)


async def _kept(database: Database) -> dict[datetime, Row]:
    found = database[CustomerDay.collection_name()].find({}, {"_id": 0})
    return {row["day"]: row["paid"] for row in await found.to_list()}


async def _falsify(database: Database) -> None:
    """Let all days say that nobody paid."""
    await database[CustomerDay.collection_name()].update_many({}, {"$set": {"paid": {}}})


def _paid(behind: Behind) -> Row:
    """Return the payment that was first heard of before all others that money came of."""
    found = [one["payments"] for one in behind.sales if "payments" in one]
    came = [row for row in found if row["status"] == "succeeded"]
    return min(came, key=lambda row: row["createdAt"])


async def test_days_are_read_where_they_are_whole(database: Database, clock: ManualClock) -> None:
    """The control: nobody reads a day of which only a part is asked for."""
    behind = await _made(database, clock, 1)
    assert len(await _kept(database)) > 5
    await _falsify(database)
    for span in _SPANS[:3]:
        with pytest.raises(AssertionError):
            await behind.hold_customers(span)
    await behind.hold_customers(_SPANS[4])


@pytest.mark.parametrize(
    "changed",
    [
        {"status": "refunded"},
        {"status": "failed"},
        {"amount": 77},
        {"currency": "INR", "amount": 78},
        {"userId": "somebody-else"},
        {"userId": None},
        {"firstAt": NOON - 200 * _DAY},
    ],
    ids=lambda one: "-".join(one),
)
async def test_a_day_goes_with_the_payment_that_changes_and_comes_back(
    database: Database, clock: ManualClock, changed: dict[str, Any]
) -> None:
    behind = await _made(database, clock, 2)
    before, paid = await _kept(database), _paid(behind)
    if "firstAt" not in changed:
        await _control(behind, paid, changed)
    day = paid["createdAt"].replace(hour=0, minute=0, second=0, microsecond=0)
    await change("payments", paid, **changed)
    await _hold(behind)  # nobody has read it yet
    await behind.sweep()
    assert before.keys() - (await _kept(database)).keys() == {day}
    await _hold(behind)
    await behind.make_days()
    assert (await _kept(database)).keys() == before.keys()
    await _hold(behind)


async def _control(behind: Behind, paid: Row, changed: dict[str, Any]) -> None:
    """Hold that what says nothing of its time changes nothing that is shown."""
    payments = behind.database["payments"]
    await payments.update_one({"_id": paid["_id"]}, {"$set": changed})
    if changed != {"status": "refunded"}:
        with pytest.raises(AssertionError):
            await behind.hold_customers(_SPANS[0])
    await payments.replace_one({"_id": paid["_id"]}, paid)


_STEPS = ("sell", "move", "turn", "turn", "sweep", "make_days", "die", "age")


async def _turn(behind: Behind) -> None:
    """Change a payment in something that is counted."""
    paid = behind.draw.choice([one["payments"] for one in behind.sales if "payments" in one])
    some = [{"status": "succeeded"}, {"status": "failed"}, {"amount": behind.draw.randrange(9_999)}]
    await change("payments", paid, **behind.draw.choice([*some, {"userId": "user-7"}]))


async def _live_through(behind: Behind, steps: int) -> None:
    ours = {"age": _age, "turn": _turn}
    for _ in range(steps):
        step = behind.draw.choice(_STEPS)
        await (ours[step](behind) if step in ours else getattr(behind, step)())
        await behind.hold_customers(_SPANS[0])
        await behind.hold_customers(behind.draw.choice(_SPANS))


async def test_whatever_changes_and_is_killed_it_is_what_payments_come_to(
    database: Database, clock: ManualClock
) -> None:
    behind = await _made(database, clock, 11)
    await _live_through(behind, 25)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(100, 150))
async def test_fifty_orders(database: Database, clock: ManualClock, seed: int) -> None:
    """Soak: each takes seconds; one of them stays above."""
    behind = await _made(database, clock, seed)
    await _live_through(behind, 60)


async def test_who_is_known_only_to_the_provider_is_a_customer_once_it_is_a_user(
    database: Database, clock: ManualClock
) -> None:
    """Of the same name: to the facts of figures it has been the same all the time."""
    times = dict.fromkeys(("createdAt", "statusAt", "firstAt"), NOON - 7 * _DAY)
    paid = await pay("pi_cus", userId=None, providerCustomerId="cus_1", currency="USD", **times)
    behind = await _made(database, clock, 3)
    await change("payments", paid, userId="cus_1")
    await _hold(behind)
    await _age(behind)
    await _hold(behind)
    await behind.make_days()
    await _hold(behind)


async def test_a_payment_that_is_another_merchants_leaves_the_days_of_both(
    database: Database, clock: ManualClock
) -> None:
    behind = await _made(database, clock, 4)
    other = await pay("pi_zoe", merchantId="zoe", createdAt=NOON - 9 * _DAY)
    await sweep("zoe", clock, None, FOREVER)
    await make_customer_days("zoe", ManualClock(LAST), None, FOREVER)
    await _age(behind)
    await behind.hold_customers(_SPANS[0], "zoe")
    await change("payments", other, merchantId="default")
    with pytest.raises(AssertionError):  # until it was read
        await behind.hold_customers(_SPANS[0], "zoe")
    await behind.sweep()
    for merchant in ("default", "zoe"):
        await behind.hold_customers(_SPANS[0], merchant)
        await make_customer_days(merchant, ManualClock(LAST), None, FOREVER)
        await behind.hold_customers(_SPANS[0], merchant)


async def test_a_change_that_is_committed_late_only_delays(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As that of any figure, until a run reads again in what it may be."""
    behind = await _made(database, clock, 5)
    await behind.begin_late()
    await behind.sweep()
    await pretend_read(database, 30)
    await behind.end_late()
    with pytest.raises(AssertionError):
        await behind.hold_customers(_SPANS[0])
    monkeypatch.setattr(sweeping, "FULLY_EVERY_S", -sweeping.ENDED_WITHIN_S)
    await behind.sweep()
    await _hold(behind)


@pytest.mark.parametrize("skipped", range(0, 9, 2))
async def test_days_are_made_from_where_it_was_stopped(
    database: Database, clock: ManualClock, skipped: int
) -> None:
    behind = await _made(database, clock, 6)
    before = await _kept(database)
    await begin_rebuild(FIRST, LAST, CRON, clock)
    commands = ["insert", "update", "commitTransaction"]
    async with failing(bound_client(), commands, errorCode=11601, mode={"skip": skipped}):
        with pytest.raises(Unavailable):
            await make_customer_days("default", ManualClock(LAST), None, FOREVER)
    await _hold(behind)
    assert await make_customer_days("default", ManualClock(LAST), None, Until(0)) == 0
    made = await make_customer_days("default", ManualClock(LAST), None, FOREVER)
    assert 0 < made <= len(before)
    assert await _kept(database) == before
    assert await make_customer_days("default", ManualClock(LAST), None, FOREVER) == 0


@pytest.mark.parametrize("lose", ["rebuild", "state"])
async def test_days_are_made_anew_by_a_rebuild_and_where_the_state_is_lost(
    database: Database, clock: ManualClock, lose: str
) -> None:
    """Answers meanwhile are those of the payments."""
    behind = await _made(database, clock, 7)
    before = await _kept(database)
    await _falsify(database)
    with pytest.raises(AssertionError):
        await _hold(behind)
    if lose == "rebuild":
        await begin_rebuild(FIRST, LAST, CRON, clock)
    else:
        await database[FiguresState.collection_name()].delete_many({})
    await _hold(behind)
    await behind.sweep()
    await behind.make_days()
    assert await _kept(database) == before
    await _hold(behind)


async def test_no_day_is_kept_before_it_is_over(database: Database, clock: ManualClock) -> None:
    behind = await with_sales(database, clock, 8, days=3, sales=30)
    await behind.sweep()
    await make_customer_days(
        "default", ManualClock(_MIDNIGHT - timedelta(seconds=1)), None, FOREVER
    )
    assert max(await _kept(database)) < _MIDNIGHT - _DAY
    await make_customer_days("default", ManualClock(_MIDNIGHT), None, FOREVER)
    assert max(await _kept(database)) == _MIDNIGHT - _DAY
    # A process whose clock is behind takes nothing back.
    await make_customer_days("default", ManualClock(_MIDNIGHT - 2 * _DAY), None, FOREVER)
    assert max(await _kept(database)) == _MIDNIGHT - _DAY
    await _hold(behind)


def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customer_days, "_MOST", 0)


def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(customer_days, "_MOST_BYTES", 0)


@pytest.mark.parametrize("limit", [_few, _small])
async def test_a_day_with_too_much_is_read_from_payments(
    database: Database,
    clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch,
    limit: Callable[[pytest.MonkeyPatch], None],
) -> None:
    limit(monkeypatch)
    behind = await _made(database, clock, 9)
    assert await _kept(database) == {}
    assert await make_customer_days("default", ManualClock(LAST), None, FOREVER) == 0
    await _hold(behind)


async def test_of_days_that_are_kept_no_payment_is_read(
    database: Database, clock: ManualClock
) -> None:
    """The control: without them all are read that came, and none of another time."""
    behind = await _made(database, clock, 10)
    spans = [_WHOLE, (NOON - 30 * _DAY, NOON - 2 * _DAY)]
    rows = [one["payments"] for one in behind.sales if "payments" in one]
    came = [row["createdAt"] for row in rows if row["status"] == "succeeded"]
    edges = _parts_of_days(spans[1])
    assert await _examined(database, spans[0]) == 0
    assert await _examined(database, spans[1]) == _count(came, edges)
    await database[CustomerDay.collection_name()].delete_many({})
    for span in spans:
        assert await _examined(database, span) == _count(came, [span]) > 3


def _parts_of_days(span: tuple[datetime, datetime]) -> list[tuple[datetime, datetime]]:
    first, last = (at.replace(hour=0) for at in span)
    return [(span[0], first + _DAY), (last, span[1])]


def _count(moments: list[datetime], spans: list[tuple[datetime, datetime]]) -> int:
    return len([at for at in moments if any(since <= at < until for since, until in spans)])


async def _examined(database: Database, span: tuple[datetime, datetime]) -> int:
    """Return how many payments the database read to tell who paid, of whatever currency."""
    async with profiled(database) as done:
        await customers.customers_of("default", "USD", span)
    of_payments = [one for one in done if one["ns"].endswith(".payments")]
    return sum(one.get("docsExamined", 0) for one in of_payments)


async def test_more_payments_than_one_answer_is_made_of_are_refused(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether their days are kept or not; the control may have one more."""
    for n in range(4):
        await pay(f"pi_{n}", userId=f"u-{n}", createdAt=_MIDNIGHT - n * _DAY, currency="USD")
    await pay("pi_inr", userId="u-5", createdAt=NOON - _DAY, currency="INR")
    for made in (False, True):
        if made:
            await roll_up(shop)
        monkeypatch.setattr(customers, "MOST_PAYMENTS", 3)
        refused = await asked(shop, "customers", 400, period="7d", currency="USD")
        assert "payments: ask for a shorter one" in str(refused)
        monkeypatch.setattr(customers, "MOST_PAYMENTS", 4)
        found = await asked(shop, "customers", period="7d", currency="USD")
        assert found["customers"]["total"] == 4


async def test_only_what_is_in_the_time_counts_of_days_that_it_begins_and_ends_in(
    database: Database, clock: ManualClock
) -> None:
    behind = await with_sales(database, clock, 12, days=40, sales=2)
    for n, hours in enumerate((-2, 2)):
        for day in (5, 2):
            at = NOON - day * _DAY + timedelta(hours=hours)
            await pay(f"pi_{day}_{n}", userId=f"u-{day}-{n}", createdAt=at)
    await behind.make_days()
    await _age(behind)
    await behind.make_days()
    assert {_MIDNIGHT - 5 * _DAY, _MIDNIGHT - 2 * _DAY} <= (await _kept(database)).keys()
    found = await customers.customers_of("default", "USD", (NOON - 5 * _DAY, NOON - 2 * _DAY))
    assert {"u-5-1", "u-2-0"} <= {one.user_id for one in found.top}
    await behind.hold_customers((NOON - 5 * _DAY, NOON - 2 * _DAY))


async def test_days_beyond_those_that_the_state_knows_are_not_read_and_replaced(
    database: Database, clock: ManualClock
) -> None:
    """As where a state of before was restored; in the control it knows them."""
    behind = await _made(database, clock, 13)
    before = await _kept(database)
    middle = sorted(before)[len(before) // 2]
    days = database[CustomerDay.collection_name()]
    await days.update_many({"day": {"$gte": middle}}, {"$set": {"paid": {}}})
    with pytest.raises(AssertionError):
        await _hold(behind)
    states = database[FiguresState.collection_name()]
    await states.update_one({}, {"$set": {"customersUntil": middle}})
    await _hold(behind)
    await behind.make_days()
    assert await _kept(database) == before


async def test_a_day_in_which_nobody_paid_any_more_goes_with_a_rebuild(
    database: Database, clock: ManualClock
) -> None:
    behind = await _made(database, clock, 14)
    before = await _kept(database)
    row = await database[CustomerDay.collection_name()].find_one({"n.USD": {"$gt": 0}})
    assert row is not None
    false = row | {"_id": "false", "day": _MIDNIGHT - 50 * _DAY}
    await database[CustomerDay.collection_name()].insert_one(false)
    with pytest.raises(AssertionError):
        await _hold(behind)
    await begin_rebuild(FIRST, LAST, CRON, clock)
    await behind.make_days()
    assert await _kept(database) == before
    await _hold(behind)


async def test_of_those_who_paid_as_much_the_first_ids_are_shown() -> None:
    users = [f"user-{n}" for n in range(100, 140)]
    rows: list[Row] = [{"userId": user, "amount": 5} for user in users]
    once = await added_up([packed(rows)])
    assert [one.user_id for one in once.top] == users[:10]
    # Whoever paid more comes before them, and who paid as much in two payments among them.
    more = [{"userId": "zoe", "amount": 6}, {"userId": "user-1", "amount": 2}]
    again = await added_up([packed(rows), packed([*more, {"userId": "user-1", "amount": 3}])])
    assert [one.user_id for one in again.top] == ["zoe", "user-1", *users[:8]]
    assert (again.total, again.returning, again.top[1].n) == (42, 1, 2)
