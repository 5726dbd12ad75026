"""What a merchant may change of what there is: notes, and a payment link that nobody has paid.

https://razorpay.com/docs/api/orders/update, /api/payments/update, /api/refunds/update and
/api/payments/payment-links/update-standard.
"""

from typing import Any

from service.core.strict_json import JsonObject, JsonValue
from service.providers.reading import inner, text
from tillgate_sandbox import repository
from tillgate_sandbox.base import Sandbox
from tillgate_sandbox.documents import SandboxCheckout, SandboxKey, SandboxPayment, SandboxRefund
from tillgate_sandbox.razorpay.moving import the_payment, the_refund
from tillgate_sandbox.razorpay.opening import check_fields, check_notes, read_expiry, read_reference
from tillgate_sandbox.razorpay.refusals import NoSuchId, Refusal
from tillgate_sandbox.razorpay.render import LINK, made_id, order_id_of
from tillgate_sandbox.states import CheckoutStatus

_LINK_CHANGES = frozenset(
    {"accept_partial", "expire_by", "notes", "reference_id", "reminder_enable"}
)
_UNPAID = frozenset({CheckoutStatus.OPEN, CheckoutStatus.PROCESSING})


class ReferenceTaken(Refusal):
    """Another payment link has, or had, this reference."""

    def __init__(self, reference: JsonValue) -> None:
        """Say it in Razorpay's words."""
        super().__init__(
            f"payment link with given reference_id ({reference}) already exists. "
            "Please create a new payment link with a different reference_id.",
            field="reference_id",
        )


async def edit_order(
    checkout: SandboxCheckout, given: JsonObject, sandbox: Sandbox
) -> SandboxCheckout:
    """Change the notes of an order. Raises `Refusal`."""
    request = checkout.request | {"notes": _notes(given)}
    return await _changed(checkout, sandbox, request=request)


async def edit_payment(payment_id: str, given: JsonObject, sandbox: Sandbox) -> SandboxCheckout:
    """Change the notes of a payment. Raises `Refusal`."""
    notes = _notes(given)
    checkout = await repository.find_by_payment((await the_payment(payment_id))[1].id)
    if checkout is None:
        raise NoSuchId
    own = inner(checkout.more, "notesOf") | {payment_id: notes}
    return await _changed(checkout, sandbox, more=checkout.more | {"notesOf": own})


async def edit_refund(
    refund_id: str, given: JsonObject, sandbox: Sandbox
) -> tuple[SandboxPayment, SandboxRefund]:
    """Change the notes of a refund. Raises `Refusal`."""
    notes = _notes(given)
    checkout = await repository.find_by_object(refund_id)
    await the_refund(refund_id)
    if checkout is None:
        raise NoSuchId
    payments = [_with_noted(one, refund_id, notes) for one in checkout.payments]
    await _changed(checkout, sandbox, payments=payments)
    return await the_refund(refund_id)


async def edit_link(link: SandboxCheckout, given: JsonObject, sandbox: Sandbox) -> SandboxCheckout:
    """Change a payment link that is neither paid nor over. Raises `Refusal`."""
    check_fields(given, _LINK_CHANGES)
    check_notes(given)
    if link.status not in _UNPAID:
        raise Refusal(f"Payment Link cannot be updated as it is already {link.status}.")
    if given.get("accept_partial"):
        raise Refusal("The sandbox takes no partial payments.", field="accept_partial")
    changes: dict[str, Any] = {"request": link.request | given}
    if given.get("expire_by") is not None:
        changes["expires_at"] = read_expiry(given, sandbox.clock.now())
    after: SandboxCheckout = link.model_copy(update=changes)
    reference = read_reference(given, "reference_id")
    if reference is None or reference == text(link.request, "reference_id"):
        return await _changed(link, sandbox, **changes)
    claim = await claim_reference(after, sandbox)
    try:
        return await _changed(link, sandbox, **changes)
    except Refusal:
        await repository.release_key(claim)
        raise


async def claim_reference(link: SandboxCheckout, sandbox: Sandbox) -> str:
    """Claim the reference of a payment link, whoever comes first; one keeps those that it had.

    Returns the id of the claim. Raises `Refusal`.
    """
    reference = text(link.request, "reference_id")
    named = made_id(LINK, "reference_id", reference) if reference else link.id
    now = sandbox.clock.now()
    row = SandboxKey(id=f"razorpay:{named}", parameters=link.id, purge_at=now + repository.KEEP_FOR)
    before = await repository.claim_key(row, now)
    if before is not None and before.parameters != link.id:
        raise ReferenceTaken(reference)
    return row.id


def _notes(given: JsonObject) -> JsonObject:
    check_fields(given, {"notes"})
    check_notes(given)
    if given.get("notes") is None:
        raise Refusal("notes: is required.", field="notes")
    return inner(given, "notes")


def _with_noted(payment: SandboxPayment, refund_id: str, notes: JsonObject) -> SandboxPayment:
    refunds = [
        one.model_copy(update={"metadata": notes}) if one.id == refund_id else one
        for one in payment.refunds
    ]
    changed: SandboxPayment = payment.model_copy(update={"refunds": refunds})
    return changed


async def _changed(before: SandboxCheckout, sandbox: Sandbox, **changes: Any) -> SandboxCheckout:
    changes["updated_at"] = sandbox.clock.now()
    after: SandboxCheckout = before.model_copy(update=changes)
    if not await repository.change_checkout(before, after):
        raise Refusal(f"{order_id_of(before.id)} was changed just now; try again.", status=500)
    changed: SandboxCheckout = after.model_copy(update={"version": before.version + 1})
    return changed
