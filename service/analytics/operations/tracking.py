"""Track events that a merchant's own server reports; they never add to money."""

from datetime import timedelta
from typing import Final

from service.analytics.documents import TrackedEvent
from service.analytics.repository import tracked
from service.core.clock import Clock
from service.core.ids import digest, new_id
from service.storage.answering import answers_in_time
from service.storage.database import Row

KEEP_FOR: Final = timedelta(days=400)


async def track(merchant_id: str, event: Row, payer: str | None, clock: Clock) -> str:
    """Keep an event; return its id. Who it is about is kept as a hash. Raises `Unavailable`."""
    now, event_id = clock.now(), new_id("ev")
    given: Row = {
        "_id": event_id,
        "merchantId": merchant_id,
        "at": now,
        "payer": digest(f"{merchant_id}:{payer}")[:16] if payer else None,
        "purgeAt": now + KEEP_FOR,
    }
    async with answers_in_time():
        await tracked.insert(TrackedEvent.new_row(given | event))
    return event_id
