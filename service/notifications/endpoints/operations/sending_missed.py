"""Send again all that an endpoint did not take since a time: call by call."""

from collections.abc import AsyncIterator
from datetime import datetime

from msgspec import Struct

from service.core.news import WRITTEN
from service.core.paging import Cursor
from service.core.principal import Principal
from service.notifications.endpoints.operations.bodies import Bodies
from service.notifications.endpoints.operations.fan_out import (
    KEPT_FOR,
    NEWS,
    delivery_row,
)
from service.notifications.endpoints.operations.finding import find_enabled, record_act
from service.notifications.endpoints.operations.services import EndpointServices
from service.notifications.endpoints.repository import sent as repository
from service.notifications.events.states import types_heard
from service.storage.answering import answers_in_time
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction

AT_ONCE = 200
"""How many messages a call looks at; the next one goes on."""


class Resent(Struct, frozen=True):
    """How many events are sent now; `following` is where the next call goes on, None at the end."""

    count: int
    following: Cursor | None


async def resend_since(
    services: EndpointServices,
    endpoint_id: str,
    since: datetime,
    by: Principal,
    cursor: Cursor | None = None,
) -> Resent:
    """Send what an endpoint hears and has not taken since a time, oldest first; some at a call.

    The next call goes on at `cursor`, with the same `since`. What waits already goes on waiting.
    All of a call's deliveries are there at once, so that none of a lane overtakes one before it.
    Raises `EndpointNotFound`, `EndpointDisabled`.
    """
    endpoint = await find_enabled(endpoint_id, by)
    async with answers_in_time():
        now = await repository.database_now(services.clock)
        heard = types_heard(endpoint.events)
        found, following = await repository.written_since(
            by.merchant_id, heard, since, cursor=cursor, limit=AT_ONCE
        )
    rows = [
        delivery_row(one, endpoint, await Bodies(one, services.clock).of(thin=endpoint.thin), now)
        for one in found
    ]
    ids = [row["_id"] for row in rows]

    async def work(tx: Transaction) -> int:
        await repository.insert_missing(rows, tx)
        again = await repository.again(ids, now + KEPT_FOR, services.clock, tx)
        await record_act(
            tx,
            by,
            "endpoint.resent",
            endpoint,
            {"since": since.isoformat(), "count": again},
            now,
        )
        return again

    await in_transaction(work)
    async with answers_in_time():
        count = await repository.count_waiting(ids)
    WRITTEN.notify([NEWS])
    return Resent(count, following)


async def walk_since(
    services: EndpointServices, endpoint_id: str, since: datetime, by: Principal
) -> AsyncIterator[Resent]:
    """Send all of it, call by call, until nothing is left. Raises what a call raises."""
    place: Cursor | None = None
    while True:
        resent = await resend_since(services, endpoint_id, since, by, place)
        yield resent
        if (place := resent.following) is None:
            return
