"""Refunds at the played providers, from our route to their books and back by their webhooks."""

from datetime import timedelta
from typing import Any

import pytest

from service.bookkeeping.operations.check import check_ledger
from service.storage.database import Row
from tests.bookkeeping.books import FOREVER
from tests.conversation.wires import Wires, listened_to
from tests.refunds.money import made, refused
from tests.sandbox.lab import Lab
from tests.sandbox.standing import lab, lab_put_back
from tests.sandbox.test_money_back import EVERY, paid, real
from tillgate_sandbox.chaos import Fault
from tillgate_sandbox.documents import SandboxCheckout

__all__ = ["lab", "lab_put_back"]


def _payment(checkout: SandboxCheckout) -> str:
    return checkout.id if checkout.provider == "phonepe" else checkout.payments[-1].id


async def _refund(lab: Lab, checkout: SandboxCheckout, amount: int = 400) -> Any:
    path = f"/api/payments/{_payment(checkout)}/refunds"
    return await lab.api.call("POST", path, json={"amount": amount, "reason": "the seat broke"})


async def _row(lab: Lab, checkout: SandboxCheckout) -> Row:
    rows = lab.app.state.container.database["payments"]
    row: Row = await rows.find_one({"providerPaymentId": _payment(checkout)})
    return row


async def _tried_again(lab: Lab) -> None:
    """Deliver what waits, as if its time had come."""
    container = lab.app.state.container
    container.clock.advance(timedelta(seconds=11))
    await lab.api.settle()
    past = container.clock.now() - timedelta(days=30)
    await container.database["deliveries"].update_many(
        {"status": "pending"}, {"$set": {"nextAttemptAt": past}}
    )
    await lab.api.settle()


async def _agrees(lab: Lab, checkout: SandboxCheckout, refunded: int) -> None:
    """Check that the provider's books, the ledger and the refunds say the same."""
    row = await _row(lab, checkout)
    assert (row["refunded"], row["reserved"]) == (refunded, 0)
    assert (await real(lab, checkout)).refunded == refunded
    assert (await check_ledger(FOREVER)).faults == []


@EVERY
@pytest.mark.parametrize("fault", [None, "slow_refund", "failing_refund"])
async def test_what_becomes_of_a_refund_is_the_same_here_and_there(
    lab: Lab, provider: str, fault: Fault | None
) -> None:
    checkout = await paid(lab, provider, *([fault] if fault else []))
    await lab.deliver_all()
    refund = made(await _refund(lab, checkout))
    assert refund["status"] == ("processing" if fault == "slow_refund" else "succeeded")
    await lab.deliver_all()
    await _agrees(lab, checkout, 0 if fault == "failing_refund" else 400)
    (row,) = await lab.app.state.container.database["refunds"].find().to_list()
    assert row["refundId"] == refund["refundId"]
    assert row["status"] == ("failed" if fault == "failing_refund" else "succeeded")


@EVERY
@pytest.mark.parametrize("cut", ["before", "after"])
async def test_a_wire_that_is_cut_refunds_once(lab: Lab, provider: str, cut: str) -> None:
    checkout = await paid(lab, provider)
    await lab.deliver_all()
    wires = Wires(lab.app.state.container.database)
    with listened_to(lab.app, wires):
        wires.cut = cut  # type: ignore[assignment]
        assert made(await _refund(lab, checkout))["status"] == "processing"
        wires.cut = None
        await _tried_again(lab)
    await lab.deliver_all()
    await _agrees(lab, checkout, 400)
    assert refused(await _refund(lab, checkout, 601)) == (409, "more_than_left")
