"""Send a test event, send one again, or all that an endpoint did not take since a time."""

from datetime import datetime

from msgspec import Struct

from service.core.ids import new_id
from service.core.news import WRITTEN
from service.core.principal import Principal
from service.notifications.endpoints.documents import WebhookDelivery, WebhookEndpoint
from service.notifications.endpoints.errors import EndpointDisabled, EventNotFound
from service.notifications.endpoints.operations.bodies import Bodies
from service.notifications.endpoints.operations.fan_out import (
    KEPT_FOR,
    NEWS,
    delivery_row,
)
from service.notifications.endpoints.operations.finding import find_endpoint, record_act
from service.notifications.endpoints.operations.services import EndpointServices
from service.notifications.endpoints.repository import deliveries
from service.notifications.endpoints.repository import sent as repository
from service.notifications.endpoints.states import TEST
from service.notifications.events.states import types_heard
from service.outbox.documents import OutboxMessage
from service.outbox.operations.messages import message
from service.storage.answering import answers_in_time
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction

AT_ONCE = 200
"""How many messages a call looks at; the next one goes on."""


class Resent(Struct, frozen=True):
    """How many events are sent now; `since` is where the next call goes on, None at the end."""

    count: int
    since: datetime | None


async def send_test(services: EndpointServices, endpoint_id: str, by: Principal) -> WebhookDelivery:
    """Send an event that says nothing, to see whether it arrives.

    Raises `EndpointNotFound`, `EndpointDisabled`.
    """
    endpoint, now = await _enabled(endpoint_id, by), services.clock.now()
    made = message(
        TEST,
        new_id("test"),
        merchant_id=by.merchant_id,
        session_id="",
        payload={"endpointId": endpoint_id},
        now=now,
    )
    told = OutboxMessage.model_validate(made)
    row = delivery_row(told, endpoint, await Bodies(told, services.clock).of(thin=True), now)

    async def work(tx: Transaction) -> None:
        await repository.insert(row, tx)
        await record_act(tx, by, "endpoint.tested", endpoint, {"eventId": row["eventId"]}, now)

    await in_transaction(work)
    return await _found(row["_id"])


async def resend_event(
    services: EndpointServices, endpoint_id: str, wanted: str, by: Principal
) -> WebhookDelivery:
    """Send one event again, whatever became of it; also one that only other endpoints were sent.

    Raises `EndpointNotFound`, `EndpointDisabled`, `EventNotFound`.
    """
    endpoint, now = await _enabled(endpoint_id, by), services.clock.now()
    delivery_id = f"{wanted}:{endpoint_id}"
    async with answers_in_time():
        sent = await repository.find_event(wanted, by.merchant_id)
    if sent is None:
        raise EventNotFound(wanted)

    async def work(tx: Transaction) -> None:
        purge_at, clock = now + KEPT_FOR, services.clock
        if not await deliveries.make_due(delivery_id, endpoint_id, purge_at, clock, tx):
            of_ours = {"_id": delivery_id, "endpointId": endpoint_id, "createdAt": now}
            fresh = {"nextAttemptAt": now, "purgeAt": purge_at, "lane": None}
            copied = {name: sent[name] for name in repository.COPIED}
            await repository.insert(WebhookDelivery.new_row(copied | of_ours | fresh), tx)
        await record_act(tx, by, "endpoint.resent", endpoint, {"eventId": wanted}, now)

    await in_transaction(work)
    return await _found(delivery_id)


async def resend_since(
    services: EndpointServices, endpoint_id: str, since: datetime, by: Principal
) -> Resent:
    """Send what an endpoint hears and has not taken since a time, oldest first; some at a call.

    What waits already goes on waiting. Raises `EndpointNotFound`, `EndpointDisabled`.
    """
    endpoint, now = await _enabled(endpoint_id, by), services.clock.now()
    async with answers_in_time():
        heard = types_heard(endpoint.events)
        found, following = await repository.written_since(
            by.merchant_id, heard, since, endpoint.created_at, AT_ONCE
        )
    ids: list[str] = []
    for one in found:
        body = await Bodies(one, services.clock).of(thin=endpoint.thin)
        row = delivery_row(one, endpoint, body, now)
        ids.append(row["_id"])
        await deliveries.insert_missing(row)

    async def work(tx: Transaction) -> int:
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


async def _enabled(endpoint_id: str, by: Principal) -> WebhookEndpoint:
    found = await find_endpoint(endpoint_id, by.merchant_id)
    if found.disabled is not None:
        raise EndpointDisabled(endpoint_id)
    return found


async def _found(delivery_id: str) -> WebhookDelivery:
    WRITTEN.notify([NEWS])
    async with answers_in_time():
        found = await deliveries.find(delivery_id)
    if found is None:
        raise EventNotFound(delivery_id)
    return found
