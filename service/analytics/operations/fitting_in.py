"""Write what was added up, unless a sum is more than 64 bits hold."""

from collections.abc import Awaitable, Callable

import structlog

from service.analytics.operations.sweeping import WITHIN_S
from service.leases.operations import under
from service.leases.repository import Held
from service.storage.transaction import Transaction

log = structlog.get_logger(__name__)


async def if_it_fits(
    merchant_id: str, lease: Held | None, work: Callable[[Transaction], Awaitable[int]]
) -> int:
    """Run `work` under a lease; return what it does, 0 where a sum does not fit.

    So one merchant's hold up nobody else's: they stay to be made, and answers add them up. Raises
    `Unavailable`, `LeaseLost`.
    """
    try:
        return await under(lease, work, WITHIN_S)
    except OverflowError as error:
        log.warning("figures can not be kept", merchant=merchant_id, reason=str(error))
        return 0
