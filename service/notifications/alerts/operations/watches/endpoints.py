"""Merchants' endpoints that are not sent to any more."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from msgspec import Struct

from service.core.words import moment
from service.notifications.alerts.operations.condition import Sighting


class Disabled(Struct, frozen=True):
    """An endpoint that was disabled because it failed: whose, since when, and why in words."""

    merchant_id: str
    endpoint_id: str
    at: datetime
    reason: str


async def endpoints_disabled(
    _: datetime, *, disabled: Callable[[], Awaitable[Sequence[Disabled]]]
) -> Sequence[Sighting]:
    """See the endpoints that were disabled because they failed."""
    return [
        Sighting(
            f"The endpoint {one.endpoint_id} was disabled at {moment(one.at)}: "
            f"{one.reason.rstrip('.')}. Its events are not sent. Mend it and enable it, then have "
            "them sent again, on the page Endpoints.",
            one.endpoint_id,
            one.merchant_id,
        )
        for one in await disabled()
    ]
