"""What an event writes into a session besides its status."""

from msgspec import structs

from service.effects.applying import Applying
from service.payments.payments.operations.record import Recorded
from service.providers.facts import Payment
from service.sessions.documents import Session
from service.sessions.operations.opening.attempt_id import with_checkout_ids
from service.sessions.states import Status
from service.storage.database import Row


def new_ids(session: Session, checkout_ref: str | None, customer_id: str | None) -> Row:
    """Return the ids that an event reports and the session does not know yet.

    Of several customers, and of several checkouts that were opened without us, the smallest id is
    kept, so that any order keeps the same one, until a payment completes the session: from then on
    that payment's ids stand, and no other one's.
    """
    if session.status is Status.COMPLETED:
        return {}
    learned: Row = {}
    if (
        checkout_ref
        and not session.checkouts
        and _is_first(checkout_ref, session.provider_session_id)
    ):
        learned["providerSessionId"] = checkout_ref
    if customer_id and _is_first(customer_id, session.provider_customer_id):
        learned["providerCustomerId"] = customer_id
    return learned


def _is_first(found: str, known: str | None) -> bool:
    return known is None or found < known


def paid_by(doing: Applying, session: Session, payment: Payment) -> Row:
    """Return the ids of the payment that completes; those of attempts before it give way.

    A checkout that we opened ourselves stays named: a provider may report another id of it.
    One that we did not open is the session's from now on.
    """
    kept = {"checkoutIds": with_checkout_ids(session, doing.refs)} if doing.refs else {}
    return kept | ids_of(session, payment.checkout_ref, payment.customer_id)


def ids_of(session: Session, checkout_ref: str | None, customer_id: str | None) -> Row:
    """Return the ids of what completes, also none."""
    ids: Row = {"providerCustomerId": customer_id}
    if not session.checkouts:
        ids["providerSessionId"] = checkout_ref
    return ids


def ids_reported_again(doing: Applying, session: Session, payment: Payment) -> Row:
    """Return the ids that the payment which completed the session reports with another event."""
    return {name: value for name, value in paid_by(doing, session, payment).items() if value}


def ids_learned(session: Session, payment: Payment) -> Row:
    """Return the ids that a payment reports and the session does not know yet."""
    if session.status is not Status.COMPLETED:
        return new_ids(session, payment.checkout_ref, payment.customer_id)
    if session.provider_payment_id != payment.provider_payment_id:
        return {}
    ids = ids_of(session, payment.checkout_ref, payment.customer_id)
    return {name: value for name, value in ids.items() if value}


def known_payment(payment: Payment, recorded: Recorded) -> Payment:
    """Return a payment with what other events reported: an intent does not name its checkout."""
    return structs.replace(
        payment,
        checkout_ref=payment.checkout_ref or recorded.provider_session_id,
        customer_id=payment.customer_id or recorded.provider_customer_id,
    )
