"""List and read disputes."""

from service.core.paging import Cursor
from service.payments.disputes.documents import Dispute
from service.payments.history import repository
from service.payments.history.errors import DisputeNotFound
from service.payments.history.repository import DisputeFilter
from service.storage.answering import answers_in_time


async def list_disputes(
    wanted: DisputeFilter, *, cursor: Cursor | None, limit: int
) -> tuple[list[Dispute], Cursor | None]:
    """List disputes, newest first, and where the next page begins. Raises `Unavailable`."""
    async with answers_in_time():
        return await repository.page_of_disputes(wanted, cursor=cursor, limit=limit)


async def read_dispute(merchant_id: str, any_id: str) -> Dispute:
    """Find a dispute by our id or its provider's. Raises `DisputeNotFound`, `Unavailable`."""
    async with answers_in_time():
        found = await repository.find_dispute(merchant_id, any_id)
    if found is None:
        raise DisputeNotFound(any_id)
    return found
