"""Which session a payment belongs to."""

from msgspec import structs

from service.payments.payments.documents import Claim
from service.payments.payments.operations import ReportedPayment
from service.sessions.documents import Session


def is_claim_of(claim: Claim | None, session: Session) -> bool:
    """Return whether this session claimed a payment: its id may have been used before."""
    if claim is None:
        return False
    return claim.is_of(session.merchant_id, session.session_id, session.created_at)


def claimed_for(session: Session, reported: ReportedPayment) -> ReportedPayment:
    """Return what is reported of a payment as that of a session's payment."""
    return structs.replace(
        reported,
        merchant_id=session.merchant_id,
        session_id=session.session_id,
        session_opened_at=session.created_at,
        user_id=session.user_id,
        plan_id=session.plan,
        plan_name=session.plan,
    )
