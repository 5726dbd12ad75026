"""What becomes of money after it was paid: refunds, disputes, money that is let go of. Pure."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from service.core.errors import Conflict
from service.providers.registry import ProviderName
from tillgate_sandbox.documents import (
    SandboxCheckout,
    SandboxDispute,
    SandboxMovement,
    SandboxPayment,
    SandboxRefund,
)
from tillgate_sandbox.states import (
    AFTER_SALE,
    DisputeStatus,
    Happening,
    PaymentStatus,
    possible_now,
)

ANSWER_WITHIN = timedelta(days=7)
DISPUTE_FEE = 1500
"""What Stripe takes for a dispute, in minor units; it is not given back."""

_REFUND_PREFIX = {"stripe": "re_3", "razorpay": "rfnd_", "phonepe": "OMR"}
_DISPUTE_PREFIX = {"stripe": "du_1", "razorpay": "disp_", "phonepe": "OMD"}
_UNDECIDED = frozenset({DisputeStatus.INQUIRY, DisputeStatus.OPEN, DisputeStatus.UNDER_REVIEW})
_HOLDING = frozenset({DisputeStatus.OPEN, DisputeStatus.UNDER_REVIEW, DisputeStatus.LOST})


class CannotHappen(Conflict):
    """The checkout is in a state in which this can no longer happen, or not yet."""

    code = "cannot_happen"


def after(
    happening: Happening,
    payment: SandboxPayment,
    provider: ProviderName,
    now: datetime,
    refund: SandboxRefund | None = None,
) -> SandboxPayment:
    """Return a payment after something happened to its money. Raises `CannotHappen`.

    `refund` is the one that is made or goes on; without it all that is left is refunded, or the
    latest one goes on. The refund that it is about is the last one of the payment then.
    """
    if happening in _REFUNDS:
        return _REFUNDS[happening](payment, refund, provider, now)
    return _DISPUTES[happening](payment, provider, now)


def payment_that_moves(
    payments: Sequence[SandboxPayment], happening: Happening, refund: SandboxRefund | None = None
) -> SandboxPayment | None:
    """Return whose money moves on: the payment of the refund, else the last one with money."""
    if refund is not None:
        for one in payments:
            if any(known.id == refund.id for known in one.refunds):
                return one
    voids = happening is Happening.VOIDED
    wanted = PaymentStatus.AUTHORIZED if voids else PaymentStatus.SUCCEEDED
    return next((one for one in reversed(payments) if one.status is wanted), None)


def possible_in(checkout: SandboxCheckout, now: datetime) -> list[Happening]:
    """Return what may happen to a checkout now, as its status and its money stand."""
    return [
        happening
        for happening in possible_now(checkout.status, checkout.provider)
        if happening not in AFTER_SALE | {Happening.VOIDED} or _may(checkout, happening, now)
    ]


def _may(checkout: SandboxCheckout, happening: Happening, now: datetime) -> bool:
    payment = payment_that_moves(checkout.payments, happening)
    try:
        return payment is not None and bool(after(happening, payment, checkout.provider, now))
    except CannotHappen:
        return False


def is_held(payment: SandboxPayment) -> bool:
    """Return whether a dispute has the money, so that it can't be refunded."""
    return payment.dispute is not None and payment.dispute.status in _HOLDING


def made_id(prefix: str, length: int = 24) -> str:
    """Return a new id of a provider's."""
    return prefix + secrets.token_hex(length)[:length]


def _refunded(
    payment: SandboxPayment, refund: SandboxRefund | None, provider: ProviderName, now: datetime
) -> SandboxPayment:
    if is_held(payment) and not (refund and refund.by_dispute):
        raise CannotHappen("A dispute has the money: it can't be refunded.")
    left = payment.amount - payment.refunded
    made = refund or SandboxRefund(id=made_id(_REFUND_PREFIX[provider]), amount=left, at=now)
    if not 0 < made.amount <= left:
        raise CannotHappen(f"{made.amount} can't be refunded: {left} of the payment are left.")
    return _with_refund(payment, made)


def _started(
    payment: SandboxPayment, refund: SandboxRefund | None, provider: ProviderName, now: datetime
) -> SandboxPayment:
    started = _refunded(payment, refund, provider, now)
    return _with_refund(started, _changed(started.refunds[-1], status="pending"))


def _settled(
    payment: SandboxPayment, refund: SandboxRefund | None, provider: ProviderName, now: datetime
) -> SandboxPayment:
    going = _going(payment, refund, {"pending"})
    # One that fails after all has another turn to come.
    fails = going.becomes is Happening.REFUND_FAILED
    turns: dict[str, Any] = {} if fails else {"becomes": None, "due_at": None}
    return _with_refund(payment, _changed(going, status="succeeded", waits=None, **turns))


def _failed(
    payment: SandboxPayment, refund: SandboxRefund | None, provider: ProviderName, now: datetime
) -> SandboxPayment:
    going = _going(payment, refund, {"pending", "succeeded"})
    why = going.failure or _FAILURES[provider]
    changes: dict[str, Any] = {"waits": None, "becomes": None, "due_at": None, "failure": why}
    return _with_refund(payment, _changed(going, status="failed", **changes))


def _voided(
    payment: SandboxPayment, refund: SandboxRefund | None, provider: ProviderName, now: datetime
) -> SandboxPayment:
    if payment.status is not PaymentStatus.AUTHORIZED:
        raise CannotHappen("Only money that is held can be let go of.")
    given_back = _refunded(payment, None, provider, now)
    return given_back.model_copy(update={"status": PaymentStatus.VOIDED})


def _inquired(payment: SandboxPayment, provider: ProviderName, now: datetime) -> SandboxPayment:
    if payment.dispute is not None:
        raise CannotHappen("The payment is disputed already.")
    dispute = _opened(payment, provider, now, DisputeStatus.INQUIRY)
    return _with_dispute(payment, dispute, inquiry=True)


def _disputed(payment: SandboxPayment, provider: ProviderName, now: datetime) -> SandboxPayment:
    """Open a dispute, or let an inquiry become one: the money is withdrawn."""
    dispute = payment.dispute
    if dispute is not None and dispute.status is not DisputeStatus.INQUIRY:
        raise CannotHappen("The payment is disputed already.")
    dispute = dispute or _opened(payment, provider, now, DisputeStatus.OPEN)
    taken = _moved(dispute, -dispute.amount, now, DISPUTE_FEE)
    movements = taken if provider == "stripe" else []
    changes = {"status": DisputeStatus.OPEN, "inquiry": False, "answered": False}
    return _with_dispute(payment, dispute, movements=movements, **changes)


def _answered(payment: SandboxPayment, provider: ProviderName, now: datetime) -> SandboxPayment:
    dispute = _undecided(payment)
    if dispute.answered:
        raise CannotHappen("The dispute was answered already.")
    asked = dispute.status is DisputeStatus.INQUIRY
    status = dispute.status if asked else DisputeStatus.UNDER_REVIEW
    return _with_dispute(payment, dispute, status=status, answered=True)


def _inquiry_closed(
    payment: SandboxPayment, provider: ProviderName, now: datetime
) -> SandboxPayment:
    dispute = _undecided(payment)
    if dispute.status is not DisputeStatus.INQUIRY:
        raise CannotHappen("Only an inquiry comes to nothing.")
    return _with_dispute(payment, dispute, status=DisputeStatus.CLOSED)


def _won(payment: SandboxPayment, provider: ProviderName, now: datetime) -> SandboxPayment:
    dispute = _charged_back(payment)
    given_back = _moved(dispute, dispute.amount, now)
    movements = given_back if provider == "stripe" else dispute.movements
    return _with_dispute(payment, dispute, status=DisputeStatus.WON, movements=movements)


def _lost(payment: SandboxPayment, provider: ProviderName, now: datetime) -> SandboxPayment:
    """Lose a dispute; Razorpay pays the customer by a refund, which is the same money."""
    dispute = _charged_back(payment)
    left = payment.amount - payment.refunded
    if provider == "razorpay" and left:
        refund = SandboxRefund(
            id=made_id(_REFUND_PREFIX[provider]),
            amount=min(left, dispute.amount),
            by_dispute=True,
            at=now,
        )
        payment = _refunded(payment, refund, provider, now)
    return _with_dispute(payment, dispute, status=DisputeStatus.LOST)


def _opened(
    payment: SandboxPayment, provider: ProviderName, now: datetime, status: DisputeStatus
) -> SandboxDispute:
    return SandboxDispute(
        id=made_id(_DISPUTE_PREFIX[provider]),
        amount=payment.amount - payment.refunded or payment.amount,
        status=status,
        at=now,
        due_at=now + ANSWER_WITHIN,
    )


def _undecided(payment: SandboxPayment) -> SandboxDispute:
    if payment.dispute is None or payment.dispute.status not in _UNDECIDED:
        raise CannotHappen("The payment has no dispute that is undecided.")
    return payment.dispute


def _charged_back(payment: SandboxPayment) -> SandboxDispute:
    dispute = _undecided(payment)
    if dispute.status is DisputeStatus.INQUIRY:
        raise CannotHappen("An inquiry is neither won nor lost.")
    return dispute


def _going(
    payment: SandboxPayment, refund: SandboxRefund | None, in_states: set[str]
) -> SandboxRefund:
    for one in reversed(payment.refunds):
        if one.status in in_states and (refund is None or refund.id == one.id):
            return one
    raise CannotHappen("The payment has no refund that could go on so.")


def _moved(
    dispute: SandboxDispute, amount: int, now: datetime, fee: int = 0
) -> list[SandboxMovement]:
    moved = SandboxMovement(id=made_id("txn_1"), amount=amount, fee=fee, at=now)
    return [*dispute.movements, moved]


def _changed(refund: SandboxRefund, **changes: Any) -> SandboxRefund:
    changed: SandboxRefund = refund.model_copy(update=changes)
    return changed


def _with_refund(payment: SandboxPayment, refund: SandboxRefund) -> SandboxPayment:
    others = [one for one in payment.refunds if one.id != refund.id]
    refunds = [*others, refund]
    kept = sum(one.amount for one in refunds if one.status != "failed")
    return payment.model_copy(update={"refunds": refunds, "refunded": kept})


def _with_dispute(
    payment: SandboxPayment, dispute: SandboxDispute, **changes: Any
) -> SandboxPayment:
    return payment.model_copy(update={"dispute": dispute.model_copy(update=changes)})


# Why a refund fails, in the words of each provider; Razorpay gives none.
_FAILURES: Mapping[ProviderName, str | None] = {
    "stripe": "lost_or_stolen_card",
    "razorpay": None,
    "phonepe": "REFUND_FAILED",
}

_Refunding = Callable[
    [SandboxPayment, SandboxRefund | None, ProviderName, datetime], SandboxPayment
]
_REFUNDS: Mapping[Happening, _Refunding] = {
    Happening.REFUNDED: _refunded,
    Happening.REFUND_STARTED: _started,
    Happening.REFUND_SETTLED: _settled,
    Happening.REFUND_FAILED: _failed,
    Happening.VOIDED: _voided,
}
_DISPUTES: Mapping[Happening, Callable[[SandboxPayment, ProviderName, datetime], SandboxPayment]]
_DISPUTES = {
    Happening.INQUIRED: _inquired,
    Happening.INQUIRY_CLOSED: _inquiry_closed,
    Happening.DISPUTED: _disputed,
    Happening.DISPUTE_ANSWERED: _answered,
    Happening.DISPUTE_WON: _won,
    Happening.DISPUTE_LOST: _lost,
}
