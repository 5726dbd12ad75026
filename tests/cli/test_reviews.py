"""`tillgate reviews`: a person decides on the command line as by the routes, on the record."""

import asyncio
from typing import Any

import pytest

from tests.cli.running import Run
from tests.support.built import app
from tests.support.shop import Shop, shop

__all__ = ["app", "shop"]


async def _doubted(shop: Shop, **fields: Any) -> str:
    session = await shop.api.open()
    answer = await shop.api.told(shop.stripe_paid(session, **fields))
    assert answer["outcome"] == "review"
    return str(session["sessionId"])


async def _act(shop: Shop, sid: str) -> tuple[str, str, str | None]:
    path = f"/audit?object=session:{sid}"
    latest = (await shop.admin("GET", path)).json()["entries"][0]
    return latest["action"], latest["actor"], latest["reason"]


async def test_what_waits_is_listed_with_what_can_be_decided(shop: Shop, run: Run) -> None:
    sid = await _doubted(shop, amount_total=999)
    listed = (await asyncio.to_thread(run, "reviews", "list")).stdout.strip().split("\t")
    [row] = await shop.events(sessionId=sid)
    possible = "accept,reject,reject-and-refund"
    assert listed[1:] == [sid, "amount_mismatch", f"pi_{sid}", possible, row["_id"]]
    done = await asyncio.to_thread(run, "reviews", "list", "--merchant", "shop-2")
    assert (done.stdout, done.returncode) == ("", 0)


async def test_a_payment_is_accepted_once_on_the_record(shop: Shop, run: Run) -> None:
    sid = await _doubted(shop, amount_total=999)
    [row] = await shop.events(sessionId=sid)
    done = await asyncio.to_thread(run, "reviews", "accept", row["_id"], "--reason", "a discount")
    assert (done.stdout, done.returncode) == ("completed\n", 0), done.stderr
    assert (await shop.session(sid))["providerPaymentId"] == f"pi_{sid}"
    action, actor, reason = await _act(shop, sid)
    assert (action, reason) == ("review.accepted", "a discount")
    assert actor.startswith("admin:cli:")
    again = await asyncio.to_thread(run, "reviews", "reject", sid, "--reason", "no")
    assert again.returncode == 1
    assert "has been decided by" in again.stderr


async def test_a_payment_is_rejected_with_a_reason_alone(shop: Shop, run: Run) -> None:
    sid = await _doubted(shop, amount_total=999)
    for refused in (
        ("reject", sid),
        ("reject", sid, "--reason", "theirs", "--merchant", "shop-2"),
        ("reject", sid, "--reason", "no such", "--payment", "pi_other"),
        ("reject", sid, "--reason", ""),
        ("reject", sid, "--reason", "was 4242 4242 4242 4242"),
        ("reject-and-refund", sid, "--reason", "\x1b[2Jgone"),
        ("same-money", sid),
    ):
        assert (await asyncio.to_thread(run, "reviews", *refused)).returncode != 0, refused
    assert (await shop.session(sid))["decisions"] == []
    done = await asyncio.to_thread(run, "reviews", "reject", sid, "--reason", "not ours")
    assert (done.stdout, done.returncode) == ("pending\n", 0), done.stderr
    assert (await _act(shop, sid))[0::2] == ("review.rejected", "not ours")


async def test_a_payment_is_taken_for_the_money_that_was_entered_by_hand(
    shop: Shop, run: Run
) -> None:
    session = await shop.api.open()
    sid = session["sessionId"]
    body = {"sessionId": sid, "status": "completed", "reason": "seen at the bank"}
    assert (await shop.api.call("PUT", "/api/payment-sessions", json=body)).status_code == 200
    assert (await shop.api.told(shop.stripe_paid(session)))["outcome"] == "review"
    done = await asyncio.to_thread(run, "reviews", "same-money", sid)
    assert (done.stdout, done.returncode) == ("completed\n", 0), done.stderr
    assert (await shop.session(sid))["providerPaymentId"] == f"pi_{sid}"
    assert (await _act(shop, sid))[0] == "review.same_money"


@pytest.mark.parametrize(
    ("decision", "amount", "stands"),
    [
        (("reject-and-refund", "--reason", "not ours"), 999, "pending"),
        (("accept", "--refund", "99"), 99, "completed"),
    ],
)
async def test_money_is_given_back_with_a_decision(
    shop: Shop, run: Run, decision: tuple[str, ...], amount: int, stands: str
) -> None:
    """Nobody answers for Stripe here: the refund is written, and its message has it made."""
    sid = await _doubted(shop, amount_total=999)
    command, *options = decision
    done = await asyncio.to_thread(run, "reviews", command, sid, *options)
    assert (done.stdout, done.returncode) == (f"{stands}\n", 0), done.stderr
    assert f"of {amount} INR is processing" in done.stderr
    (refund,) = await shop.database["refunds"].find().to_list()
    assert (refund["amount"], refund["status"], refund["source"]) == (
        amount,
        "processing",
        "review",
    )
    assert refund["requestedBy"].startswith("admin:cli:")
    (message,) = await shop.messages("provider.refund")
    assert message["payload"]["refundId"] == refund["refundId"]
    (payment,) = await shop.payments(sessionId=sid)
    assert (payment["reserved"], payment["refunded"]) == (amount, 0)
