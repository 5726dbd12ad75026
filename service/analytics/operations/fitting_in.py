"""Write what was added up, unless a sum is more than 64 bits hold."""

from collections.abc import Awaitable, Callable
from typing import TypeAlias

import structlog

from service.analytics.operations.sweeping import WITHIN_S
from service.leases.operations import under
from service.leases.repository import Held
from service.storage.transaction import Transaction

Work: TypeAlias = Callable[[Transaction], Awaitable[int]]

log = structlog.get_logger(__name__)


async def if_it_fits(
    merchant_id: str, lease: Held | None, work: Work, otherwise: Work | None = None
) -> int:
    """Run `work` under a lease; where a sum does not fit, what is to be done otherwise.

    Return what was done, 0 where nothing was: one merchant's sums hold up nobody else's. What is
    not kept is added up by answers. Raises `Unavailable`, `LeaseLost`.
    """
    try:
        return await under(lease, work, WITHIN_S)
    except OverflowError as error:
        log.warning("figures can not be kept", merchant=merchant_id, reason=str(error))
        return 0 if otherwise is None else await under(lease, otherwise, WITHIN_S)
