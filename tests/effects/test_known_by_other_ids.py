"""A payment that completed one session completes no other by hand, whatever id of it is named."""

from typing import Any

import pytest

from service.payments.payments import repository as payments
from tests.sessions.asking import change, problem
from tests.support.events import razorpay_event, razorpay_payment
from tests.support.shop import Shop

_IDS = {"acquirer_data": {"rrn": "032512345678"}, "invoice_id": "inv_9"}


async def _two_sessions(shop: Shop) -> None:
    """Open two, of which the first is paid by a payment with many ids."""
    for name in ("a", "b"):
        order = f"order_{name}"
        await shop.api.open(sessionId=name, paymentMethod="razorpay", providerSessionId=order)
    session = {"sessionId": "a", "amount": 1000, "currency": "INR"}
    paid = razorpay_payment(session, id="pay_1", **_IDS)
    await shop.api.told(razorpay_event("payment.captured", {"payment": paid}))
    assert (await shop.session("a"))["status"] == "completed"
    [row] = await shop.payments()
    assert row["aliases"] == ["032512345678", "inv_9", "order_a"]


async def _settle(shop: Shop, named: str, session_id: str = "b") -> Any:
    settled = {"status": "completed", "providerPaymentId": named}
    return await change(shop.api, sessionId=session_id, **settled)


@pytest.mark.parametrize("named", ["pay_1", "inv_9", "order_a"])
async def test_it_is_taken_by_any_id_that_its_provider_gave_it(shop: Shop, named: str) -> None:
    await _two_sessions(shop)
    problem(await _settle(shop, named), 409, "payment_taken")
    assert (await shop.session("b"))["status"] == "pending"


@pytest.mark.parametrize("named", ["032512345678", "order_b"])
async def test_control_what_a_bank_gave_or_nobody_has_is_free(shop: Shop, named: str) -> None:
    await _two_sessions(shop)
    assert (await _settle(shop, named)).status_code == 200


async def test_control_by_its_own_id_alone_it_would_complete_another(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def by_none(*_: object) -> list[object]:
        return []

    monkeypatch.setattr(payments, "find_by_alias", by_none)
    await _two_sessions(shop)
    assert (await _settle(shop, "inv_9")).status_code == 200
