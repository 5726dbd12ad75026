"""Which session a payment belongs to."""

from msgspec import structs

from service.core.json_text import to_json
from service.core.strict_json import JsonObject
from service.payments.payments.documents import Claim
from service.payments.payments.operations.reported import ReportedPayment
from service.sessions.documents import Session

# A ledger is kept for good, and read in pages: of a session's 16 kB it takes as much as this.
LARGEST_METADATA = 4_000


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
        owner=session.owner,
        user_id=session.user_id,
        plan_id=session.plan,
        plan_name=session.title or session.plan,
        metadata=_bounded(session.metadata),
    )


def _bounded(metadata: JsonObject) -> JsonObject:
    """Return what a caller keeps with a session, as far as a ledger does: its first keys."""
    if not metadata or len(to_json(metadata)) <= LARGEST_METADATA:
        return metadata
    kept: JsonObject = {}
    left = LARGEST_METADATA
    for name, value in metadata.items():
        left -= len(to_json({name: value}))
        if left < 0:
            break
        kept[name] = value
    return kept
