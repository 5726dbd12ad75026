"""Show what a provider sent, as far as it is kept."""

from msgspec import Struct

from service.audit.operations import Act, record
from service.core.principal import Principal
from service.inbox.documents import WebhookEvent
from service.inbox.operations.browse import find_event
from service.inbox.operations.inbox import Inbox
from service.inbox.operations.stripping import strip_payload
from service.storage.answering import answers_in_time
from service.storage.plain import NO_TRANSACTION


class Payload(Struct, frozen=True):
    """What is kept of a provider's body; `whole` is whether that is all of it, byte for byte."""

    event: WebhookEvent
    content: bytes
    whole: bool


async def read_payload(inbox_id: str, by: Principal, inbox: Inbox) -> Payload:
    """Return the body of one of a merchant's events, on the record. Raises `EventNotFound`.

    Without the fields that are stripped, also of one that waits and has them still: a key that may
    look at payloads may not see what the operator has chosen to keep nowhere.
    """
    row = await find_event(by.merchant_id, inbox_id)
    left = strip_payload(row.payload, inbox.strip) if inbox.strip else None
    async with answers_in_time():
        act = Act("event.payload_read", f"event:{inbox_id}")
        await record(NO_TRANSACTION, by, act, inbox.clock.now())
    return Payload(row, row.payload if left is None else left, left is None and row.cut is None)
