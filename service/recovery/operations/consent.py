"""What a customer has agreed to, and where they are, as far as anybody has said so."""

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from service.intents import repository as intents
from service.intents.documents import PaymentIntent
from service.sessions.documents import Session

CONSENT, ZONE = "mailConsent", "timeZone"
"""Keys of a session's metadata: whether its customer agreed to be written to, and their zone."""


class Agreed(Struct, frozen=True):
    """Whether a session's customer agreed to be written to about it, and their zone if known."""

    consents: bool
    zone: str | None


async def agreed(session: Session) -> Agreed:
    """Return what a session's customer agreed to.

    What the session's metadata says stands before what the lead said that it follows; a lead speaks
    for its own address alone.
    """
    lead = None
    if session.intent_id is not None:
        lead = await intents.find(session.merchant_id, session.intent_id)
    said = session.metadata.get(CONSENT)
    consents = said if isinstance(said, bool) else _lead_agrees(lead, session)
    zones = (session.metadata.get(ZONE), lead.time_zone if lead is not None else None)
    return Agreed(consents, next((zone for zone in map(_known, zones) if zone), None))


def _lead_agrees(lead: PaymentIntent | None, session: Session) -> bool:
    if lead is None or lead.mail_consent is not True or session.email is None:
        return False
    return (lead.user_email or "").lower() == session.email.lower()


def _known(zone: object) -> str | None:
    """Return a zone that this system knows, None for anything else."""
    if not isinstance(zone, str):
        return None
    try:
        return ZoneInfo(zone).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
