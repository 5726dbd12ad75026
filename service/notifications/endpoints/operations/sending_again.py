"""Send a test event, or send one again."""

from service.core.ids import new_id
from service.core.news import WRITTEN
from service.core.principal import Principal
from service.notifications.endpoints.documents import WebhookDelivery, WebhookEndpoint
from service.notifications.endpoints.errors import EventNotFound
from service.notifications.endpoints.operations.bodies import Bodies
from service.notifications.endpoints.operations.fan_out import (
    KEPT_FOR,
    NEWS,
    delivery_row,
)
from service.notifications.endpoints.operations.finding import find_enabled, record_act
from service.notifications.endpoints.operations.services import EndpointServices
from service.notifications.endpoints.repository import deliveries
from service.notifications.endpoints.repository import sent as repository
from service.notifications.endpoints.states import TEST
from service.outbox.documents import OutboxMessage
from service.outbox.operations.messages import message
from service.storage.answering import answers_in_time
from service.storage.database import Row
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction


async def send_test(services: EndpointServices, endpoint_id: str, by: Principal) -> WebhookDelivery:
    """Send an event that says nothing, to see whether it arrives.

    Raises `EndpointNotFound`, `EndpointDisabled`.
    """
    endpoint = await find_enabled(endpoint_id, by)
    async with answers_in_time():
        now = await repository.database_now(services.clock)
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
    endpoint = await find_enabled(endpoint_id, by)
    delivery_id = f"{wanted}:{endpoint_id}"
    async with answers_in_time():
        sent = await repository.find_event(wanted, endpoint_id, by.merchant_id)
        now = await repository.database_now(services.clock)
    if sent is None:
        raise EventNotFound(wanted)
    body = await _body(sent, endpoint, services)

    async def work(tx: Transaction) -> None:
        purge_at, clock = now + KEPT_FOR, services.clock
        if not await deliveries.make_due(delivery_id, endpoint_id, purge_at, clock, tx):
            of_ours = {"_id": delivery_id, "endpointId": endpoint_id, "createdAt": now}
            fresh = {"nextAttemptAt": now, "purgeAt": purge_at, "lane": None}
            copied = {name: sent[name] for name in repository.COPIED} | {"body": body}
            await repository.insert(WebhookDelivery.new_row(copied | of_ours | fresh), tx)
        await record_act(tx, by, "endpoint.resent", endpoint, {"eventId": wanted}, now)

    await in_transaction(work)
    return await _found(delivery_id)


async def _body(sent: Row, endpoint: WebhookEndpoint, services: EndpointServices) -> str:
    """Return what an endpoint is sent of an event that another was: as this one wants it.

    A test's is the same for all. Raises `EventNotFound` where nobody knows any more what it said.
    """
    if sent["type"] == TEST or sent["endpointId"] == endpoint.id:
        return str(sent["body"])
    async with answers_in_time():
        told = await repository.message_of(sent)
    if told is None:
        raise EventNotFound(sent["eventId"])
    return await Bodies(told, services.clock).of(thin=endpoint.thin)


async def _found(delivery_id: str) -> WebhookDelivery:
    WRITTEN.notify([NEWS])
    async with answers_in_time():
        found = await deliveries.find(delivery_id)
    if found is None:
        raise EventNotFound(delivery_id)
    return found
