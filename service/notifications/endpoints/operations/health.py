"""What tries say of an endpoint: since when it fails, and when it is disabled for that."""

from datetime import datetime

import structlog
from msgspec import Struct

from service.audit.operations import Act, record
from service.core.strict_json import JsonObject
from service.notifications.endpoints.documents import Disabled, WebhookEndpoint
from service.notifications.endpoints.operations.canceling import cancel_waiting
from service.notifications.endpoints.operations.services import EndpointServices
from service.notifications.endpoints.repository import endpoints as repository
from service.notifications.endpoints.states import DISABLED_AFTER, DisabledBecause
from service.storage.answering import answers_in_time
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction

log = structlog.get_logger(__name__)


class Health(Struct, frozen=True):
    """How the latest tries went: whether anything was taken, or it said that it is gone."""

    at: datetime
    took: bool = False
    gone: bool = False


class _Clockwork(Struct, frozen=True):
    """Who disables an endpoint where no person does."""

    merchant_id: str
    label: str = "clock"
    client: str | None = None


async def note_health(services: EndpointServices, endpoint: WebhookEndpoint, now: Health) -> None:
    """Keep since when an endpoint fails, or that it does no more; disable it after days.

    Writes only where something changes. Raises `Unavailable`.
    """
    since = endpoint.failing_since
    if now.gone:
        await disable(services, endpoint, "gone", now.at)
    elif now.took and since is not None:
        await _keep(services, endpoint, None)
    elif not now.took and since is None:
        await _keep(services, endpoint, now.at)
    elif not now.took and since is not None and now.at - since >= DISABLED_AFTER:
        await disable(services, endpoint, "failing", now.at)


async def _keep(
    services: EndpointServices, endpoint: WebhookEndpoint, since: datetime | None
) -> None:
    async with answers_in_time():
        await repository.change(
            endpoint.id,
            endpoint.merchant_id,
            {"failingSince": since},
            services.clock,
            failingSince=endpoint.failing_since,
        )
    services.endpoints.forget()


async def disable(
    services: EndpointServices, endpoint: WebhookEndpoint, reason: DisabledBecause, at: datetime
) -> None:
    """Disable an endpoint and cancel what waits for it, on the record. Raises `Unavailable`."""

    async def work(tx: Transaction) -> bool:
        disabled = Disabled(at=at, reason=reason).model_dump(by_alias=True)
        changed = await repository.change(
            endpoint.id,
            endpoint.merchant_id,
            {"disabled": disabled, "updatedAt": at},
            services.clock,
            tx,
            disabled=None,
        )
        if changed:
            detail: JsonObject = {"reason": reason}
            act = Act("endpoint.disabled", f"endpoint:{endpoint.id}", detail=detail)
            await record(tx, _Clockwork(endpoint.merchant_id), act, at)
        return changed

    if await in_transaction(work):
        log.warning("webhook endpoint disabled", endpoint=endpoint.id, reason=reason)
    services.endpoints.forget()
    await cancel_waiting(endpoint.id, at)
