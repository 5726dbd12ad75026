"""Hold a lease for as long as a block lasts, and write under it."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TypeVar

import structlog

from service.core.clock import Clock
from service.core.errors import Unavailable
from service.leases import repository
from service.leases.errors import LeaseLost
from service.leases.loops import beside, comes
from service.leases.repository import Held
from service.storage.answering import answers_in_time
from service.storage.database import ANSWER_WITHIN_S
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction

T = TypeVar("T")

# A lease is held anew this often in its time: two of them may fail.
_RENEWALS = 4

log = structlog.get_logger(__name__)


@asynccontextmanager
async def leased(name: str, span: timedelta, clock: Clock) -> AsyncIterator[Held | None]:
    """Yield a lease, given back at the end; None where another holds it. Raises `Unavailable`."""
    async with answers_in_time():
        lease = await repository.claim(name, secrets.token_hex(8), span, clock)
    try:
        yield lease
    finally:
        if lease is not None:
            async with answers_in_time():
                await repository.release(lease)


async def renew(lease: Held) -> None:
    """Hold a lease for its whole time from now on. Raises `LeaseLost`, `Unavailable`."""
    async with answers_in_time():
        kept = await repository.renew(lease)
    if not kept:
        raise _lost(lease)


async def under(
    lease: Held | None,
    work: Callable[[Transaction], Awaitable[T]],
    seconds: float = ANSWER_WITHIN_S,
) -> T:
    """Run `work` in one transaction that is not committed unless the lease is held, and hold it on.

    Its row is written in the transaction, so that nobody takes it over in between: a holder that
    was stopped for longer than its lease writes nothing when it goes on. None: whoever does the
    same at the same time writes the same, and no lease is needed. Raises `LeaseLost`, and what
    `in_transaction` raises.
    """
    if lease is None:
        return await in_transaction(work, seconds)

    async def fenced(tx: Transaction) -> T:
        if not await repository.renew(lease, tx):
            raise _lost(lease)
        return await work(tx)

    return await in_transaction(fenced, seconds)


@asynccontextmanager
async def kept(lease: Held, lost: asyncio.Event) -> AsyncIterator[None]:
    """Hold a lease on for as long as the block lasts; `lost` is set where that fails."""
    async with beside(partial(_keep, lease, lost), "tillgate-lease"):
        yield


async def _keep(lease: Held, lost: asyncio.Event, ended: asyncio.Event) -> None:
    while not await comes(ended, lease.span.total_seconds() / _RENEWALS):
        try:
            await renew(lease)
        except LeaseLost as error:
            log.warning("lease lost", lease=lease.name, fence=lease.fence, reason=str(error))
            lost.set()
            return
        except Unavailable as error:  # whoever writes finds out by itself
            log.warning("lease not renewed", lease=lease.name, reason=str(error))


def _lost(lease: Held) -> LeaseLost:
    return LeaseLost(
        f"The lease {lease.name!r} ran out after {lease.span.total_seconds():g} s unrenewed, or "
        "another run has taken it over; this one ends here and writes nothing more."
    )
