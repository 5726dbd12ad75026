"""Calls about refunds and disputes (https://docs.stripe.com/api/refunds, /api/disputes)."""

import secrets
from collections.abc import Callable

from service.core.strict_json import JsonObject
from service.providers.reading import inner, text
from tillgate_sandbox import listing, repository
from tillgate_sandbox.aftermath import is_held
from tillgate_sandbox.base import Sandbox
from tillgate_sandbox.documents import SandboxCheckout, SandboxPayment, SandboxRefund
from tillgate_sandbox.settling import RefundRefused, ask_for_refund
from tillgate_sandbox.states import CheckoutStatus, PaymentStatus
from tillgate_sandbox.stripe import render
from tillgate_sandbox.stripe.lists import PAGING, page_of
from tillgate_sandbox.stripe.paid import Paid, intent_of, the_payment
from tillgate_sandbox.stripe.parameters import check_metadata, read_whole, refuse_unknown
from tillgate_sandbox.stripe.refusals import StripeRefused, missing, no_such

_REFUND_TAKES = frozenset("payment_intent charge amount reason metadata currency expand".split())
_LIST_TAKES = PAGING | {"charge", "created", "payment_intent"}
_REASONS = frozenset({"duplicate", "fraudulent", "requested_by_customer"})

Rendered = Callable[[SandboxPayment], list[JsonObject]]


async def create_refund(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """Refund a payment, all that is left of it or an `amount`."""
    refuse_unknown(given, _REFUND_TAKES)
    check_metadata(given.get("metadata"))
    _check_reason(text(given, "reason"))
    intent_id = text(given, "payment_intent") or intent_of(text(given, "charge") or "")
    if intent_id == "pi_":
        raise missing("payment_intent")
    checkout, payment = await the_payment(intent_id, "payment_intent")
    _check_refundable(checkout, payment)
    asked = SandboxRefund(
        id=f"re_3{secrets.token_hex(12)[:23]}",
        amount=_amount(given, payment),
        reason=text(given, "reason"),
        metadata=inner(given, "metadata"),
        at=sandbox.clock.now(),
    )
    try:
        made = await ask_for_refund(checkout, asked, sandbox)
    except RefundRefused as refused:
        message = f"Charge {render.charge_id_of(payment)} can't be refunded."
        raise StripeRefused(message, code="charge_not_refundable", began=True) from refused
    return render.refund(payment, made)


async def retrieve_refund(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """Read a refund."""
    checkout = await repository.find_by_object(ids[0])
    for payment in checkout.payments if checkout else []:
        for made in payment.refunds:
            if made.id == ids[0]:
                return render.refund(payment, made)
    raise no_such("refund", ids[0])


async def list_refunds(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """List refunds, newest first: of a payment, or all."""

    def refunds(payment: SandboxPayment) -> list[JsonObject]:
        newest = sorted(payment.refunds, key=lambda one: one.at, reverse=True)
        return [render.refund(payment, made) for made in newest]

    return await _listed(given, refunds, "/v1/refunds")


async def retrieve_dispute(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """Read a dispute."""
    checkout = await repository.find_by_object(ids[0])
    for payment in checkout.payments if checkout else []:
        if payment.dispute is not None and payment.dispute.id == ids[0]:
            return render.dispute(payment, payment.dispute)
    raise no_such("dispute", ids[0])


async def list_disputes(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """List disputes, newest first: of a payment, or all."""

    def disputes(payment: SandboxPayment) -> list[JsonObject]:
        return [render.dispute(payment, payment.dispute)] if payment.dispute else []

    return await _listed(given, disputes, "/v1/disputes")


async def _listed(given: JsonObject, rendered: Rendered, url: str) -> JsonObject:
    refuse_unknown(given, _LIST_TAKES)
    return page_of((one for _, paid in await _wanted(given) for one in rendered(paid)), given, url)


async def _wanted(given: JsonObject) -> list[Paid]:
    intent_id, charge_id = text(given, "payment_intent"), text(given, "charge")
    if intent_id is None and charge_id is not None:
        intent_id = intent_of(charge_id)
    if intent_id is not None:
        return [await the_payment(intent_id, "payment_intent")]
    checkouts = await listing.paid_checkouts("stripe")
    return [(checkout, payment) for checkout in checkouts for payment in checkout.payments]


def _amount(given: JsonObject, payment: SandboxPayment) -> int:
    left, amount = payment.amount - payment.refunded, read_whole(given, "amount")
    if amount is None or 0 < amount <= left:
        return left if amount is None else amount
    message = (
        f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})"
        if amount > 0
        else "Invalid positive integer"
    )
    raise StripeRefused(message, param="amount", began=amount > 0)


def _check_reason(reason: str | None) -> None:
    if reason is not None and reason not in _REASONS:
        raise StripeRefused(f"Invalid reason: must be one of {sorted(_REASONS)}", param="reason")


def _check_refundable(checkout: SandboxCheckout, payment: SandboxPayment) -> None:
    charge_id = render.charge_id_of(payment)
    if payment.status is PaymentStatus.SUCCEEDED and is_held(payment):
        message = f"Charge {charge_id} has been charged back; cannot issue a refund."
        raise StripeRefused(message, code="charge_disputed", began=True)
    if payment.amount and payment.refunded >= payment.amount:
        message = f"Charge {charge_id} has already been refunded."
        raise StripeRefused(message, code="charge_already_refunded", began=True)
    if checkout.status is not CheckoutStatus.PAID:
        message = f"This PaymentIntent ({payment.id}) does not have a successful charge to refund."
        raise StripeRefused(message, param="payment_intent", began=True)
