"""What an event reports of a payment, in terms of the ledger, and which rows it will look for."""

from typing import assert_never

from service.effects.applying import Applying
from service.payments.payments import repository as payments
from service.payments.payments.operations.reported import ReportedPayment
from service.payments.payments.states import PaymentStatus
from service.providers.base import VerifiedEvent
from service.providers.facts import (
    CheckoutExpired,
    CheckoutFact,
    CheckoutFailed,
    Fact,
    InvoiceFact,
    InvoicePaid,
    InvoicePaymentFailed,
    PaidPartially,
    PaymentAuthorized,
    PaymentFact,
    PaymentFailed,
    PaymentProcessing,
    PaymentSucceeded,
)
from service.sessions.documents import Session
from service.sessions.operations.reviewing.claims import claimed_for
from service.storage.transaction import Question

_OF_A_PAYMENT = PaymentFact | InvoiceFact

# Reported beside a failed payment, they say that the payment can't be tried again.
_ENDS = CheckoutFailed | CheckoutExpired

# Money comes before the end of its checkout, and that before failures: one move then, not two.
_MONEY = PaymentSucceeded | PaymentAuthorized | PaymentProcessing


def in_order(reported: tuple[Fact, ...]) -> list[Fact]:
    """Return an event's facts in the order in which they move the session least."""
    return sorted(reported, key=_place)


def _place(fact: Fact) -> int:
    if isinstance(fact, _MONEY):
        return 0
    return 1 if isinstance(fact, _ENDS) else 2


def about(fact: Fact) -> str:
    """Return what a fact is about: its payment, else its checkout; empty where it is neither."""
    if isinstance(fact, _OF_A_PAYMENT):
        return fact.payment.provider_payment_id
    return fact.checkout_ref if isinstance(fact, CheckoutFact) else ""


def status_of(fact: PaymentFact | InvoiceFact) -> PaymentStatus:
    """Return how a payment stands by what is reported of it."""
    match fact:
        case PaymentSucceeded() | PaidPartially() | InvoicePaid():
            return PaymentStatus.SUCCEEDED
        case PaymentAuthorized():
            return PaymentStatus.AUTHORIZED
        case PaymentProcessing():
            return PaymentStatus.PENDING
        case PaymentFailed() | InvoicePaymentFailed():
            return PaymentStatus.FAILED
        case _:
            assert_never(fact)


def payments_of(event: VerifiedEvent) -> list[Question]:
    """Ask for the payments that an event reports."""
    ids = {about(fact) for fact in event.facts if isinstance(fact, _OF_A_PAYMENT)}
    return [payments.by_provider_id(event.provider, event.account, one) for one in ids]


def reported_in(
    doing: Applying,
    session: Session | None,
    fact: PaymentFact | InvoiceFact,
) -> ReportedPayment:
    """Return what an event reports of a payment, and of its session if one is meant."""
    reported = reported_of(doing.event, doing.merchant_id, fact)
    return reported if session is None else claimed_for(session, reported)


def reported_of(
    event: VerifiedEvent, merchant_id: str, fact: PaymentFact | InvoiceFact
) -> ReportedPayment:
    """Return what an event reports of a payment, whosesoever it is."""
    status, payment = status_of(fact), fact.payment
    ref = payment.checkout_ref
    failed = fact if isinstance(fact, PaymentFailed) else None
    return ReportedPayment(
        merchant_id=merchant_id,
        provider=event.provider,
        account=event.account,
        live=event.live,
        provider_payment_id=payment.provider_payment_id,
        amount=payment.amount,
        currency=payment.currency,
        status=status,
        occurred_at=event.occurred_at,
        final=status is PaymentStatus.FAILED and any(isinstance(f, _ENDS) for f in event.facts),
        payment_method=payment.method,
        provider_session_id=ref,
        provider_customer_id=payment.customer_id,
        provider_subscription_id=payment.subscription_id,
        failure_code=failed.failure_code if failed else None,
        failure_message=failed.failure_message if failed else None,
        decline_code=failed.decline_code if failed else None,
        failure_details=failed.failure_details if failed else None,
        aliases=payment.aliases if ref is None else (*payment.aliases, ref),
        details=payment.details,
        event_id=event.inbox_id,
    )
