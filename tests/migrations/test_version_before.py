"""What the version before wrote is read, told again and gone on with by this one.

`before_the_inbox.json` was written by the code of that version, and is kept as it was.
"""

import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from service.core.clock import ManualClock
from service.migrations.operations import difference, migrate
from service.settings import Settings
from service.storage.database import Client, Database, Row
from service.stored import DOCUMENTS
from tests.migrations.conftest import BEFORE_THE_INBOX, BY, everything, older, read
from tests.migrations.test_going_on import razorpay_copy
from tests.support.api import SECRET
from tests.support.events import Delivery, sign_stripe, stripe_checkout
from tests.support.settings import PHONEPE_SALT
from tests.support.shop import Shop, open_shop

MADE = read(BEFORE_THE_INBOX)
REFUNDING = "reject-and-refund"


@pytest_asyncio.fixture
async def old(indexed_database: Database, client: Client) -> AsyncIterator[Database]:
    """The database of the version before."""
    async with older(indexed_database, client, BEFORE_THE_INBOX) as database:
        yield database


@pytest_asyncio.fixture
async def shop(settings: Settings, old: Database, clock: ManualClock) -> AsyncIterator[Shop]:
    """A shop on it, at the time at which it was left, after `tillgate migrate`."""
    clock.advance(MADE["at"] - clock.now())
    await migrate(old, DOCUMENTS, clock, BY)
    async with open_shop(settings, old, clock) as opened:
        yield opened


async def _unlike(database: Database) -> list[str]:
    """Name the rows that are not their documents as these are stored today."""
    wrong = []
    for document in DOCUMENTS:
        for row in await database[document.collection_name()].find({}).to_list():
            if document.model_validate(row).to_row() != row:
                wrong.append(f"{document.collection_name()} {row['_id']}")
    return wrong


async def test_after_the_migration_every_row_is_its_document(
    old: Database, clock: ManualClock
) -> None:
    assert {name: len(rows) for name, rows in MADE["rows"].items() if len(rows) > 20} == {
        "outbox": 39,
        "payments": 22,
        "sessions": 24,
        "webhook_events": 36,
    }
    _, drift = await migrate(old, DOCUMENTS, clock, BY)
    assert (drift, await difference(old)) == ([], None)
    assert await _unlike(old) == []


async def test_control_a_row_of_another_layout_is_named(old: Database, clock: ManualClock) -> None:
    await migrate(old, DOCUMENTS, clock, BY)
    row = await old["sessions"].find_one({"sessionId": "keyed"})
    assert row is not None
    await old["sessions"].update_one({"sessionId": "keyed"}, {"$unset": {"decisions": 1}})
    assert await _unlike(old) == [f"sessions {row['_id']}"]


async def test_every_session_and_review_reads_as_it_did(shop: Shop) -> None:
    for session_id, before in MADE["answers"].items():
        answer = await shop.api.call("GET", f"/api/payment-sessions/{session_id}", SECRET)
        # No lead was known before.
        assert answer.json() == {"session": {**before["session"], "intentId": None}}
        timeline = await shop.api.call("GET", f"/api/payment-sessions/{session_id}/timeline")
        assert timeline.status_code == 200, timeline.text
    found = (await shop.admin("GET", "/reviews?limit=100")).json()
    for review in found["reviews"]:
        # What an event is about was not kept.
        assert (review.pop("objectId"), review.pop("userId")) == (None, None)
        for part in (review, *review["payments"]):
            # A decision that the version before did not have.
            part["decisions"] = [one for one in part["decisions"] if one != REFUNDING]
            del part["why"][REFUNDING]
    # Who has decided was named as the audit does, and is told in words.
    for review in MADE["reviews"]["reviews"]:
        for part in (review, *review["payments"]):
            part["why"] = {
                decision: why.replace("admin:ops has", "An admin (ops) has")
                for decision, why in part["why"].items()
            }
    assert found == MADE["reviews"]


def _again(shop: Shop, row: Row) -> Delivery:
    """Make another delivery of an event's bytes, signed anew."""
    body: bytes = row["payload"]
    if row["provider"] == "stripe":
        return sign_stripe(body, signed_at=shop.unix())
    if row["provider"] == "razorpay":
        return razorpay_copy(body)
    response = json.loads(body)["response"]
    checksum = hashlib.sha256((response + PHONEPE_SALT).encode()).hexdigest()
    return Delivery("phonepe", body, {"x-verify": f"{checksum}###1"})


async def test_what_was_done_is_a_duplicate_and_changes_nothing(shop: Shop) -> None:
    before = await everything(shop.database)
    done = [row for row in before["webhook_events"] if row["status"] not in {"parked", "failed"}]
    assert len(done) > 30
    for row in done:
        told = await shop.api.told(_again(shop, row))
        assert told == {"received": True, "duplicate": True, "outcome": "duplicate"}, row["_id"]
    assert await everything(shop.database) == before


async def test_a_call_is_answered_again_from_what_was_sealed(shop: Shop) -> None:
    keyed = MADE["keyed"]
    headers = {"Idempotency-Key": keyed["key"]}
    again = await shop.api.call(
        "POST", "/api/payment-sessions", SECRET, json=keyed["body"], headers=headers
    )
    assert (again.status_code, again.json()) == (keyed["status"], keyed["answer"])


@pytest.mark.parametrize(
    "session_id", ["stripe-paid-later-1", "stripe-failed-later-1", "by-hand-canceled", "keyed"]
)
async def test_money_that_comes_now_completes_what_was_opened_then(
    shop: Shop, session_id: str
) -> None:
    session: dict[str, Any] = MADE["answers"][session_id]["session"]
    told = await shop.api.told(
        shop.stripe("checkout.session.completed", stripe_checkout(session), 60)
    )
    assert told["outcome"] == "processed"
    assert (await shop.session(session_id))["status"] == "completed"
