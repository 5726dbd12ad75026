"""Refund while somebody waits for the answer: it is written first, then the provider is asked."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from service.core.errors import TillgateError
from service.core.principal import Principal
from service.payments.refunds.documents import Refund
from service.payments.refunds.operations.answers import give_up
from service.payments.refunds.operations.approve import (
    Approval,
    approve_requested,
    deny_requested,
)
from service.payments.refunds.operations.browse import read_again, read_refund
from service.payments.refunds.operations.request import Wanted, refund_at_once, request_refund
from service.payments.refunds.operations.writing import Doing
from service.payments.refunds.sending.send import send, take_found
from service.payments.refunds.sending.services import RefundServices
from service.payments.refunds.states import RefundStatus
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction

# A person or a browser waits for the answer; the message does the rest.
ASK_WITHIN_S = 2.0

# Many changes of one payment at once would conflict so often that none of them ends in time.
_A_FEW = asyncio.Semaphore(4)

log = structlog.get_logger(__name__)

_T = TypeVar("_T")


async def request_now(
    payment_id: str, wanted: Wanted, by: Principal, services: RefundServices
) -> Refund:
    """Request a refund of a payment. Raises as `request_refund` does."""
    return await _write(
        lambda doing: request_refund(doing, payment_id, wanted, services.rules), by, services
    )


async def refund_now(
    payment_id: str, wanted: Wanted, by: Principal, services: RefundServices
) -> Refund:
    """Refund a payment at once, or request it beyond the limit. Raises as `refund_at_once` does."""
    written = await _write(
        lambda doing: refund_at_once(doing, payment_id, wanted, services.rules), by, services
    )
    return await try_now(written, services)


async def approve_now(
    refund_id: str, approval: Approval, by: Principal, services: RefundServices
) -> Refund:
    """Approve a refund that was requested. Raises as `approve_requested` does."""
    approved = await _write(
        lambda doing: approve_requested(doing, refund_id, approval, services.rules), by, services
    )
    return await try_now(approved, services)


async def deny_now(
    refund_id: str, reason: str | None, by: Principal, services: RefundServices
) -> Refund:
    """Deny a refund that was requested, or give up one that waits for a person.

    The provider is asked about the latter once more: it is given up only where that knows nothing
    of it. Raises `RefundNotFound`, `AlreadyDecided`, and `ProviderFailed`.
    """
    known = await read_refund(by.merchant_id, refund_id)
    if known.awaits_person is None:
        return await _write(
            lambda doing: deny_requested(doing, known.refund_id, reason), by, services
        )
    if not await take_found(known, services):
        await _write(lambda doing: give_up(doing, known, reason), by, services)
    return await read_again(known)


async def try_now(written: Refund, services: RefundServices) -> Refund:
    """Ask the provider for a refund that was just approved, and return it as it then stands.

    Whatever fails, the message that was written with it has it tried again.
    """
    if written.status is not RefundStatus.APPROVED:
        return written
    try:
        await send(written, services, ASK_WITHIN_S)
        return await read_again(written)
    except TillgateError as error:
        log.warning("refund is not made yet", refund_id=written.refund_id, reason=str(error))
    try:
        return await read_again(written)
    except TillgateError:
        return written


async def _write(
    work: Callable[[Doing], Awaitable[_T]], by: Principal, services: RefundServices
) -> _T:
    now = services.clock.now()

    async def within(tx: Transaction) -> _T:
        return await work(Doing(tx, by, now))

    async with _A_FEW:
        return await in_transaction(within)
