"""What can happen to a checkout, and that it happens once."""

import asyncio
from itertools import product

import pytest

from service.core.errors import Busy, Conflict
from tests.sandbox.lab import Lab
from tillgate_sandbox import repository
from tillgate_sandbox.aftermath import CannotHappen
from tillgate_sandbox.documents import SandboxCheckout, SandboxRefund
from tillgate_sandbox.playing import happen
from tillgate_sandbox.states import CheckoutStatus, Happening, PaymentStatus, leads_to


async def _opened(lab: Lab, **fields: object) -> SandboxCheckout:
    _, checkout = await lab.open(**fields)
    return checkout


async def test_what_the_table_does_not_have_cannot_happen(lab: Lab) -> None:
    checkout = await _opened(lab)
    impossible = [
        (status, happening)
        for status, happening in product(CheckoutStatus, Happening)
        if status not in leads_to(happening, "stripe")[0]
    ]
    assert len(impossible) > 40

    for status, happening in impossible:
        with pytest.raises(CannotHappen, match=f"{status}|no such thing"):
            await happen(checkout.model_copy(update={"status": status}), happening, lab.sandbox)

    assert await lab.deliveries(checkout.session_id) == []


async def test_checkout_is_paid_once_however_many_press_the_button(lab: Lab) -> None:
    checkout = await _opened(lab)

    done = await asyncio.gather(
        *(happen(checkout, Happening.PAID, lab.sandbox) for _ in range(10)),
        return_exceptions=True,
    )

    assert sum(isinstance(one, SandboxCheckout) for one in done) == 1
    assert all(isinstance(one, SandboxCheckout | Busy) for one in done)
    assert len((await lab.checkout(checkout.id)).payments) == 1
    assert len(await lab.deliveries(checkout.session_id)) == 2


async def test_stripe_tries_one_intent_again_after_a_decline(lab: Lab) -> None:
    checkout = await _opened(lab)

    declined = await happen(
        checkout, Happening.DECLINED, lab.sandbox, decline_code="insufficient_funds"
    )
    paid = await happen(declined, Happening.PAID, lab.sandbox)
    await lab.deliver_all()

    assert [one.id for one in paid.payments] == [one.id for one in declined.payments]
    assert paid.payments[0].status is PaymentStatus.SUCCEEDED
    session = await lab.api.read(checkout.session_id)
    assert (session["status"], session["providerPaymentId"]) == ("completed", paid.payments[0].id)


async def test_late_success_completes_a_session_that_has_expired(lab: Lab) -> None:
    before = await _opened(lab)
    after = before.model_copy(update={"chaos": {"faults": ["late"], "delayMs": 1000}})
    await repository.change_checkout(before, after)

    await happen(await lab.checkout(before.id), Happening.PAID, lab.sandbox)
    await lab.deliver()
    assert (await lab.api.read(before.session_id))["status"] == "expired"
    await lab.deliver_all()

    session = await lab.api.read(before.session_id)
    assert (session["status"], session["late"]) == ("completed", True)


async def test_standing_faults_hold_for_checkouts_without_their_own(lab: Lab) -> None:
    await repository.set_standing_chaos({"faults": ["duplicate"], "copies": 3})
    checkout = await _opened(lab)

    await happen(checkout, Happening.PAID, lab.sandbox)

    assert len(await lab.deliveries(checkout.session_id)) == 6


async def test_no_more_is_refunded_than_was_paid(lab: Lab) -> None:
    paid = await happen(await _opened(lab), Happening.PAID, lab.sandbox)
    part = SandboxRefund(id="re_1", amount=400, at=lab.sandbox.clock.now())

    once = await happen(paid, Happening.REFUNDED, lab.sandbox, refund=part)
    rest = await happen(once, Happening.REFUNDED, lab.sandbox)

    assert (once.payments[0].refunded, rest.payments[0].refunded) == (400, 1000)
    with pytest.raises(Conflict, match="0 of the payment are left"):
        await happen(rest, Happening.REFUNDED, lab.sandbox)
    found = await repository.find_by_object("re_1")
    assert found is not None
    assert found.id == paid.id


@pytest.mark.parametrize("provider", ["stripe", "razorpay", "phonepe"])
async def test_wrong_amount_and_currency_complete_nothing(lab: Lab, provider: str) -> None:
    before = await _opened(lab, paymentMethod=provider, currency="INR")
    chaos = {"faults": ["wrong_amount", "wrong_currency", "unknown_session"]}
    await repository.change_checkout(before, before.model_copy(update={"chaos": chaos}))
    await happen(await lab.checkout(before.id), Happening.PAID, lab.sandbox)
    rows = lab.api.container.database["sandbox_deliveries"]
    await rows.delete_many({"tamper": []})  # only the forged ones arrive

    await lab.deliver_all()

    session = await lab.api.read(before.session_id)
    if provider == "phonepe":  # its message is a hint: the status API has told of the right money
        assert (session["status"], session["review"]) == ("completed", None)
    else:
        assert session["status"] == "pending"
        assert session["review"]["reason"] in {"amount_mismatch", "currency_mismatch"}
