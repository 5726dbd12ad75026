"""Stored events are read anew: what differs is told, or filled in, and nothing else happens."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio

from service.core.clock import ManualClock
from service.core.paging import Cursor
from service.core.principal import Kind, Principal
from service.effects import backfill as module
from service.effects import entering, rereading
from service.effects.backfill import Chosen, Doing, Report, backfill
from service.storage.database import Database, Row
from tests.bookkeeping.books import accounts, checked, post
from tests.conftest import NOON
from tests.effects import streams
from tests.effects.returned import (
    ledger,
    razorpay_dispute,
    razorpay_refund,
    stripe_dispute,
    stripe_refund,
)
from tests.support.events import phonepe_callback, stripe_intent
from tests.support.profiled import profiled
from tests.support.settings import make_settings
from tests.support.shop import Shop, open_shop

PAID = "payment_intent.succeeded"
# What facts did not have before, and rows of the ledger.
NEW = ("declineCode", "failureDetails", "chargeId", "bankReference", "madeAt", "openedAt")
CHARGED: Row = {"details.chargeId": {"$type": "string"}}
BY = Principal(Kind.ADMIN, "default", key_id="cli", name="cli:ada")


async def _paid(shop: Shop, **fields: Any) -> dict[str, Any]:
    session = await shop.api.open()
    await shop.receive(shop.stripe(PAID, stripe_intent(session, **fields)))
    shop.pass_time(seconds=1)
    return session


def _older(fact: Row) -> Row:
    """Return a fact as it was stored before there were details."""
    kept = {name: value for name, value in fact.items() if name not in NEW}
    if "payment" in kept:
        left_out = {"details", "aliases"}
        kept["payment"] = {k: v for k, v in kept["payment"].items() if k not in left_out}
    return kept


async def _as_before(shop: Shop) -> None:
    """Bring what is stored to what the version before would have written."""
    nothing = {"aliases": [], "details": {}, "places": {}}
    await shop.database["payments"].update_many({}, {"$set": nothing})
    for row in await shop.events():
        facts = [_older(fact) for fact in row["facts"]]
        await shop.database["webhook_events"].update_one(
            {"_id": row["_id"]}, {"$set": {"facts": facts}}
        )


async def _run(
    shop: Shop,
    type_: str = PAID,
    *,
    dry_run: bool = False,
    stopping: asyncio.Event | None = None,
    **chosen: Any,
) -> Report:
    wanted = Chosen(**{"type": type_, "since": NOON - timedelta(days=1), **chosen})
    return await backfill(wanted, BY, shop.api.container.inbox, Doing(dry_run, stopping))


async def _everything(shop: Shop) -> str:
    """Return all documents but the trail."""
    names = [name for name in await shop.database.list_collection_names() if name != "audit_log"]
    rows = {name: await shop.database[name].find().sort("_id", 1).to_list() for name in names}
    return json.dumps(rows, default=str, sort_keys=True)


def _figures(report: Report) -> tuple[int, int, int, int]:
    return report.read, report.facts, report.rows, report.replay


async def test_a_dry_run_tells_what_differs_of_each_event_and_changes_nothing(shop: Shop) -> None:
    session = await _paid(shop)
    await _as_before(shop)
    before = await _everything(shop)
    report = await _run(shop, dry_run=True)
    assert _figures(report) == (1, 1, 1, 0)
    [one] = report.first
    charge = "ch_3SqB2mKd9rTzX4Lp1mWq0aRt"
    told = {found.field: (found.then, found.now) for found in (*one.facts, *one.rows)}
    assert told["0.payment.details.chargeId"] == (None, charge)
    assert told[f"pi_{session['sessionId']} details.chargeId"] == (None, charge)
    assert await _everything(shop) == before
    assert await shop.database["audit_log"].count_documents({"action": "backfill.began"}) == 0


async def test_the_first_that_differ_are_told_and_no_more(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        await _paid(shop)
    await _as_before(shop)
    assert len((await _run(shop, dry_run=True)).first) == 3
    monkeypatch.setattr(module, "SHOWN", 2)
    assert len((await _run(shop)).first) == 2
    assert (await _run(shop)).first == []  # the control: nothing differs any more


async def test_what_is_filled_in_is_what_this_version_would_have_written(shop: Shop) -> None:
    for _ in range(3):
        await _paid(shop)
    today = await _everything(shop)
    await _as_before(shop)
    assert await _everything(shop) != today
    assert _figures(await _run(shop)) == (3, 3, 3, 0)
    again = await _everything(shop)
    assert _comparable(again) == _comparable(today)
    assert _figures(await _run(shop)) == (3, 0, 0, 0)
    assert await _everything(shop) == again


def _comparable(everything: str) -> Any:
    """Return documents without what a row of before has from nobody knows where."""
    rows = json.loads(everything)
    for row in rows["payments"]:
        row["places"].pop("paymentMethod", None)
        row.pop("writtenAt")  # it was filled in later
    return rows


async def test_it_is_on_the_record_with_its_figures(shop: Shop) -> None:
    await _paid(shop)
    await _as_before(shop)
    await _run(shop, provider="stripe")
    found = shop.database["audit_log"].find({"object": f"events:{PAID}"}).sort("_id", 1)
    began, ended = await found.to_list()
    assert (began["action"], ended["action"]) == ("backfill.began", "backfill.ended")
    assert ended["actor"] == BY.label
    assert began["detail"]["provider"] == ended["detail"]["provider"] == "stripe"
    figures = {"read": 1, "facts": 1, "rows": 1, "replay": 0, "skipped": 0}
    assert {name: ended["detail"][name] for name in figures} == figures


async def test_what_means_something_else_by_now_is_named_and_left_to_a_replay(shop: Shop) -> None:
    """As where an older version had no use for it, or read another amount."""
    await _paid(shop)
    for facts, rows in (([], 0), ([{"type": "PaymentSucceeded", "payment": {"amount": 9}}], 1)):
        change: Row = {"$set": {"facts": facts, "status": "processed" if facts else "ignored"}}
        await shop.database["webhook_events"].update_one({}, change)
        await shop.database["payments"].update_many({}, {"$set": {"details": {}}})
        if not rows:
            await shop.database["sessions"].update_one({}, {"$set": {"status": "pending"}})
        before = await _everything(shop)
        report = await _run(shop)
        assert _figures(report) == (1, 0, 0, 1)
        assert report.first[0].replay
        assert await _everything(shop) == before


async def test_only_the_type_the_time_the_provider_and_the_merchant_that_are_named(
    shop: Shop,
) -> None:
    await _paid(shop)
    for chosen in (
        {"type_": "payment_intent.processing"},
        {"since": NOON + timedelta(hours=1)},
        {"provider": "razorpay"},
        {"after": Cursor(NOON, "stripe:z")},
    ):
        assert (await _run(shop, **chosen)).read == 0
    await shop.database["webhook_events"].update_one({}, {"$set": {"merchantId": "another"}})
    assert (await _run(shop)).read == 0


async def test_a_run_that_is_stopped_ends_between_two_events_and_the_next_goes_on(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(5):
        await _paid(shop)
    await _as_before(shop)
    monkeypatch.setattr(module, "BATCH", 2)
    stopping = asyncio.Event()
    take = module.reread

    async def third(*given: Any, **options: Any) -> Any:
        if (await shop.payments(**CHARGED))[1:]:
            stopping.set()
        return await take(*given, **options)

    monkeypatch.setattr(module, "reread", third)
    report = await _run(shop, stopping=stopping)
    assert _figures(report) == (3, 3, 3, 0)
    assert report.stopped_at is not None
    monkeypatch.setattr(module, "reread", take)
    report = await _run(shop, after=report.stopped_at)
    assert _figures(report) == (2, 2, 2, 0)
    assert len(await shop.payments(**CHARGED)) == 5


async def test_a_run_that_fails_has_its_end_on_the_record(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _paid(shop)

    async def fails(*_: Any, **__: Any) -> Any:
        raise RuntimeError("the machine")

    monkeypatch.setattr(module, "reread", fails)
    with pytest.raises(RuntimeError):
        await _run(shop)
    assert await shop.database["audit_log"].count_documents({"action": "backfill.ended"}) == 1


async def test_an_event_that_is_applied_again_meanwhile_is_left_as_it_is(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _paid(shop)
    await _as_before(shop)
    write = rereading.write_facts

    async def overtaken(row: Any, facts: Any) -> bool:
        newer = {"$set": {"facts": [{"type": "Newer"}]}}
        await shop.database["webhook_events"].update_one({"_id": row.id}, newer)
        return await write(row, facts)

    monkeypatch.setattr(rereading, "write_facts", overtaken)
    report = await _run(shop)
    assert report.skipped == {"it was applied again meanwhile": 1}
    [row] = await shop.events()
    assert row["facts"] == [{"type": "Newer"}]


@pytest_asyncio.fixture
async def stripping(database: Database, clock: ManualClock) -> AsyncIterator[Shop]:
    """A shop that keeps no email in its inbox."""
    settings = make_settings(STRIP_PAYLOAD_FIELDS="receipt_email,latest_charge")
    async with open_shop(settings, database, clock) as opened:
        yield opened


async def test_a_stripped_payload_says_less_than_it_did_and_is_left_alone(stripping: Shop) -> None:
    await _paid(stripping)
    before = await _everything(stripping)
    report = await _run(stripping)
    assert report.skipped == {"its payload was stripped": 1}
    assert await _everything(stripping) == before


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"cut": {"size": 300_000, "sha256": "", "subject": {}}}, "too large to be kept"),
        ({"status": "parked"}, "read anew when it is tried again"),
        ({"status": "failed"}, "read anew when it is tried again"),
        ({"provider": "upi"}, "can't be read"),
        ({"provider": "gone"}, "no credentials"),
        ({"payload": b"{"}, "can't be read"),
    ],
)
async def test_what_can_not_be_read_is_skipped_and_told(shop: Shop, change: Row, said: str) -> None:
    await _paid(shop)
    await _as_before(shop)
    await shop.database["webhook_events"].update_one({}, {"$set": change})
    before = await _everything(shop)
    report = await _run(shop)
    [(reason, count)] = report.skipped.items()
    assert said in reason
    assert (count, report.read) == (1, 1)
    assert await _everything(shop) == before


async def test_a_hint_is_believed_no_more_than_when_it_came(shop: Shop) -> None:
    """Its payload is anybody's: what its provider confirmed stands in its facts alone."""
    session = await shop.api.open(paymentMethod="phonepe")
    await shop.receive(phonepe_callback(session))
    hint = {
        "event": "checkout.order.completed",
        "payload": {
            "merchantOrderId": session["sessionId"],
            "state": "COMPLETED",
            "amount": 1,
            "paymentDetails": [{"transactionId": "OM-forged", "state": "COMPLETED"}],
        },
    }
    await shop.database["webhook_events"].update_one(
        {}, {"$set": {"payload": json.dumps(hint).encode(), "eventId": "x"}}
    )
    before = await _everything(shop)
    report = await _run(shop, "callback")
    assert report.skipped == {"only its provider can confirm what it says": 1}
    assert await _everything(shop) == before


async def test_it_reads_no_collection_whole_and_sorts_nothing_in_memory(shop: Shop) -> None:
    for _ in range(2):
        await _paid(shop)
    await _as_before(shop)
    async with profiled(shop.database) as done:
        report = await _run(shop)
        await _run(shop, after=Cursor(NOON, "stripe:"))
    assert _figures(report)[2] == 2
    planned = [row for row in done if row.get("planSummary")]
    assert planned
    assert [row for row in planned if "COLLSCAN" in row["planSummary"]] == []
    assert [row for row in planned if row.get("hasSortStage")] == []


REFUND, FAILED = "refund.updated", "payment_intent.payment_failed"


async def _returned(shop: Shop) -> dict[str, Any]:
    """A payment with a refund, a dispute and a try that failed, of a version without their rows."""
    session = await _paid(shop)
    for delivery in (
        stripe_refund(shop, session, status="succeeded"),
        stripe_dispute(shop, session, "created"),
        streams.stripe_paid_later(shop, session, 60)[1],
    ):
        await shop.receive(delivery)
    return session


async def test_refunds_disputes_and_tries_of_before_are_entered_as_they_would_have_been(
    shop: Shop,
) -> None:
    session = await _returned(shop)
    as_they_came = await ledger(shop, session)
    for name in ("refunds", "disputes", "payment_attempts"):
        await shop.database[name].delete_many({})
    sums = {"refunded": 0, "reserved": 0, "held": 0}
    await shop.database["payments"].update_many({}, {"$set": sums})
    told = await shop.database["outbox"].count_documents({})
    for type_ in (REFUND, "charge.dispute.created", FAILED):
        before = await _everything(shop)
        assert _figures(await _run(shop, type_, dry_run=True)) == (1, 0, 1, 0)
        assert await _everything(shop) == before
        assert _figures(await _run(shop, type_)) == (1, 0, 1, 0)
        assert _figures(await _run(shop, type_)) == (1, 0, 0, 0)
    assert await ledger(shop, session) == as_they_came
    assert await shop.database["outbox"].count_documents({}) == told


async def test_what_older_code_read_of_a_refund_is_filled_in_and_needs_no_replay(
    shop: Shop,
) -> None:
    await _returned(shop)
    [row] = await shop.events(type=REFUND)
    older = {name: row["facts"][0][name] for name in ("type", "providerRefundId", "amount")}
    events = shop.database["webhook_events"]
    await events.update_one({"_id": row["_id"]}, {"$set": {"facts": [older]}})
    assert _figures(await _run(shop, REFUND)) == (1, 1, 0, 0)
    assert (await shop.events(type=REFUND))[0]["facts"] == row["facts"]


async def _lost(shop: Shop) -> tuple[dict[str, Any], str]:
    """A dispute that was lost and the refund that paid for it, of a version without their rows."""
    session = await shop.api.open(paymentMethod="razorpay")
    await shop.receive(shop.razorpay("payment.captured", session))
    await shop.receive(razorpay_dispute(shop, session, "lost", 100))
    paid_back = {"amount": 1000, "created_at": shop.unix(100)}
    await shop.receive(razorpay_refund(shop, session, "processed", 100, **paid_back))
    as_they_came = await ledger(shop, session)
    for name in ("refunds", "disputes"):
        await shop.database[name].delete_many({})
    await shop.database["payments"].update_many({}, {"$set": {"refunded": 0, "held": 0}})
    return session, as_they_came


_LOST = ("payment.dispute.lost", "refund.processed")


@pytest.mark.parametrize("order", [_LOST, _LOST[::-1]])
async def test_a_lost_dispute_of_before_and_its_refund_are_entered_as_one_loss(
    shop: Shop, order: tuple[str, ...]
) -> None:
    session, as_they_came = await _lost(shop)
    for type_ in order:
        assert _figures(await _run(shop, type_)) == (1, 0, 1, 0)
    assert await ledger(shop, session) == as_they_came
    [row] = await shop.payments()
    assert (row["refunded"], row["held"]) == (0, 1000)


async def test_control_entered_for_themselves_they_are_lost_twice(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def leave(*_: object) -> None: ...

    monkeypatch.setattr(entering, "count_refund_once", leave)
    session, as_they_came = await _lost(shop)
    for type_ in _LOST:
        await _run(shop, type_)
    assert await ledger(shop, session) != as_they_came


async def test_a_fee_that_is_filled_in_is_posted(shop: Shop) -> None:
    session = await shop.api.open(paymentMethod="razorpay")
    await shop.receive(shop.razorpay("payment.captured", session))
    older = {"details": {}, "places": {}}
    await shop.database["payments"].update_many({}, {"$set": older})
    await post(shop)
    assert "fees" not in await accounts(shop.database)
    await _run(shop, "payment.captured")
    await post(shop)
    assert (await accounts(shop.database))["fees"] > 0
    assert (await checked()).count == 0
