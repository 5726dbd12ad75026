"""Whose a payment is."""

from service.payments.payments.documents import Claim
from service.sessions.documents import Session


def is_claim_of(claim: Claim | None, session: Session) -> bool:
    """Return whether a payment is claimed by this very session: an id may have been used before."""
    if claim is None:
        return False
    return claim.is_of(session.merchant_id, session.session_id, session.created_at)
