"""/metrics: for an operator's key, or from networks that METRICS_FROM names."""

from collections.abc import Sequence

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler
from litestar.types import Scope
from prometheus_client import CONTENT_TYPE_LATEST

from service.core.measures import Figures
from service.core.principal import AccessScope
from service.web.authentication import LETS_IN, requires
from service.web.limits.addresses import Addresses, is_within, parse_address, read_networks
from service.web.metrics.exposition import Exposition
from service.web.settings import HttpSettings


def metrics_route(settings: HttpSettings, rooms: Sequence[Figures]) -> HTTPRouteHandler:
    """Build the route. Raises `Misconfigured` for networks that are none."""
    exposition = Exposition(rooms)
    addresses = Addresses(settings.web.trusted_proxies)
    inside = read_networks("METRICS_FROM", settings.web.metrics_from)

    def is_inside(scope: Scope) -> bool:
        address = parse_address(addresses.of(scope))
        return address is not None and is_within(address, inside)

    @get(
        "/metrics",
        opt={**requires(AccessScope.METRICS_READ, AccessScope.OPERATOR), LETS_IN: is_inside},
        tags=["Health"],
        operation_id="readMetrics",
        summary="Read what the service measures of itself",
    )
    async def metrics() -> Response[bytes]:
        """Text as Prometheus reads it. Addresses of METRICS_FROM need no key."""
        return Response(await exposition.text(), media_type=CONTENT_TYPE_LATEST)

    return metrics
