"""What is unread is read once and kept by the process, and what it kept is never stale."""

import random
from collections import Counter

import pytest

from service.analytics.documents import FiguresState
from service.analytics.operations import keeping, known_rows, unread
from service.analytics.operations.catching_up import catch_up
from service.analytics.operations.figures import total_of
from service.analytics.operations.keeping import are_many_unread
from service.analytics.operations.reading import Asked, read_within
from service.analytics.repository import sources
from service.core.clock import ManualClock
from service.core.errors import Unavailable
from service.jobs.documents import JobRun
from service.storage.database import Database
from service.storage.documents import bound_client
from service.storage.plain import in_transaction
from tests.analytics.behind import FIRST, LAST, Behind, forget_reading
from tests.analytics.rows import change, left
from tests.analytics.test_any_order import live_through, one_paid
from tests.conftest import NOON
from tests.storage.failing import failing
from tests.support.shop import Shop


@pytest.fixture
def behind(database: Database, clock: ManualClock) -> Behind:
    """A shop whose rows no job has read."""
    return Behind(database, clock, random.Random(11))  # noqa: S311 - no secret


async def test_each_row_is_read_once_by_a_process(behind: Behind) -> None:
    """Shown by a change that nobody could notice; the control reads anew, and sees it."""
    paid = await one_paid(behind)
    shown = await behind.totals()
    await behind.database["payments"].update_one({"_id": paid["_id"]}, {"$inc": {"amount": 5}})
    assert await behind.totals() == shown
    asked = Asked("default", [(FIRST, LAST)], str(paid["currency"]))
    [anew] = (await in_transaction(lambda tx: read_within(asked, tx))).buckets
    assert total_of(anew)["gross"] == shown[str(paid["currency"])]["gross"] + 5


@pytest.mark.parametrize("has_run", [False, True])
@pytest.mark.parametrize("few", [0, 500])
async def test_what_is_committed_late_is_seen(
    behind: Behind, few: int, monkeypatch: pytest.MonkeyPatch, *, has_run: bool
) -> None:
    """Whether rows are compared one by one or by their sum; the control looks at later ones."""
    assert known_rows._FEW == 500
    monkeypatch.setattr(known_rows, "_FEW", few)
    await one_paid(behind)
    if has_run:  # from then on what stands still is not asked for its rows
        await behind.sweep()
    await behind.check()
    await behind.begin_late()
    await behind.sell()
    await behind.check()
    await behind.end_late()
    await behind.check()
    assert known_rows.COMMITTED_WITHIN_S == unread.COMMITTED_WITHIN_S == 5
    monkeypatch.setattr(unread, "COMMITTED_WITHIN_S", 0)
    monkeypatch.setattr(known_rows, "COMMITTED_WITHIN_S", 0)
    await behind.check()
    await behind.begin_late()
    await behind.sell()
    await behind.check()
    await behind.end_late()
    with pytest.raises(AssertionError):
        await behind.check()
    keeping._kept.clear()  # the client is the next test's, too


@pytest.mark.parametrize("seed", range(2))
async def test_any_order_is_one_pass_where_sums_are_compared(
    database: Database, clock: ManualClock, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_rows, "_FEW", 0)
    await live_through(Behind(database, clock, random.Random(seed)), 20)  # noqa: S311 - no secret


async def test_what_is_kept_of_a_run_that_has_written_it_would_count_twice(
    behind: Behind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: answers that don't notice a run."""
    await one_paid(behind)
    await behind.check()
    await behind.sweep()
    await behind.check()
    await one_paid(behind)
    await behind.check()
    monkeypatch.setattr(unread.Unread, "_drop_read", _keep_all)
    await behind.sweep()
    await behind.roll()
    with pytest.raises(AssertionError):
        await behind.check()


@pytest.mark.parametrize("told", [True, False], ids=["told", "control"])
async def test_a_run_that_wrote_what_is_kept_and_came_no_further_is_noticed(
    behind: Behind, *, told: bool
) -> None:
    """One that reads all again, and is stopped amid that; of the control nothing tells it."""
    paid = await one_paid(behind)
    await behind.sweep()
    await behind.roll()
    await change("payments", paid, amount=1)
    await behind.check()
    states = behind.database[FiguresState.collection_name()]
    [before] = await states.find({}).to_list()
    await behind.sweep()
    names = ["seen"] if told else ["seen", "batches"]
    await states.update_one({}, {"$set": {name: before[name] for name in names}})
    await behind.roll()
    if told:
        await behind.check()
        return
    with pytest.raises(AssertionError):
        await behind.check()
    keeping._kept.clear()  # the client is the next test's, too


async def _keep_all(self: unread.Unread, tx: object) -> None:
    pass


@pytest.mark.parametrize("skipped", range(0, 14, 3))
async def test_an_answer_that_fails_leaves_nothing_behind(behind: Behind, skipped: int) -> None:
    await one_paid(behind)
    await behind.totals()
    await behind.sell()
    commands = ["find", "aggregate", "commitTransaction"]
    async with failing(bound_client(), commands, errorCode=11601, mode={"skip": skipped}):
        with pytest.raises(Unavailable):
            await _ask_for_ever(behind)
    await behind.check()


async def _ask_for_ever(behind: Behind) -> None:
    while True:
        await behind.totals()


async def test_an_answer_waits_for_another_of_its_merchant_and_not_for_ever(
    behind: Behind, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert keeping._WAITS_S == 20
    async with keeping.unread_of("default"):
        monkeypatch.setattr(keeping, "_WAITS_S", 0)
        with pytest.raises(Unavailable):
            await behind.totals()
        async with keeping.unread_of("other"):
            pass
    await behind.check()


async def test_where_less_was_read_than_before_all_of_it_is_read_anew(
    behind: Behind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A database that was restored; what was written before the last answer is not looked at else.

    The control: what is known is kept.
    """
    _have_none_committed_late(monkeypatch)
    await _restored(behind)
    await behind.check()
    monkeypatch.setattr(unread.Unread, "forget", lambda self: None)
    await _restored(behind)
    with pytest.raises(AssertionError):
        await behind.check()
    keeping._kept.clear()  # the client is the next test's, too


def _have_none_committed_late(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (unread, known_rows):
        monkeypatch.setattr(module, "COMMITTED_WITHIN_S", 0)


async def test_what_stands_still_is_not_asked_for_its_rows(
    behind: Behind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor is a collection without any; the control is a row that has changed."""
    _have_none_committed_late(monkeypatch)
    paid = await one_paid(behind)
    await behind.sweep()
    await behind.totals()
    monkeypatch.delattr(sources, "written")
    await behind.totals()
    await change("payments", paid, amount=1)
    with pytest.raises(AttributeError):
        await behind.totals()


async def test_rows_from_before_a_migration_break_no_answer(behind: Behind) -> None:
    """They have no time yet; the control has one."""
    await one_paid(behind)
    await behind.sweep()
    lead = await left("intent-1", NOON, currency="USD")
    wanted = {"_id": lead["_id"]}
    leads = behind.database["payment_intents"]
    await leads.update_one(wanted, {"$set": {"writtenAt": None}})
    assert (await behind.totals()).get("USD", Counter())["lead"] == 0
    await change("payment_intents", lead, amountMinor=1000)
    assert (await behind.totals())["USD"]["lead"] == 1


async def test_what_changed_before_another_collection_did_is_read_beside_it(
    behind: Behind, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session is read first, and its row is the later one; the control reads neither."""
    _have_none_committed_late(monkeypatch)
    paid = await one_paid(behind)
    session = behind.sales[-1]["sessions"]
    await behind.sweep()
    await behind.check()
    await change("payments", paid, amount=1)
    await change("sessions", session, amount=1)
    await behind.check()
    monkeypatch.setattr(known_rows.KnownRows, "are_all", lambda *_: True)
    await change("payments", paid, amount=2)
    with pytest.raises(AssertionError):
        await behind.check()
    keeping._kept.clear()  # the client is the next test's, too


async def _restored(behind: Behind) -> None:
    """Have the job's rows of before it ever ran, but those of sales and of who asked in between."""
    await one_paid(behind)
    await behind.sweep()
    await behind.roll()
    await behind.totals()
    await one_paid(behind)
    await behind.totals()
    await forget_reading(behind.database)


@pytest.mark.parametrize("has_run", [False, True])
async def test_what_was_deleted_is_not_kept(behind: Behind, *, has_run: bool) -> None:
    if has_run:
        await one_paid(behind)
        await behind.sweep()
    lead = await left("intent-1", NOON, currency="USD")
    behind.leads.append(lead)
    assert (await behind.totals())["USD"]["lead"] == 1
    await behind.database["payment_intents"].delete_one({"_id": lead["_id"]})
    await behind.check()
    assert (await behind.totals()).get("USD", Counter())["lead"] == 0


async def test_where_much_is_unread_the_job_runs_at_once(
    shop: Shop, behind: Behind, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (unread.MANY_UNREAD, unread.MOST_UNREAD) == (40_000, 80_000)
    monkeypatch.setattr(unread, "MANY_UNREAD", 12)
    monkeypatch.setattr(unread, "MOST_UNREAD", 20)
    table = shop.api.container.job_table
    await behind.sell()
    await behind.check()
    await catch_up(table)
    assert await _runs(behind) == 0  # few are read by the job's own schedule
    for _ in range(20):
        await behind.sell()
    with pytest.raises(Unavailable):
        await behind.totals()
    with monkeypatch.context() as patch:
        patch.delattr(sources, "written")  # it is counted, and none is read again
        with pytest.raises(Unavailable):
            await behind.totals()
    await catch_up(table)
    assert await _runs(behind) == 1
    monkeypatch.setattr(unread, "MOST_UNREAD", 80_000)
    await behind.check()
    assert not are_many_unread()  # the job has read them
    for _ in range(20):
        await behind.sell()
    await behind.check()
    assert are_many_unread()
    assert not are_many_unread()  # said once


async def _runs(behind: Behind) -> int:
    return await behind.database[JobRun.collection_name()].count_documents({"job": "figures"})
