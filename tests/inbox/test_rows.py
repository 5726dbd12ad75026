"""Rows that are made by hand, without their documents, are the documents field by field."""

import asyncio
from typing import Any

import pytest

from service.inbox.documents import WebhookEvent
from service.outbox.documents import OutboxMessage
from service.payments.payments.documents import Payment
from service.sessions import repository as sessions
from service.sessions.documents import Session
from service.storage.documents import StoredDocument
from service.storage.group_commit.shared import SharedTransaction
from service.storage.plain import NO_TRANSACTION
from tests.support.events import Delivery
from tests.support.shop import Shop

WRITTEN: dict[str, type[StoredDocument]] = {
    "sessions": Session,
    "payments": Payment,
    "outbox": OutboxMessage,
    "webhook_events": WebhookEvent,
}


async def _told(shop: Shop) -> list[Delivery]:
    """Make events that are processed, go to review, wait, ask for a capture and mean nothing."""
    paid, wrong = await shop.api.open(), await shop.api.open()
    held = await shop.api.open(paymentMethod="razorpay")
    return [
        shop.stripe_paid(paid),
        shop.stripe_paid(wrong, amount_total=1),
        shop.stripe_paid(paid | {"sessionId": "nobodys"}, payment_intent="pi_nobodys"),
        shop.razorpay("payment.authorized", held),
        shop.stripe("customer.created", {"id": "cus_1"}),
    ]


@pytest.mark.parametrize("at_once", [True, False], ids=["in a group", "alone"])
async def test_every_row_that_events_leave_is_its_document_as_it_is_stored(
    shop: Shop, *, at_once: bool
) -> None:
    deliveries = await _told(shop)
    if at_once:
        answers = await asyncio.gather(*(shop.api.told(one) for one in deliveries))
    else:
        answers = [await shop.api.told(one) for one in deliveries]
    outcomes = [one["outcome"] for one in answers]
    assert outcomes == ["processed", "review", "parked", "processed", "ignored"]
    for name, document in WRITTEN.items():
        rows = await shop.database[name].find({}).to_list()
        assert len(rows) >= 2, name
        for row in rows:
            read = document.model_validate(row)
            assert read.to_row() == row == {field: read.stored(field) for field in row}
            assert read.differing(row) == {}


async def test_a_session_that_is_changed_in_a_group_is_what_the_database_makes_of_it(
    shop: Shop,
) -> None:
    opened = await shop.api.open()
    row = await shop.session(opened["sessionId"])
    now = shop.clock.now()
    part: dict[str, Any] = {"at": now, "reason": "amount_mismatch", "eventId": "e"}
    line = {"at": now, "from": "pending", "to": "completed", "by": "stripe"}
    fields = {"status": "completed", "review": part, "liveAttempts": ["a"], "late": True}
    update = {"$set": fields, "$push": {"history": line | {"eventId": "e", "reason": None}}}
    before: Session = Session.model_validate(row)
    in_memory = await sessions.change(before, update, SharedTransaction())
    stored = await sessions.change(before, update, NO_TRANSACTION)
    # Only the database knows when it wrote it, and no work asks.
    assert (in_memory.written_at, stored.written_at > before.written_at) == (
        before.written_at,
        True,
    )
    in_memory = in_memory.model_copy(update={"written_at": stored.written_at})
    assert in_memory == stored
    assert in_memory.to_row() == stored.to_row()
    assert (before.status, before.version, len(before.history)) == ("pending", 1, 1)
