"""Look at the inbox."""

from msgspec import Struct

from service.core.paging import Cursor
from service.inbox import repository
from service.inbox.documents import WebhookEvent, WebhookRejection
from service.inbox.errors import EventNotFound
from service.inbox.states import InboxStatus
from service.storage.answering import answers_in_time
from service.storage.database import Row


class EventFilter(Struct, frozen=True):
    """Which events are wanted; None: any."""

    status: InboxStatus | None = None
    type: str | None = None
    provider: str | None = None
    session_id: str | None = None
    undecided: bool = False

    def query(self) -> Row:
        """Return the filter as a query; values are compared, never interpreted."""
        wanted = {
            "status": self.status.value if self.status else None,
            "type": self.type,
            "provider": self.provider,
            "sessionId": self.session_id,
        }
        query: Row = {name: {"$eq": value} for name, value in wanted.items() if value is not None}
        return query | ({"decision": None} if self.undecided else {})


async def list_events(
    merchant_id: str, filters: EventFilter, *, cursor: Cursor | None, limit: int
) -> tuple[list[WebhookEvent], Cursor | None]:
    """List a merchant's events, newest first."""
    async with answers_in_time():
        return await repository.page(merchant_id, filters.query(), cursor=cursor, limit=limit)


async def list_rejections(
    provider: str | None, limit: int
) -> tuple[list[WebhookRejection], dict[str, int]]:
    """List the latest rejections, and count those that are kept by provider and reason."""
    async with answers_in_time():
        rows = await repository.latest_rejections(provider, limit)
        return rows, await repository.count_rejections()


async def find_event(merchant_id: str, inbox_id: str) -> WebhookEvent:
    """Find one of a merchant's events with its payload. Raises `EventNotFound`."""
    async with answers_in_time():
        row = await repository.find(inbox_id, merchant_id)
    if row is None:
        raise EventNotFound(inbox_id)
    return row
