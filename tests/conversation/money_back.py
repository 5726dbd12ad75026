"""What must hold of refunds, disputes and entries, held against the providers' own books."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta

from service.bookkeeping.operations.check import check_ledger
from service.core.batches import Until
from service.storage.database import Row
from tests.conversation.books import (
    RealDispute,
    RealPayment,
    RealRefund,
    disputes_in,
    payments_in,
    refunds_in,
)
from tests.conversation.world import JOBS, World

_FACTS = frozenset({"RefundUpdated", "DisputeUpdated"})
_LEFT = frozenset({"dead", "failed"})
# What the books may say by now of a refund that the ledger has in a state; of others anything.
_MAY_BE = {
    "succeeded": {"succeeded", "failed"},
    "failed": {"failed"},
    "canceled": set[str](),
}
_STANDS = {"pending": "processing"}
_DISPUTE_STANDS = {"open": "needs_response"}


async def check_money_back(world: World) -> None:
    """Hold what needs no rest: rows are of real refunds, and sums those of the rows."""
    checkouts = await world.checkouts()
    refunds, disputes = await world.rows("refunds"), await world.rows("disputes")
    real = refunds_in(checkouts)
    _each_is_real(refunds, real)
    _each_dispute_is_real(disputes, disputes_in(checkouts))
    _we_make_each_once(refunds, real)
    for payment in await world.rows("payments"):
        _sums_are_of_its_rows(payment, refunds, disputes)
    await _no_session_moves(world)


def _each_is_real(rows: Iterable[Row], real: Mapping[str, RealRefund]) -> None:
    counts = Counter(row["providerRefundId"] for row in rows if row["providerRefundId"])
    assert not [key for key, count in counts.items() if count > 1], "two rows for one refund"
    for row in rows:
        key, status = row["providerRefundId"], row["status"]
        if key is None:
            came = status in {"succeeded", "canceled"} and row["bankReference"] is None
            assert not came, f"{row['refundId']} came from nowhere"
            continue
        found = real.get(key)
        assert found is not None, f"the ledger has refund {key}, of which no provider knows"
        same = (row["providerPaymentId"], row["amount"]) == (found.key, found.amount)
        assert same, f"refund {key} is {found}, the ledger says {row}"
        assert found.status in _MAY_BE.get(status, {found.status}), (
            f"the ledger says that refund {key} {status}, the provider {found.status}"
        )


def _each_dispute_is_real(rows: Iterable[Row], real: Mapping[str, RealDispute]) -> None:
    for row in rows:
        found = real.get(row["providerDisputeId"])
        assert found is not None, f"no provider knows of dispute {row['providerDisputeId']}"
        same = (row["providerPaymentId"], row["amount"]) == (found.key, found.amount)
        assert same, f"the dispute is {found}, the ledger says {row}"


def _we_make_each_once(rows: Iterable[Row], real: Mapping[str, RealRefund]) -> None:
    """What we ask for is asked for once, whoever asks, and only what was approved."""
    made = Counter(one.ours for one in real.values() if one.ours is not None)
    for row in rows:
        if row["source"] == "provider":
            continue
        count = made[row["refundId"]]
        assert count <= 1, f"refund {row['refundId']} was made {count} times"
        moves = {move["to"] for move in row["history"]}
        assert not count or "approved" in moves, f"nobody approved {row['refundId']}"


def _sums_are_of_its_rows(payment: Row, refunds: Iterable[Row], disputes: Iterable[Row]) -> None:
    key, id_ = payment["providerPaymentId"], str(payment["_id"])
    own = [row for row in refunds if row["paymentId"] == id_ and not row["void"]]
    counted = [row for row in own if row.get("byDispute") is None]
    refunded = sum(row["amount"] for row in counted if row["status"] == "succeeded")
    reserved = sum(row["amount"] for row in counted if row["status"] in {"approved", "processing"})
    ours = sum(row["amount"] for row in counted if _is_ours_and_moves(row))
    assert ours <= payment["amount"], f"{key}: we give back {ours} of {payment['amount']}"
    held = sum(row["held"] for row in disputes if row["paymentId"] == id_)
    said = {name: payment[name] for name in ("refunded", "excess", "reserved", "held")}
    assert payment["refunded"] <= payment["amount"], f"{key}: {said} of {payment['amount']}"
    assert payment["refunded"] + payment["excess"] == refunded, f"{key}: {said}, {refunded} back"
    assert payment["reserved"] == reserved, f"{key}: {said}, {reserved} are under way"
    assert payment["held"] == held, f"{key}: {said}, {held} are held"


def _is_ours_and_moves(row: Row) -> bool:
    moves = row["status"] in {"approved", "processing", "succeeded"}
    return moves and row["source"] != "provider"


async def _no_session_moves(world: World) -> None:
    """No state moves by a refund or a dispute; only a void ends the wait for money."""
    moves = {
        move["eventId"]: (row["sessionId"], move["to"])
        for row in await world.sessions()
        for move in row["history"]
        if move.get("eventId")
    }
    for event in await world.rows("webhook_events", **{"facts.type": {"$in": [*_FACTS]}}):
        facts = event["facts"]
        if any(fact["type"] not in _FACTS or fact.get("voids") for fact in facts):
            continue
        moved = moves.get(event["_id"])
        assert moved is None, f"{event['type']} {event['_id']} moved {moved}"


async def check_money_back_at_rest(world: World) -> None:
    """Hold what is true once all is delivered: the ledger has the providers' books."""
    checkouts = await world.checkouts()
    left_out = await _not_told(world)
    ledger = {row["providerPaymentId"]: row for row in await world.rows("payments")}
    known = {row["providerRefundId"]: row for row in await world.rows("refunds")}
    for refund in refunds_in(checkouts).values():
        if refund.key in ledger and refund.key not in left_out:
            _refund_agrees(known.get(refund.id), refund)
    disputes = {row["providerDisputeId"]: row for row in await world.rows("disputes")}
    for dispute in disputes_in(checkouts).values():
        if dispute.key in ledger and dispute.key not in left_out:
            row = disputes.get(dispute.id)
            assert row is not None, f"nobody hears of dispute {dispute.id}"
            stands = _DISPUTE_STANDS.get(dispute.status.value, dispute.status.value)
            assert row["status"] == stands, f"{dispute.id} is {stands}, not {row['status']}"
    paid = {key: one for key, one in payments_in(checkouts).items() if one.paid}
    for key, one in paid.items():
        if key in ledger and key not in left_out and ledger[key]["status"] == "succeeded":
            _payment_agrees(ledger[key], one)
    await _nothing_waits_for_what_is_there(world, ledger)
    await _entries_agree(world, paid, ledger, left_out)


async def check_no_refund_waits_for_ever(world: World) -> None:
    """What was approved comes to an end once its provider answers, or a person is told of it."""
    world.wires.cut = None
    for _ in range(3):
        world.pass_time(timedelta(hours=13))
        await world.lab.api.settle()
        await world.run_job("refunds", "/api/jobs/refunds", JOBS)
        await world.deliver_everything()
    real = refunds_in(await world.checkouts())
    for row in await world.rows("refunds"):
        if row["status"] in {"approved", "processing"} and row["needsPerson"] is None:
            found = real.get(row["providerRefundId"])
            waits = found is not None and found.status == "pending"
            assert waits, f"{row['refundId']} waits for ever: {row['status']}, {found}"
    await check_money_back(world)


async def _not_told(world: World) -> set[str]:
    """Return the payments of which a delivery was given up, or an event is dead."""
    gone = {row["checkoutId"] for row in await world.rows("sandbox_deliveries", status="given_up")}
    keys = set(payments_in(one for one in await world.checkouts() if one.id in gone))
    for row in await world.rows("webhook_events"):
        if row["status"] in _LEFT:
            for fact in row["facts"]:
                named = fact.get("payment") or fact
                keys.add(str(named.get("providerPaymentId")))
    return keys


def _refund_agrees(row: Row | None, refund: RealRefund) -> None:
    assert row is not None, f"nobody hears of refund {refund.id}"
    stands = _STANDS.get(refund.status, refund.status)
    assert row["status"] == stands, f"{refund.id} is {stands}, the ledger says {row['status']}"
    assert row["void"] == refund.voids, f"{refund.id}: void {row['void']}"


def _payment_agrees(row: Row, real: RealPayment) -> None:
    said = (row["refunded"], row["excess"], row["held"])
    books = (real.refunded, 0, real.withheld + real.lost)
    assert said == books, f"{real.key}: the ledger says {said}, the provider {books}"
    assert row["reserved"] >= real.refunding, f"{real.key}: {row['reserved']} reserved, {real}"


async def _nothing_waits_for_what_is_there(world: World, ledger: Mapping[str, Row]) -> None:
    ids = {
        id_
        for key, row in ledger.items()
        for id_ in (key, *row["aliases"])
        if not key.startswith("hand:")
    }
    for row in await world.rows("webhook_events", status="parked"):
        both = ids.intersection(row["waitsFor"])
        assert not both, f"{row['_id']} waits for {both}, which came"


async def _entries_agree(
    world: World,
    paid: Mapping[str, RealPayment],
    ledger: Mapping[str, Row],
    left_out: set[str],
) -> None:
    """Post all, check the books, and compare what we have at each provider with what it says."""
    await world.resume_jobs()
    await world.post_entries()
    books = await check_ledger(Until(math.inf))
    assert not books.count, f"the books are wrong: {books.faults}"
    assert not books.unposted, f"{books.unposted} payments are not posted"
    for key, row in ledger.items():
        real = paid.get(key)
        if real is None or key in left_out or row["status"] != "succeeded":
            continue
        # Stripe takes what is disputed when a dispute opens, Razorpay when it is lost.
        withheld = real.withheld if real.provider == "stripe" else 0
        due = real.amount - real.refunded - real.lost - withheld
        has = await _has(world, row)
        assert has == due, f"{key}: {has} by the entries, the provider has {due}: {real}"


async def _has(world: World, payment: Row) -> int:
    """Return what the entries say that a provider has of a payment, its fees taken as ours."""
    id_ = str(payment["_id"])
    ids = [id_]
    for collection in ("refunds", "disputes"):
        ids += [str(row["_id"]) for row in await world.rows(collection, paymentId=id_)]
    return sum(
        line["amount"]
        for entry in await world.rows("entries", objectId={"$in": ids})
        for line in entry["lines"]
        if line["account"].startswith("clearing:") or line["account"] == "fees"
    )
