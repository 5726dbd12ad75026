"""Capture, refund and cancel, as the merchant asks for them."""

import json
import re

from service.core.errors import Conflict
from service.core.ids import digest
from service.core.strict_json import JsonObject, parse
from service.providers.reading import inner, text, whole
from tillgate_sandbox import repository
from tillgate_sandbox.aftermath import is_held
from tillgate_sandbox.base import Sandbox
from tillgate_sandbox.documents import (
    SandboxCheckout,
    SandboxKey,
    SandboxPayment,
    SandboxRefund,
)
from tillgate_sandbox.playing import happen
from tillgate_sandbox.razorpay.opening import SMALLEST
from tillgate_sandbox.razorpay.refusals import NoSuchId, Refusal
from tillgate_sandbox.razorpay.render import REFUND, made_id, refund_entity
from tillgate_sandbox.settling import RefundRefused, ask_for_refund
from tillgate_sandbox.states import CheckoutStatus, Happening, PaymentStatus

# https://razorpay.com/docs/api/refunds/normal-refunds-idempotent
_REFUSED = {
    "refused_refund": "This payment cannot be refunded",
    "no_balance": (
        "Your account does not have enough balance to carry out the refund operation. You can add "
        "funds to your account from your Razorpay dashboard or capture new payments."
    ),
}
_IDEMPOTENCY_KEY = re.compile(r"[A-Za-z0-9_-]{10,255}")


async def the_payment(payment_id: str) -> tuple[SandboxCheckout, SandboxPayment]:
    """Find a payment and what it pays, of whose payments it is the last: it happens to that one.

    Raises `NoSuchId`.
    """
    checkout = await repository.find_by_payment(payment_id)
    if checkout is None or checkout.provider != "razorpay":
        raise NoSuchId
    payment = payment_in(checkout, payment_id)
    others = [one for one in checkout.payments if one.id != payment_id]
    return checkout.model_copy(update={"payments": [*others, payment]}), payment


async def the_refund(refund_id: str) -> tuple[SandboxPayment, SandboxRefund]:
    """Find a refund and the payment that it gives back. Raises `NoSuchId`."""
    checkout = await repository.find_by_object(refund_id)
    for payment in checkout.payments if checkout else ():
        for refund in payment.refunds:
            if refund.id == refund_id:
                return payment, refund
    raise NoSuchId


def payment_in(checkout: SandboxCheckout, payment_id: str) -> SandboxPayment:
    """Return a payment of a checkout. Raises `NoSuchId`."""
    found = next((one for one in checkout.payments if one.id == payment_id), None)
    if found is None:
        raise NoSuchId
    return found


async def capture(payment_id: str, given: JsonObject, sandbox: Sandbox) -> SandboxCheckout:
    """Take money that is held, all of it. Raises `Refusal`.

    https://razorpay.com/docs/api/payments/capture
    """
    checkout, payment = await the_payment(payment_id)
    if payment.status is PaymentStatus.SUCCEEDED:
        raise Refusal("This payment has already been captured")
    if payment.status is not PaymentStatus.AUTHORIZED:
        raise Refusal(
            "Only payments which have been authorized and not yet captured can be captured"
        )
    if whole(given, "amount") != payment.amount:
        raise Refusal("Capture amount must be equal to the amount authorized", field="amount")
    if given.get("currency", payment.currency) != payment.currency:
        raise Refusal("Capture currency must be equal to the currency authorized", field="currency")
    return await _let_happen(checkout, Happening.CAPTURED, sandbox)


async def cancel_link(checkout: SandboxCheckout, sandbox: Sandbox) -> SandboxCheckout:
    """Cancel a payment link that is not paid. Raises `Refusal`."""
    if checkout.status is CheckoutStatus.PAID:
        raise Refusal("Payment Link cannot be cancelled as it is already paid.")
    if checkout.status in (CheckoutStatus.EXPIRED, CheckoutStatus.CANCELED):
        raise Refusal(f"Payment Link cannot be cancelled as it is already {checkout.status}.")
    return await _let_happen(checkout, Happening.CANCELED, sandbox)


async def refund_once(
    payment_id: str, given: JsonObject, key: str | None, sandbox: Sandbox
) -> JsonObject:
    """Refund, once for each value of `X-Refund-Idempotency`. Raises `Refusal`."""
    if key is None:
        return await _refund(payment_id, given, sandbox)
    if not _IDEMPOTENCY_KEY.fullmatch(key):
        raise Refusal("The idempotency key must be at least 10 characters of A-Z a-z 0-9 _ -")
    parameters = digest(json.dumps([payment_id, given], sort_keys=True))
    claim = SandboxKey(
        id=f"razorpay:refund:{key}",
        parameters=parameters,
        purge_at=sandbox.clock.now() + repository.KEEP_FOR,
    )
    before = await repository.claim_key(claim, sandbox.clock.now())
    if before is not None:
        return _replayed(before, parameters)
    try:
        answer = await _refund(payment_id, given, sandbox)
    except Refusal:
        await repository.release_key(claim.id)  # nothing was done: the key is free again
        raise
    await repository.keep_answer(claim.id, 200, json.dumps(answer).encode())
    return answer


def _replayed(before: SandboxKey, parameters: str) -> JsonObject:
    if before.parameters != parameters:
        raise Refusal("Different request with the same idempotency key has already been processed.")
    if before.answer is None:
        raise Refusal("Request with the same idempotency key is being processed.", status=409)
    kept = parse(before.answer)
    return kept if isinstance(kept, dict) else {}


async def _refund(payment_id: str, given: JsonObject, sandbox: Sandbox) -> JsonObject:
    checkout, payment = await the_payment(payment_id)
    if payment.status is not PaymentStatus.SUCCEEDED:
        raise Refusal("The payment status should be captured for action to be taken")
    if is_held(payment):
        raise Refusal("The payment has a dispute, so that it can't be refunded")
    asked = SandboxRefund(
        id=made_id(REFUND, payment.id, len(payment.refunds)),
        amount=_amount(given, payment),
        metadata=inner(given, "notes"),
        receipt=text(given, "receipt"),
        at=sandbox.clock.now(),
    )
    try:
        made = await ask_for_refund(checkout, asked, sandbox)
    except RefundRefused as error:
        raise Refusal(_REFUSED[error.reason]) from error
    except Conflict as error:  # it can't happen, which is a bad request at Razorpay
        raise Refusal(error.message) from error
    return refund_entity(payment, made)


def _amount(given: JsonObject, payment: SandboxPayment) -> int:
    left = payment.amount - payment.refunded
    if left == 0:
        raise Refusal("The payment has been fully refunded already")
    amount = whole(given, "amount") if given.get("amount") is not None else left
    if amount is None or amount < 1:
        raise Refusal("The amount must be an integer.", field="amount")
    if amount > left:
        raise Refusal("The total refund amount is greater than the refund payment amount")
    if amount < SMALLEST.get(payment.currency, 1):
        raise Refusal(f"The amount must be at least {payment.currency} 1.00", field="amount")
    return amount


async def _let_happen(
    checkout: SandboxCheckout, happening: Happening, sandbox: Sandbox
) -> SandboxCheckout:
    """Let it happen; what can't is a bad request at Razorpay, not a conflict."""
    try:
        return await happen(checkout, happening, sandbox)
    except Conflict as error:
        raise Refusal(error.message) from error
