"""Find an endpoint, and record what was done to it."""

from datetime import datetime

from service.audit.operations import Act, record
from service.core.principal import Principal
from service.core.strict_json import JsonObject
from service.merchants.operations.changing import require_merchant
from service.notifications.endpoints.documents import WebhookEndpoint
from service.notifications.endpoints.errors import (
    EndpointDisabled,
    EndpointNotFound,
    TooManyEndpoints,
)
from service.notifications.endpoints.repository import endpoints as repository
from service.storage.answering import answers_in_time
from service.storage.transaction import Transaction


async def find_endpoint(endpoint_id: str, merchant_id: str) -> WebhookEndpoint:
    """Find an endpoint of a merchant, in the database. Raises `EndpointNotFound`."""
    async with answers_in_time():
        found = await repository.find(endpoint_id, merchant_id)
    if found is None:
        raise EndpointNotFound(endpoint_id)
    return found


async def find_enabled(endpoint_id: str, by: Principal) -> WebhookEndpoint:
    """Find one that is sent to. Raises `EndpointNotFound`, `EndpointDisabled`."""
    found = await find_endpoint(endpoint_id, by.merchant_id)
    if found.disabled is not None:
        raise EndpointDisabled(endpoint_id)
    return found


async def require_endpoint(endpoint_id: str, by: Principal, tx: Transaction) -> WebhookEndpoint:
    """Find the endpoint that somebody changes. Raises `EndpointNotFound`."""
    found = await repository.find(endpoint_id, by.merchant_id, tx)
    if found is None:
        raise EndpointNotFound(endpoint_id)
    return found


async def require_room(merchant_id: str, most: int, tx: Transaction) -> None:
    """Refuse one more endpoint. Raises `MerchantNotFound`, `TooManyEndpoints`."""
    await require_merchant(merchant_id, tx)
    if await repository.count(merchant_id, tx) >= most:
        raise TooManyEndpoints(most)


async def record_act(
    tx: Transaction,
    by: Principal,
    action: str,
    endpoint: WebhookEndpoint,
    detail: JsonObject,
    now: datetime,
) -> None:
    """Record what somebody did to an endpoint."""
    await record(tx, by, Act(action, f"endpoint:{endpoint.id}", detail=detail), now)
