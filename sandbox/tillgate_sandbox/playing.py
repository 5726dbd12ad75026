"""What happens to a checkout at a played provider, and the webhooks that report it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from service.core.errors import Busy, Conflict
from service.core.ids import new_id
from service.providers.registry import ProviderName
from tillgate_sandbox import repository
from tillgate_sandbox.aftermath import CannotHappen, after, made_id, payment_that_moves
from tillgate_sandbox.base import MadeEvent, Played, Sandbox
from tillgate_sandbox.chaos import Chaos, Fault, Planned, merge, plan
from tillgate_sandbox.documents import (
    Happened,
    SandboxCheckout,
    SandboxDelivery,
    SandboxEvent,
    SandboxPayment,
    SandboxRefund,
)
from tillgate_sandbox.repository import KEEP_FOR
from tillgate_sandbox.states import (
    AFTER_SALE,
    CheckoutStatus,
    Happening,
    PaymentStatus,
    leads_to,
)

# An attempt that begins, and its status then.
_BEGINS = {
    Happening.PAID: PaymentStatus.SUCCEEDED,
    Happening.DELAYED: PaymentStatus.PROCESSING,
    Happening.AUTHORIZED: PaymentStatus.AUTHORIZED,
    Happening.DECLINED: PaymentStatus.DECLINED,
}
_UNDER_WAY = frozenset({PaymentStatus.PROCESSING, PaymentStatus.AUTHORIZED})
# The outcome of the attempt under way, the last one of several.
_GOES_ON = {
    Happening.SETTLED: PaymentStatus.SUCCEEDED,
    Happening.CAPTURED: PaymentStatus.SUCCEEDED,
    Happening.BOUNCED: PaymentStatus.FAILED,
}
_ELSEWHERE: dict[ProviderName, ProviderName] = {
    "stripe": "razorpay",
    "razorpay": "stripe",
    "phonepe": "stripe",
}
"""The provider whose route gets an event that is sent to the wrong one."""

_EXPIRED_AT_ONCE = 50
_FALSIFIED: tuple[Fault, ...] = ("wrong_amount", "wrong_currency", "unknown_session")


class Announcement(Struct, frozen=True):
    """Events about a checkout, the faults for their deliveries, and the salt of the dice."""

    events: Sequence[MadeEvent]
    chaos: Chaos
    salt: str


async def happen(
    checkout: SandboxCheckout,
    happening: Happening,
    sandbox: Sandbox,
    *,
    method: str | None = None,
    decline_code: str | None = None,
    refund: SandboxRefund | None = None,
) -> SandboxCheckout:
    """Let something happen to a checkout, and queue its provider's webhooks.

    `refund` is the one that is made, or goes on; without it all that is left is refunded, or the
    latest goes on. Returns the checkout in
    its new state. Raises `CannotHappen`, and `Busy` if something else happened meanwhile.
    """
    chaos = await chaos_of(checkout)
    late = happening is Happening.PAID and "late" in chaos.faults
    if late and checkout.status is CheckoutStatus.OPEN:
        at_once = Chaos(seed=chaos.seed)
        checkout = await _step(checkout, Happening.EXPIRED, sandbox, None, at_once)
    now = sandbox.clock.now()
    if happening in AFTER_SALE or happening is Happening.VOIDED:
        _check_possible(checkout, happening)
        paid = payment_that_moves(checkout.payments, happening, refund)
        payment = after(happening, paid, checkout.provider, now, refund) if paid else None
    else:
        payment = _payment(checkout, happening, now, method, decline_code)
    faults = tuple(fault for fault in chaos.faults if late or fault != "late")
    effective = Chaos(faults, chaos.copies, chaos.delay_ms, chaos.seed)
    return await _step(checkout, happening, sandbox, payment, effective)


async def announce(
    before: SandboxCheckout,
    after: SandboxCheckout,
    sandbox: Sandbox,
    announcement: Announcement,
) -> SandboxCheckout:
    """Write a changed checkout, its events and their deliveries. Raises `Busy` if it changed."""
    now = sandbox.clock.now()
    events = [_event(after, made, now) for made in announcement.events]
    deliveries = _deliveries(after, announcement, sandbox.played[after.provider], now)
    if not await repository.write_happening(before, after, events, deliveries):
        raise Busy("Something else happened to this checkout just now; look at it again.")
    return _changed(after, version=before.version + 1)


async def expire_due(sandbox: Sandbox) -> int:
    """Expire the overdue checkouts; return how many."""
    due = await repository.due_to_expire(sandbox.clock.now(), _EXPIRED_AT_ONCE)
    expired = 0
    for checkout in due:
        try:
            await happen(checkout, Happening.EXPIRED, sandbox)
            expired += 1
        except Conflict:
            continue  # it was paid at the last moment
    return expired


async def chaos_of(checkout: SandboxCheckout) -> Chaos:
    """Return the faults that apply to a checkout now."""
    if checkout.chaos is not None:
        return merge(checkout.chaos, None)
    standing = await repository.standing_chaos()
    return merge(None, standing.chaos if standing else None)


async def _step(
    checkout: SandboxCheckout,
    happening: Happening,
    sandbox: Sandbox,
    payment: SandboxPayment | None,
    chaos: Chaos,
) -> SandboxCheckout:
    standing = _check_possible(checkout, happening)
    now = sandbox.clock.now()
    payments = _with(checkout.payments, payment)
    if standing is CheckoutStatus.OPEN and any(one.status in _UNDER_WAY for one in payments):
        standing = CheckoutStatus.PROCESSING  # by another attempt than the one that failed
    ids = [*checkout.object_ids, *(_ids_of(payment) if payment else ())]
    after = _changed(
        checkout,
        status=standing,
        payments=payments,
        happened=[*checkout.happened, _happened(happening, payment, now)],
        object_ids=list(dict.fromkeys(ids)),
        updated_at=now,
        purge_at=now + KEEP_FOR,
    )
    events = sandbox.played[checkout.provider].events_for(after, happening, payment, now)
    salt = f"{checkout.session_id}:{happening}:{len(payments)}:{len(ids)}"
    return await announce(checkout, after, sandbox, Announcement(events, chaos, salt))


def _check_possible(checkout: SandboxCheckout, happening: Happening) -> CheckoutStatus:
    """Return where a happening leads. Raises `CannotHappen`."""
    possible, standing = leads_to(happening, checkout.provider)
    if not possible:
        raise CannotHappen(f"{checkout.provider} has no such thing: nothing is {happening} there.")
    if checkout.status not in possible:
        raise CannotHappen(f"The checkout is {checkout.status}: it can't be {happening}.")
    return standing


def _happened(what: Happening, payment: SandboxPayment | None, now: datetime) -> Happened:
    """Record what happened: Stripe's intent is one payment, however often it is tried."""
    declined = payment.decline_code if payment and what is Happening.DECLINED else None
    return Happened(
        at=now, what=what, method=payment.method if payment else None, decline_code=declined
    )


def _payment(
    checkout: SandboxCheckout,
    happening: Happening,
    now: datetime,
    method: str | None,
    decline_code: str | None,
) -> SandboxPayment | None:
    last = checkout.payments[-1] if checkout.payments else None
    if happening in _BEGINS:
        payment_id = _payment_id(checkout)
        return SandboxPayment(
            id=payment_id,
            status=_BEGINS[happening],
            method=method or "card",
            amount=checkout.amount,
            currency=checkout.currency,
            decline_code=decline_code if happening is Happening.DECLINED else None,
            at=last.at if last is not None and last.id == payment_id else now,
        )
    if happening in _GOES_ON and last is not None:
        goes_on = next(
            (one for one in reversed(checkout.payments) if one.status in _UNDER_WAY), last
        )
        return goes_on.model_copy(update={"status": _GOES_ON[happening]})
    return None


_PAYMENT_PREFIX = {"stripe": ("pi_3", 23), "razorpay": ("pay_", 14), "phonepe": ("OM", 22)}


def _payment_id(checkout: SandboxCheckout) -> str:
    """Return the payment's id: Stripe retries one intent, the others make one per attempt."""
    if checkout.provider == "stripe" and checkout.payments:
        return checkout.payments[-1].id
    return made_id(*_PAYMENT_PREFIX[checkout.provider])


def _with(payments: list[SandboxPayment], payment: SandboxPayment | None) -> list[SandboxPayment]:
    if payment is None:
        return payments
    return [*(one for one in payments if one.id != payment.id), payment]


def _ids_of(payment: SandboxPayment) -> list[str]:
    refunds = [refund.id for refund in payment.refunds]
    return refunds + ([payment.dispute_id] if payment.dispute_id else [])


def _event(checkout: SandboxCheckout, made: MadeEvent, now: datetime) -> SandboxEvent:
    return SandboxEvent(
        id=made.event_id,
        provider=checkout.provider,
        type=made.type,
        checkout_id=checkout.id,
        body=made.body,
        created_at=now,
        purge_at=now + KEEP_FOR,
    )


def _deliveries(
    checkout: SandboxCheckout, announcement: Announcement, played: Played, now: datetime
) -> list[SandboxDelivery]:
    """Plan the deliveries of some events; the copies of a falsified one are one event."""
    made: dict[tuple[int, tuple[Fault, ...]], MadeEvent] = {}
    deliveries = []
    for planned in plan(len(announcement.events), announcement.chaos, announcement.salt, now):
        key = (planned.event, planned.tamper)
        if key not in made:
            event = announcement.events[planned.event]
            false = next((fault for fault in planned.tamper if fault in _FALSIFIED), None)
            made[key] = played.falsify(event, false) if false else event
        deliveries.append(_delivery(checkout, made[key], planned, now))
    return deliveries


def _delivery(
    checkout: SandboxCheckout, event: MadeEvent, planned: Planned, now: datetime
) -> SandboxDelivery:
    foreign = "foreign_route" in planned.tamper
    route = _ELSEWHERE[checkout.provider] if foreign else checkout.provider
    return SandboxDelivery(
        id=new_id("whd"),
        provider=checkout.provider,
        checkout_id=checkout.id,
        session_id=checkout.session_id,
        event_id=event.event_id,
        type=event.type,
        path=f"/api/webhooks/{route}",
        body=event.body,
        tamper=list(planned.tamper),
        note=planned.note or None,
        drops=planned.drops,
        created_at=now,
        due_at=planned.due_at,
        purge_at=now + KEEP_FOR,
    )


def _changed(checkout: SandboxCheckout, **changes: Any) -> SandboxCheckout:
    changed: SandboxCheckout = checkout.model_copy(update=changes)
    return changed
