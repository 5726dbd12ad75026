"""Merchants' endpoints that are not sent to any more."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit

from service.core.words import moment
from service.notifications.alerts.operations.condition import Sighting

_BECAUSE: Mapping[str, str] = {
    "gone": "it answered that it is gone (410)",
    "failing": "it has taken nothing for days",
}


class _Disabled(Protocol):
    @property
    def at(self) -> datetime: ...

    @property
    def reason(self) -> str: ...


class Endpoint(Protocol):
    """An endpoint: whose it is, and since when and why nothing is sent there."""

    @property
    def id(self) -> str:
        """Return its id."""

    @property
    def url(self) -> str:
        """Return where it is."""

    @property
    def merchant_id(self) -> str:
        """Return whose it is."""

    @property
    def disabled(self) -> _Disabled | None:
        """Return since when nothing is sent there, and why; None where it is sent to."""


async def endpoints_disabled(
    _: datetime, *, disabled: Callable[[], Awaitable[Sequence[Endpoint]]]
) -> Sequence[Sighting]:
    """See the endpoints that were disabled for what they answered; `disabled` returns them."""
    return [
        Sighting(
            f"The endpoint {one.id} ({urlsplit(one.url).netloc}) was disabled at {moment(why.at)}: "
            f"{_BECAUSE.get(why.reason, why.reason)}. Nothing is sent there. Mend it and enable "
            "it, then have what was missed sent again, on the page Webhooks.",
            one.id,
            one.merchant_id,
        )
        for one in await disabled()
        if (why := one.disabled) is not None
    ]
