"""List and read disputes, and payments by what was changed."""

from datetime import datetime

from service.core.paging import Cursor, Swept
from service.payments.disputes.documents import Dispute
from service.payments.history import repository
from service.payments.history.errors import DisputeNotFound
from service.payments.history.operations.gather import Told, told_of
from service.payments.history.repository import DisputeFilter, PaymentFilter
from service.storage.answering import answers_in_time


async def sweep_payments(
    wanted: PaymentFilter, since: datetime, *, cursor: Cursor | None, limit: int
) -> Swept[Told]:
    """List the payments that were changed since a moment. Raises `Unavailable`."""
    async with answers_in_time():
        swept = await repository.page_of_changed_payments(wanted, since, cursor=cursor, limit=limit)
        return Swept(await told_of(swept.found), swept.following, swept.until)


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
