"""No session waits for ever: whatever state it is in, and however silent its provider is."""

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
from bson import ObjectId

from service.sessions.checkouts.unresolved import overdue
from tests.support.api import ADMIN
from tests.support.shop import Shop

PROVIDERS = ("stripe", "razorpay", "phonepe", "upi")
# How payments stand: of each its status in the ledger (None: it has no row there), and whether the
# session waits for it.
PAYMENTS: dict[str, list[tuple[str | None, bool]]] = {
    "none": [],
    "under way": [("pending", True)],
    "held": [("authorized", True)],
    "two": [("pending", True), ("authorized", True)],
    "no row": [(None, True)],
    "failed": [("failed", True)],
    "not waited for": [("pending", False)],
}
# Checkouts, and whether one is being opened, by somebody who was killed at it.
OPENED = [(1, False), (0, False), (1, True), (2, False)]
State = tuple[str, str, str, int, bool]


def _states() -> Iterator[State]:
    for provider, payments in itertools.product(PROVIDERS, PAYMENTS):
        # The providers differ in what they tell, and these are silent: one of them has it all.
        for checkouts, opening in OPENED if provider == "razorpay" else OPENED[:1]:
            yield provider, "processing", payments, checkouts, opening
            if payments in {"none", "not waited for"}:
                yield provider, "pending", payments, checkouts, opening


STATES = list(_states())


async def _bring_about(shop: Shop) -> None:
    """Write a session in each state, as events, calls and kills may leave it."""
    for provider in PROVIDERS:
        await shop.api.open(sessionId=provider, paymentMethod=provider)
    models = {row["sessionId"]: row for row in await shop.database["sessions"].find().to_list()}
    await shop.database["sessions"].delete_many({})
    sessions, payments = [], []
    for number, state in enumerate(STATES):
        session, own = _rows(shop, f"s-{number}", models[state[0]], state)
        sessions.append(session)
        payments += own
    await shop.database["sessions"].insert_many(sessions)
    await shop.database["payments"].insert_many(payments)


def _rows(
    shop: Shop, sid: str, model: dict[str, Any], state: State
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    provider, status, payments, checkouts, opening = state
    now = shop.clock.now()
    ids = [f"pay_{sid}_{n}" for n in range(len(PAYMENTS[payments]))]
    rows = [
        {
            "merchantId": "default",
            "provider": provider,
            "account": "default",
            "providerPaymentId": one,
            "sessionId": sid,
            "userId": sid,
            "amount": 1000,
            "currency": "INR",
            "status": ledger,
            "statusAt": now,
            "metadata": {},
            "createdAt": now,
            "updatedAt": now,
        }
        for one, (ledger, _) in zip(ids, PAYMENTS[payments], strict=True)
        if ledger is not None
    ]
    live = [one for one, (_, waited) in zip(ids, PAYMENTS[payments], strict=True) if waited]
    lock = {"n": checkouts + 1, "providerExpiresAt": now, "lockedUntil": now, "repeated": False}
    held = {"paymentId": live[-1], "at": now} if payments in {"held", "two"} else None
    refs = [f"order_{sid}_{n}" for n in range(1, checkouts + 1)]
    session = model | {
        "_id": ObjectId(),
        "sessionId": sid,
        "userId": sid,
        "status": status,
        "liveAttempts": live,
        "checkouts": [{"ref": ref, "n": n, "openedAt": now} for n, ref in enumerate(refs, start=1)],
        "checkoutIds": refs,
        "providerSessionId": refs[-1] if refs else None,
        "opening": lock if opening else None,
        "capturing": held,
    }
    return session, rows


async def _clean_up_often(shop: Shop) -> None:
    """A run asks about fifty sessions at most."""
    for _ in range(len(STATES) // 50 + 1):
        await shop.clean_up()


async def _standing(shop: Shop) -> dict[State, tuple[str, str | None]]:
    rows = {row["sessionId"]: row for row in await shop.database["sessions"].find().to_list()}
    return {
        state: (row["status"], (row["review"] or {}).get("reason"))
        for number, state in enumerate(STATES)
        if (row := rows.get(f"s-{number}"))
    }


async def test_from_every_state_clean_ups_lead_to_an_end_or_to_an_open_review(shop: Shop) -> None:
    await _bring_about(shop)
    shop.pass_time(minutes=31)
    await _clean_up_often(shop)
    shop.pass_time(hours=24)
    await _clean_up_often(shop)
    standing = await _standing(shop)
    assert len(standing) == len(STATES)
    for state, (status, review) in standing.items():
        said = {ledger for ledger, waited in PAYMENTS[state[2]] if waited}
        live = bool(said & {"pending", "authorized"})
        assert (status, review) == (
            ("processing", "payment_unresolved") if live else ("expired", None)
        ), state
    answer = await shop.api.call("GET", "/api/admin/reviews?limit=100", ADMIN)
    listed = answer.json()["reviews"]
    live_ones = sum(
        status in {"pending", "authorized"} and waited
        for state in STATES
        for status, waited in PAYMENTS[state[2]]
    )
    assert len(listed) == live_ones
    assert {(one["source"], one["reason"]) for one in listed} == {("clock", "payment_unresolved")}

    shop.pass_time(days=30)
    await _clean_up_often(shop)
    assert set((await _standing(shop)).values()) == {("expired", None)}
    assert set(await shop.database["payments"].distinct("status")) == {"failed", "abandoned"}
    shop.pass_time(days=8)
    await shop.database["outbox"].delete_many({})  # closings: given up after three days, by tens
    await shop.clean_up()
    assert await _standing(shop) == {}  # nothing is left that keeps one of them


async def test_control_without_the_review_a_live_payment_is_waited_for(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> bool:
        return False

    monkeypatch.setattr(overdue, "open_review", never)
    await _bring_about(shop)
    shop.pass_time(hours=25)
    await _clean_up_often(shop)
    standing = await _standing(shop)
    left = {state[2] for state, (status, _) in standing.items() if status == "processing"}
    assert left == {"under way", "held", "two"}
