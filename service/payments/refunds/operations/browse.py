"""Find refunds for who may see them."""

from datetime import datetime

from msgspec.structs import replace

from service.core.paging import Cursor, Swept
from service.payments.refunds import repository
from service.payments.refunds.documents import Refund
from service.payments.refunds.errors import RefundNotFound
from service.payments.refunds.operations.find_payment import find_payment
from service.payments.refunds.repository import RefundFilter
from service.storage.answering import answers_in_time
from service.storage.plain import NO_TRANSACTION


async def read_refund(merchant_id: str, refund_id: str) -> Refund:
    """Return a merchant's refund by our id, or by its provider's. Raises `RefundNotFound`."""
    async with answers_in_time():
        found = await repository.find_by_any_id(merchant_id, refund_id)
    if not found:
        raise RefundNotFound(refund_id)
    return found[0]


async def read_again(refund: Refund) -> Refund:
    """Return a refund as it stands now."""
    async with answers_in_time():
        found = await repository.find(refund.merchant_id, refund.refund_id, NO_TRANSACTION)
    return found or refund


async def list_refunds(
    merchant_id: str,
    filters: RefundFilter,
    *,
    payment: str | None,
    cursor: Cursor | None,
    limit: int,
) -> tuple[list[Refund], Cursor | None]:
    """List a merchant's refunds, newest first; `payment` is any id of one.

    Raises `PaymentNotFound`, and as `find_payment` does.
    """
    filters = await _of_payment(merchant_id, filters, payment)
    async with answers_in_time():
        return await repository.page(merchant_id, filters, cursor=cursor, limit=limit)


async def sweep_refunds(
    merchant_id: str,
    filters: RefundFilter,
    since: datetime,
    *,
    payment: str | None,
    cursor: Cursor | None,
    limit: int,
) -> Swept[Refund]:
    """List the refunds that were changed since a moment, as `list_refunds` does."""
    filters = await _of_payment(merchant_id, filters, payment)
    async with answers_in_time():
        return await repository.page_of_changed(
            merchant_id, filters, since, cursor=cursor, limit=limit
        )


async def _of_payment(merchant_id: str, filters: RefundFilter, payment: str | None) -> RefundFilter:
    if payment is None:
        return filters
    found = await find_payment(merchant_id, payment)
    return replace(filters, payment_id=str(found.id))
