"""List endpoints, and what was sent to one."""

from service.core.paging import Cursor
from service.notifications.endpoints.documents import WebhookDelivery, WebhookEndpoint
from service.notifications.endpoints.operations.finding import find_endpoint
from service.notifications.endpoints.repository import deliveries
from service.notifications.endpoints.repository import endpoints as repository
from service.notifications.endpoints.states import DeliveryStatus
from service.storage.answering import answers_in_time

_MOST_DISABLED_EACH = 20


async def list_endpoints(
    merchant_id: str, *, cursor: Cursor | None, limit: int
) -> tuple[list[WebhookEndpoint], Cursor | None]:
    """List a merchant's endpoints, newest first. Raises `Unavailable`."""
    async with answers_in_time():
        return await repository.page(merchant_id, cursor=cursor, limit=limit)


async def list_sent(
    endpoint_id: str,
    merchant_id: str,
    status: DeliveryStatus | None,
    *,
    cursor: Cursor | None,
    limit: int,
) -> tuple[list[WebhookDelivery], Cursor | None]:
    """List what was sent to an endpoint, newest first. Raises `EndpointNotFound`."""
    await find_endpoint(endpoint_id, merchant_id)
    async with answers_in_time():
        return await deliveries.page(endpoint_id, status, cursor=cursor, limit=limit)


async def disabled_endpoints() -> list[WebhookEndpoint]:
    """Return endpoints that were disabled for what they answered: of each merchant some.

    So one with many leaves room for all others. Until somebody enables or removes them; for alerts.
    Raises `Unavailable`.
    """
    async with answers_in_time():
        return list(await repository.disabled(_MOST_DISABLED_EACH))
