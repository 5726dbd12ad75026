"""Cancel what waits for an endpoint that nothing is sent to any more.

After the change that says so, and in steps: a busy shop's endpoint that fails for days has
hundreds of thousands of deliveries, which no transaction could cancel in its time. Whatever is left
the sender cancels once it is due.
"""

from contextlib import suppress
from datetime import datetime

from service.core.clock import EARLIEST
from service.core.errors import Unavailable
from service.notifications.endpoints.repository import deliveries
from service.notifications.endpoints.repository import endpoints as repository
from service.storage.answering import answers_in_time

AT_ONCE = 1_000
STEPS = 5
"""Of one call: whoever has disabled an endpoint has other things to do, too."""


async def cancel_waiting(endpoint_id: str, now: datetime) -> None:
    """Cancel what is due soonest, unless the endpoint is sent to.

    A database that does not answer keeps nobody from what they did: nothing is sent all the same.
    """
    with suppress(Unavailable):
        await _cancel_some(endpoint_id, now)


async def cancel_all(endpoint_id: str, now: datetime) -> None:
    """Cancel all that waits, unless the endpoint is sent to. Raises `Unavailable`."""
    while await _cancel_some(endpoint_id, now):
        pass


async def _cancel_some(endpoint_id: str, now: datetime) -> bool:
    """Cancel what is due soonest; return whether there may be more."""
    since = EARLIEST
    for _ in range(STEPS):
        async with answers_in_time():
            found = await deliveries.waiting_for(endpoint_id, since, AT_ONCE)
        # Looked at in between: whoever enables it afterwards has no use for what was found.
        if found is None or await _is_sent_to(endpoint_id):
            return False
        async with answers_in_time():
            await deliveries.cancel(found.ids, now)
        since = found.until
    return True


async def _is_sent_to(endpoint_id: str) -> bool:
    async with answers_in_time():
        return await repository.is_sent_to(endpoint_id)
