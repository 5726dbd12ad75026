"""What an event reports of a payment, in terms of the ledger, and which rows it will look for."""

from typing import assert_never

from service.core.strict_json import JsonObject
from service.effects.applying import Applying
from service.outbox import repository as messages
from service.outbox.operations import messages as outbox
from service.payments.attempts import repository as attempts
from service.payments.attempts.operations.record import attempt_id_of
from service.payments.disputes import repository as disputes
from service.payments.payments import repository as payments
from service.payments.payments.documents import Payment
from service.payments.payments.operations.reported import Origin, ReportedPayment
from service.payments.payments.states import PaymentStatus
from service.payments.refunds import repository as refunds
from service.providers.base import VerifiedEvent
from service.providers.facts import (
    CheckoutExpired,
    CheckoutFact,
    CheckoutFailed,
    DisputeUpdated,
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
    RefundUpdated,
)
from service.providers.reading import distinct
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


def rows_of(event: VerifiedEvent) -> list[Question]:
    """Ask for the rows of the ledger that an event changes, as far as it names them."""
    key = (event.provider, event.account)
    asked: list[Question] = []
    for payment_id in {about(fact) for fact in event.facts if isinstance(fact, _OF_A_PAYMENT)}:
        asked.append(payments.by_provider_id(*key, payment_id))
    for fact in event.facts:
        if isinstance(fact, PaymentFact | InvoiceFact):
            if (attempt_id := attempt_of(fact)) is not None:
                asked.append(attempts.by_id(*key, attempt_id))
        elif isinstance(fact, RefundUpdated):
            asked.append(payments.by_any_ids(*key, payment_ids(fact)))
            asked.append(refunds.by_reported(*key, fact.provider_refund_id, fact.refund_id))
        elif isinstance(fact, DisputeUpdated):
            asked.append(payments.by_any_ids(*key, payment_ids(fact)))
            asked.append(disputes.by_provider_id(*key, fact.provider_dispute_id))
    return asked


def attempt_of(fact: PaymentFact | InvoiceFact) -> str | None:
    """Return the id of the try that failed; None where none did.

    Of one that did not, the payment's own row says all.
    """
    payment = fact.payment
    if isinstance(fact, PaymentFailed):
        return attempt_id_of(payment.provider_payment_id, payment.details)
    if isinstance(fact, InvoicePaymentFailed):
        key, number = payment.provider_payment_id, fact.attempt_count
        return attempt_id_of(key, payment.details, number)
    return None


def payment_ids(fact: RefundUpdated | DisputeUpdated) -> tuple[str, ...]:
    """Return the ids by which a refund or a dispute names its payment, the surest first.

    Not its order, where it names the payment itself: another try of that order may be known, and
    the payment not yet.
    """
    return distinct(fact.provider_payment_id, fact.charge_id) or fact.payment_ids


def brings(event: VerifiedEvent) -> set[str]:
    """Return the ids of the payments that an event reports, as a refund or a dispute names them."""
    ids: set[str | None] = set()
    for fact in event.facts:
        if isinstance(fact, _OF_A_PAYMENT):
            payment, details = fact.payment, fact.payment.details
            ids |= {payment.provider_payment_id, *payment.aliases}
            if details is not None:
                ids.add(details.charge_id)
    return {one for one in ids if one is not None}


def origin_of(event: VerifiedEvent) -> Origin:
    """Return which event it is, for the rows that it leaves."""
    return Origin(event.provider, event.account, event.live, event.inbox_id, event.occurred_at)


async def find_payment(
    doing: Applying, fact: RefundUpdated | DisputeUpdated
) -> tuple[Payment | None, tuple[str, ...]]:
    """Find the payment of a refund or a dispute by any id; return also by which it was sought."""
    ids, event = payment_ids(fact), doing.event
    return await payments.find_reported(event.provider, event.account, ids, doing.tx), ids


async def tell(
    doing: Applying, topic: str, key: str, session_id: str | None, payload: JsonObject
) -> None:
    """Write the message that something of the ledger stands anew; once for each event."""
    row = outbox.message(
        topic,
        f"{doing.merchant_id}:{key}:{doing.event.inbox_id}",
        merchant_id=doing.merchant_id,
        session_id=session_id or "",
        payload=payload,
        now=doing.cause.at,
    )
    await messages.add_once([row], doing.tx)


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
