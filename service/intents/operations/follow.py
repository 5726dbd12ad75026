"""What follows a lead: a payment session."""

import structlog

from service.core.errors import Unavailable
from service.intents import repository
from service.storage.answering import answers_in_time

log = structlog.get_logger(__name__)


async def follow_intent(merchant_id: str, intent_id: str, session_id: str) -> None:
    """Note that a session followed a lead. It never fails: a sale is worth more than its lead."""
    try:
        async with answers_in_time():
            await repository.note_followed(merchant_id, intent_id, session_id)
    except Unavailable:
        log.warning("session not noted at its lead", session=session_id)
