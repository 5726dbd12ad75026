"""The table fact -> operation: what each thing that a provider can tell does."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

from msgspec import Struct, structs

from service.core.errors import MalformedBody
from service.payments.payments import repository as payments
from service.payments.payments.operations import Recorded, Told, record_payment
from service.payments.payments.states import PaymentStatus
from service.providers import facts
from service.providers.base import VerifiedEvent
from service.providers.facts import Fact
from service.sessions.documents import CheckoutEnd, Session
from service.sessions.operations.settle import checkouts
from service.sessions.operations.settle import payments as settle
from service.sessions.operations.settle.decided import decided_money_came
from service.sessions.operations.settle.event import Mismatch, Settling
from service.sessions.operations.settle.own import tied
from service.sessions.operations.settle.reviews import decision_on
from service.storage.transaction import Question


class Applied(Struct, frozen=True):
    """The session after a fact, and why it went to review, if it did."""

    session: Session | None
    review: Mismatch | None = None


Handler: TypeAlias = Callable[[Settling, Session | None, Any], Awaitable[Applied]]


async def _payment_succeeded(
    doing: Settling, session: Session | None, fact: facts.PaymentSucceeded
) -> Applied:
    recorded = await _record(doing, session, fact.payment, PaymentStatus.SUCCEEDED)
    if session is None:
        return Applied(None)
    doing = tied(doing, session, recorded)
    known = _known(fact.payment, recorded)
    decided = decision_on(session, known.provider_payment_id)
    if decided is not None:
        settled = await decided_money_came(doing, session, known, decided)
    else:
        settled = await settle.payment_succeeded(doing, session, known, recorded)
    return Applied(settled.session, settled.review)


async def _payment_authorized(
    doing: Settling, session: Session | None, fact: facts.PaymentAuthorized
) -> Applied:
    recorded = await _record(doing, session, fact.payment, PaymentStatus.AUTHORIZED)
    return await _underway(doing, session, recorded, fact.payment)


async def _payment_processing(
    doing: Settling, session: Session | None, fact: facts.PaymentProcessing
) -> Applied:
    recorded = await _record(doing, session, fact.payment, PaymentStatus.PENDING)
    return await _underway(doing, session, recorded, fact.payment)


async def _underway(
    doing: Settling, session: Session | None, recorded: Recorded, payment: facts.Payment
) -> Applied:
    if session is None:
        return Applied(None)
    doing = tied(doing, session, recorded)
    settled = await settle.payment_underway(doing, session, payment, recorded)
    return Applied(settled.session, settled.review)


async def _payment_failed(
    doing: Settling, session: Session | None, fact: facts.PaymentFailed
) -> Applied:
    failure = (fact.failure_code, fact.failure_message)
    recorded = await _record(doing, session, fact.payment, PaymentStatus.FAILED, failure)
    if session is None or tied(doing, session, recorded, ask=False).stranger is not None:
        return Applied(session)
    settled = await settle.payment_failed(doing, session, fact.payment, recorded)
    return Applied(settled.session)


async def _paid_partially(
    doing: Settling, session: Session | None, fact: facts.PaidPartially
) -> Applied:
    recorded = await _record(doing, session, fact.payment, PaymentStatus.SUCCEEDED)
    if session is None:
        return Applied(None)
    doing = tied(doing, session, recorded)
    decided = decision_on(session, fact.payment.provider_payment_id)
    if decided is not None:
        known = _known(fact.payment, recorded)
        settled = await decided_money_came(doing, session, known, decided)
    else:
        settled = await settle.paid_partially(doing, session, fact.payment, recorded)
    return Applied(settled.session, settled.review)


async def _no_payment_required(
    doing: Settling, session: Session | None, fact: facts.NoPaymentRequired
) -> Applied:
    if session is None:
        return Applied(None)
    doing = tied(doing, session, None)
    settled = await settle.no_payment_required(doing, session, fact)
    return Applied(settled.session, settled.review)


async def _checkout_failed(
    doing: Settling, session: Session | None, fact: facts.CheckoutFailed
) -> Applied:
    return await _ended(doing, session, fact.checkout_ref, "failed")


async def _checkout_expired(
    doing: Settling, session: Session | None, fact: facts.CheckoutExpired
) -> Applied:
    return await _ended(doing, session, fact.checkout_ref, "expired")


async def _ended(doing: Settling, session: Session | None, ref: str, word: CheckoutEnd) -> Applied:
    if session is None:
        return Applied(None)
    settled = await checkouts.checkout_ended(doing, session, ref, word)
    return Applied(settled.session)


async def _checkout_open(
    doing: Settling, session: Session | None, fact: facts.CheckoutOpen
) -> Applied:
    """Do nothing: who asked knows whether the answer is still true; see `ask.py`."""
    return Applied(session)


async def _invoice_paid(
    doing: Settling, session: Session | None, fact: facts.InvoicePaid
) -> Applied:
    await _record(doing, session, fact.payment, PaymentStatus.SUCCEEDED)
    return Applied(session)


async def _invoice_failed(
    doing: Settling, session: Session | None, fact: facts.InvoicePaymentFailed
) -> Applied:
    await _record(doing, session, fact.payment, PaymentStatus.FAILED)
    return Applied(session)


async def _kept(doing: Settling, session: Session | None, fact: Fact) -> Applied:
    """Leave a fact in its inbox row: its ledger comes with a later version."""
    return Applied(session)


async def _unreadable(doing: Settling, session: Session | None, fact: facts.Unreadable) -> Applied:
    raise MalformedBody(fact.reason)


FACTS: Mapping[type[Fact], Handler] = {
    facts.PaymentSucceeded: _payment_succeeded,
    facts.PaymentAuthorized: _payment_authorized,
    facts.PaymentProcessing: _payment_processing,
    facts.PaymentFailed: _payment_failed,
    facts.PaidPartially: _paid_partially,
    facts.NoPaymentRequired: _no_payment_required,
    facts.CheckoutFailed: _checkout_failed,
    facts.CheckoutExpired: _checkout_expired,
    facts.CheckoutOpen: _checkout_open,
    facts.InvoicePaid: _invoice_paid,
    facts.InvoicePaymentFailed: _invoice_failed,
    facts.RefundUpdated: _kept,
    facts.DisputeUpdated: _kept,
    facts.SubscriptionUpdated: _kept,
    facts.Unreadable: _unreadable,
}

# These write the ledger only; all others mean nothing without their session.
LEDGER_ONLY: frozenset[type[Fact]] = frozenset(
    {
        facts.InvoicePaid,
        facts.InvoicePaymentFailed,
        facts.RefundUpdated,
        facts.DisputeUpdated,
        facts.SubscriptionUpdated,
    }
)


# Told beside a failed payment, they say that the payment can't be tried again.
_ENDS: frozenset[type[Fact]] = frozenset({facts.CheckoutFailed, facts.CheckoutExpired})


# Money comes before the end of its checkout, and that before failures: one move then, not two.
_MONEY: frozenset[type[Fact]] = frozenset(
    {facts.PaymentSucceeded, facts.PaymentAuthorized, facts.PaymentProcessing}
)


def in_order(told: tuple[Fact, ...]) -> list[Fact]:
    """Return an event's facts in the order in which they move the session least."""
    return sorted(
        told, key=lambda fact: 0 if type(fact) in _MONEY else 1 + (type(fact) not in _ENDS)
    )


def about(fact: Fact) -> str:
    """Return what a fact is about: its payment, else its checkout; empty where it is neither."""
    payment = getattr(fact, "payment", None)
    if payment is not None:
        return str(payment.provider_payment_id)
    return str(getattr(fact, "checkout_ref", ""))


def payments_of(event: VerifiedEvent) -> list[Question]:
    """Ask for the payments that an event tells of."""
    ids = {
        payment.provider_payment_id
        for fact in event.facts
        if (payment := getattr(fact, "payment", None)) is not None
    }
    return [payments.by_provider_id(event.provider, event.account, one) for one in ids]


def _known(payment: facts.Payment, recorded: Recorded) -> facts.Payment:
    """Give a payment with what other events told of it: an intent does not name its checkout."""
    return structs.replace(
        payment,
        checkout_ref=payment.checkout_ref or recorded.provider_session_id,
        customer_id=payment.customer_id or recorded.provider_customer_id,
    )


async def _record(
    doing: Settling,
    session: Session | None,
    payment: facts.Payment,
    status: PaymentStatus,
    failure: tuple[str | None, str | None] = (None, None),
) -> Recorded:
    event = doing.event
    told = Told(
        merchant_id=session.merchant_id if session else doing.merchant_id,
        provider=event.provider,
        account=event.account,
        live=event.live,
        provider_payment_id=payment.provider_payment_id,
        amount=payment.amount,
        currency=payment.currency,
        status=status,
        occurred_at=event.occurred_at,
        final=status is PaymentStatus.FAILED and any(type(fact) in _ENDS for fact in event.facts),
        payment_method=payment.method,
        provider_session_id=payment.checkout_ref,
        provider_customer_id=payment.customer_id,
        provider_subscription_id=payment.subscription_id,
        failure_code=failure[0],
        failure_message=failure[1],
        session_id=session.session_id if session else None,
        session_opened_at=session.created_at if session else None,
        user_id=session.user_id if session else None,
        plan=session.plan if session else None,
    )
    return await record_payment(doing.tx, told, doing.why.at)
