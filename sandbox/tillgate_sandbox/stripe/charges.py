"""Calls about payment intents and charges (https://docs.stripe.com/api/charges).

A charge is the last try of its intent: the sandbox keeps one payment for each.
"""

from service.core.strict_json import JsonObject
from tillgate_sandbox import listing
from tillgate_sandbox.base import Sandbox
from tillgate_sandbox.documents import SandboxCheckout, SandboxPayment
from tillgate_sandbox.playing import happen
from tillgate_sandbox.states import Happening, PaymentStatus
from tillgate_sandbox.stripe import render
from tillgate_sandbox.stripe.lists import PAGING, page_of
from tillgate_sandbox.stripe.paid import intent_of, the_payment
from tillgate_sandbox.stripe.parameters import read_whole, refuse_unknown
from tillgate_sandbox.stripe.refusals import StripeRefused, no_such

_INTENTS_TAKE = PAGING | {"created", "customer"}
_CHARGES_TAKE = PAGING | {"created", "customer", "payment_intent"}


async def retrieve_intent(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """Read a payment intent."""
    return render.payment_intent(*await the_payment(ids[0]))


async def list_intents(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """List payment intents."""
    refuse_unknown(given, _INTENTS_TAKE)
    found = [render.payment_intent(*one) for one in await _payments()]
    return page_of(found, given, "/v1/payment_intents", ("customer",))


async def capture_intent(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """Capture an intent that is held."""
    checkout, payment = await the_payment(ids[0])
    if payment.status is not PaymentStatus.AUTHORIZED:
        status = render.payment_intent(checkout, payment)["status"]
        message = (
            "This PaymentIntent could not be captured because it has a status of "
            f"{status}. Only a PaymentIntent with one of the following statuses may be captured: "
            "requires_capture."
        )
        raise StripeRefused(message, code="payment_intent_unexpected_state", began=True)
    asked = read_whole(given, "amount_to_capture")
    if asked is not None and asked != payment.amount:
        raise StripeRefused("The sandbox captures the whole amount.", param="amount_to_capture")
    captured = await happen(checkout, Happening.CAPTURED, sandbox)
    return render.payment_intent(captured, captured.payments[-1])


async def retrieve_charge(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """Read a charge."""
    return render.charge(*await the_charge(ids[0]))


async def list_charges(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """List charges, those that failed too."""
    refuse_unknown(given, _CHARGES_TAKE)
    found = [render.charge(*one) for one in await _payments()]
    return page_of(found, given, "/v1/charges", ("customer", "payment_intent"))


async def the_charge(charge_id: str) -> tuple[SandboxCheckout, SandboxPayment]:
    """Return what a charge charges. Raises `StripeRefused`."""
    if not charge_id.startswith("ch_"):
        raise no_such("charge", charge_id)
    try:
        return await the_payment(intent_of(charge_id))
    except StripeRefused as refused:
        raise no_such("charge", charge_id) from refused


async def _payments() -> list[tuple[SandboxCheckout, SandboxPayment]]:
    """Return what was paid or tried; where nothing was due there is no intent."""
    checkouts = await listing.paid_checkouts("stripe")
    return [(one, payment) for one in checkouts for payment in one.payments if payment.amount]
