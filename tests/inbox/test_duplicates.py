"""The same event many times: the work is done once, and a copy is answered when it is."""

import asyncio
import secrets
from typing import Any

import pytest

from service.inbox import repository as inbox
from service.inbox.documents import WebhookEvent
from service.inbox.operations import apply
from service.inbox.operations.replay import retry_waiting
from service.inbox.states import InboxStatus
from service.sessions import repository as sessions
from service.sessions.documents import Session
from service.storage.database import Client, Row
from service.storage.plain import NO_TRANSACTION
from tests.storage.failing import failing
from tests.support.events import Delivery
from tests.support.shop import Shop, completions

COPIES = 60
DUPLICATE: dict[str, Any] = {
    "errorCode": 11000,
    "errorExtraInfo": {"keyPattern": {"_id": 1}, "keyValue": {"_id": "any"}},
}


async def _storm(shop: Shop, delivery: Delivery, copies: int = COPIES) -> list[tuple[int, Any]]:
    answers = await asyncio.gather(*(shop.api.deliver(delivery) for _ in range(copies)))
    return [(answer.status_code, answer.json()) for answer in answers]


async def _unknown(shop: Shop) -> tuple[str, Delivery]:
    """Pay for a session that is not there yet."""
    sid = f"s-{secrets.token_hex(6)}"
    return sid, shop.stripe_paid({"sessionId": sid, "amount": 1000, "currency": "INR"})


async def test_storm_of_copies_writes_every_row_once(shop: Shop) -> None:
    session = await shop.api.open()
    answers = await _storm(shop, shop.stripe_paid(session))

    assert {status for status, _ in answers} == {200}
    assert sum(not body["duplicate"] for _, body in answers) == 1
    assert completions(await shop.session(session["sessionId"])) == 1
    assert len(await shop.events()) == len(await shop.payments()) == 1
    assert len(await shop.messages("session.completed")) == 1


async def test_control_without_transaction_filter_and_unique_row_a_storm_completes_many_times(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unguarded(work: Any, size: int) -> Any:
        return await work(NO_TRANSACTION)

    async def unlooked(inbox_id: str, tx: object) -> None:
        pass

    async def unfiltered(session: Session, update: dict[str, Any], tx: object = None) -> Session:
        await Session.get_pymongo_collection().update_one({"sessionId": session.session_id}, update)
        return session

    async def under_another_id(row: Row, tx: object) -> None:
        other = row | {"_id": row["_id"] + secrets.token_hex(4)}
        await WebhookEvent.get_pymongo_collection().insert_one(other)

    monkeypatch.setattr(inbox, "commit", unguarded)
    monkeypatch.setattr(inbox, "refuse_known", unlooked)
    monkeypatch.setattr(sessions, "change", unfiltered)
    monkeypatch.setattr(inbox, "insert", under_another_id)
    session = await shop.api.open()
    await _storm(shop, shop.stripe_paid(session), 10)
    assert len(await shop.events()) == 10

    session = await shop.api.open()
    paid = [shop.stripe_paid(session, payment_intent=f"pi_{n}") for n in range(10)]
    await asyncio.gather(*(shop.api.deliver(one) for one in paid))
    assert completions(await shop.session(session["sessionId"])) > 1


@pytest.mark.parametrize("status", [InboxStatus.PARKED, InboxStatus.FAILED, InboxStatus.DEAD])
async def test_copies_of_a_waiting_event_apply_it_once(shop: Shop, status: InboxStatus) -> None:
    sid, paid = await _unknown(shop)
    assert (await shop.api.told(paid))["outcome"] == "parked"
    await shop.database["webhook_events"].update_one({}, {"$set": {"status": status.value}})
    await shop.api.open(sessionId=sid)
    shop.pass_time(seconds=10)

    answers, _ = await asyncio.gather(
        _storm(shop, paid, 12), retry_waiting(shop.api.container.inbox)
    )

    assert {status for status, _ in answers} == {200}, answers
    assert {body["outcome"] for _, body in answers} <= {"processed", "duplicate"}
    assert completions(await shop.session(sid)) == 1
    [row] = await shop.events()
    assert (row["status"], row["nextAttemptAt"]) == ("processed", None)


async def test_control_where_any_known_row_is_a_duplicate_a_parked_payment_is_lost(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    sid, paid = await _unknown(shop)
    await shop.api.told(paid)
    await shop.api.open(sessionId=sid)

    monkeypatch.setattr(apply, "DONE", frozenset(InboxStatus))
    assert (await shop.api.told(paid))["duplicate"] is True
    assert (await shop.session(sid))["status"] == "pending"


async def test_a_copy_of_a_reviewed_event_does_not_open_the_review_again(shop: Shop) -> None:
    session = await shop.api.open()
    wrong = shop.stripe_paid(session, amount_total=999)
    assert (await shop.api.told(wrong))["outcome"] == "review"
    answer = await shop.admin(
        "POST", f"/reviews/{session['sessionId']}/reject", json={"reason": "too little"}
    )
    assert answer.status_code == 200

    assert (await shop.api.told(wrong))["duplicate"] is True
    assert (await shop.session(session["sessionId"]))["review"] is None


async def test_a_duplicate_is_confirmed_only_by_a_row_that_a_majority_read_finds(
    shop: Shop, client: Client
) -> None:
    session = await shop.api.open()
    paid = shop.stripe_paid(session)
    async with failing(client, ["insert"], **DUPLICATE):
        answer = await shop.api.deliver(paid)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert await shop.events() == []

    assert (await shop.api.told(paid))["outcome"] == "processed"
    assert completions(await shop.session(session["sessionId"])) == 1


async def test_control_a_duplicate_error_that_is_believed_loses_the_payment(
    shop: Shop, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await shop.api.open()
    before = await shop.api.open()
    await shop.api.told(shop.stripe_paid(before))
    [row] = await shop.events()

    async def unread(*_: object) -> WebhookEvent:
        return WebhookEvent.model_validate(row)

    monkeypatch.setattr(inbox, "find", unread)
    async with failing(client, ["insert"], **DUPLICATE):
        answer = await shop.api.deliver(shop.stripe_paid(session))
    assert answer.json()["duplicate"] is True
    assert (await shop.session(session["sessionId"]))["status"] == "pending"


async def test_a_second_event_about_the_same_payment_changes_nothing(shop: Shop) -> None:
    session = await shop.api.open(paymentMethod="razorpay")
    sid = session["sessionId"]
    await shop.api.told(shop.razorpay("payment.captured", session))
    before = await shop.session(sid)

    again = shop.razorpay("payment.captured", session, 1)  # signed a second later: another event
    assert await shop.api.told(again) == {
        "received": True,
        "duplicate": False,
        "outcome": "processed",
    }
    assert await shop.session(sid) == before
    assert len(await shop.payments()) == 1
