"""Write messages."""

from datetime import datetime, timedelta

from service.core.strict_json import JsonObject
from service.outbox.documents import OutboxMessage
from service.storage.database import Row

KEEP_FOR = timedelta(days=90)


def message(
    topic: str, key: str, *, merchant_id: str, session_id: str, payload: JsonObject, now: datetime
) -> Row:
    """Make the row of a message; `key` is what makes it the same thing when it is sent again.

    Each event leaves one: an `OutboxMessage` would be made only to be taken apart again.
    """
    return OutboxMessage.new_row(
        {
            "_id": f"{topic}:{key}",
            "merchantId": merchant_id,
            "topic": topic,
            "sessionId": session_id,
            "payload": payload,
            "createdAt": now,
            "purgeAt": now + KEEP_FOR,
        }
    )
