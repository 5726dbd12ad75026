"""What tries say of their endpoints, together."""

from collections.abc import Sequence

from service.notifications.endpoints.operations.canceling import cancel_waiting
from service.notifications.endpoints.operations.health import Health, note_health
from service.notifications.endpoints.operations.services import EndpointServices
from service.notifications.endpoints.sending.trying import Tried


async def note_all(services: EndpointServices, tried: Sequence[Tried]) -> None:
    """Note how the endpoints of some tries fare, and cancel what else waits where none is sent to.

    Raises `Unavailable`.
    """
    for endpoint_id, health in _healths(tried).items():
        endpoint = services.endpoints.find(endpoint_id)
        if endpoint is not None and endpoint.disabled is None:
            await note_health(services, endpoint, health)
    for endpoint_id in {one.claimed.endpoint_id for one in tried if one.canceled}:
        await cancel_waiting(endpoint_id, services.clock.now())


def _healths(tried: Sequence[Tried]) -> dict[str, Health]:
    """Return what some tries say of each of their endpoints, together."""
    found: dict[str, Health] = {}
    for one in tried:
        if one.canceled:
            continue
        before = found.get(one.claimed.endpoint_id)
        took = one.error is None or (before is not None and before.took)
        gone = one.is_gone or (before is not None and before.gone)
        found[one.claimed.endpoint_id] = Health(one.at, took, gone)
    return found
