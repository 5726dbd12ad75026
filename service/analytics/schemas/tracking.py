"""What goes over the wire about events that a merchant's own server tracks."""

from collections.abc import Sequence
from typing import ClassVar, Final, Literal

from msgspec import Struct
from pydantic import Field

from service.analytics.operations.figures import part_of, payers_of
from service.analytics.operations.folding import Bucket
from service.analytics.operations.payers import estimate_of
from service.analytics.operations.services import Shown
from service.analytics.schemas.common import FiguresAnswer
from service.analytics.states import BESIDE, Counts, Part
from service.core.views import view_of
from service.storage.database import Row
from service.web.fields import CurrencyCode, LongText, Metadata, StrictAmount, Text
from service.web.wire import WireModel

EventType = Literal["payment", "resource_access", "unique_payer"]
MOST_RESOURCES: Final = 100
EventState = Literal["created", "verified", "settled", "failed", "expired", "refunded"]


class TrackEvent(WireModel):
    """Tracks what happened: to a payment (`status`), to a resource, or that somebody pays.

    `amount` is in minor units of `currency`, and adds to no money. Of `clientAddress`, who it is
    about, a hash is kept.
    """

    example: ClassVar = {
        "type": "resource_access",
        "resourceUrl": "https://shop.example/reports/1",
    }

    type: EventType
    status: EventState | None = None
    transaction_id: Text | None = None
    resource_url: LongText | None = None
    client_address: Text | None = None
    amount: StrictAmount | None = None
    currency: CurrencyCode | None = None
    metadata: Metadata = Field(default_factory=dict)

    def fields(self) -> Row:
        """Return what is kept of it, but who it is about."""
        return {
            "type": self.type,
            "state": self.status,
            "transactionId": self.transaction_id,
            "resource": self.resource_url,
            "amount": self.amount,
            "currency": self.currency,
            "metadata": self.metadata,
        }


class TrackedAnswer(Struct, frozen=True, rename="camel", kw_only=True):
    """An event is kept."""

    success: bool = True
    event_id: str


class EventCount(Struct, frozen=True, kw_only=True):
    """The events of one type, state and currency."""

    type: str
    status: str | None
    currency: str | None
    count: int
    amount: int


class ResourceCount(Struct, frozen=True, rename="camel", kw_only=True):
    """How often a resource was accessed, and by how many: over 24 of them within 3 %."""

    url: str
    count: int
    unique_payers: int


class SeriesAnswer(FiguresAnswer, frozen=True, rename="camel", kw_only=True):
    """The events of the last days; amounts in the minor units of their own currencies.

    `uniquePayers` over 24 are within 3 %.
    """

    days: int
    events: list[EventCount]
    resources: list[ResourceCount]
    unique_payers: int


def events_answer(shown: Shown, days: int, found: Sequence[Bucket]) -> SeriesAnswer:
    """Show the events of some days."""
    counts = [_event(key, sums) for key, sums in part_of(found, Part.TRACKED).items()]
    counts.sort(key=lambda one: (-one.count, one.type, one.status or "", one.currency or ""))
    by_url = part_of(found, Part.RESOURCE)
    most = sorted(by_url, key=lambda url: (-by_url[url]["n"], url))[:MOST_RESOURCES]
    lines = [
        ResourceCount(url=url, count=by_url[url]["n"], unique_payers=_payers(found, url))
        for url in most
    ]
    return view_of(
        SeriesAnswer,
        shown,
        days=days,
        events=counts,
        resources=lines,
        unique_payers=payers_of(found),
    )


def _event(key: str, sums: Counts) -> EventCount:
    type_, state, currency = key.split(BESIDE)
    return EventCount(
        type=type_,
        status=state or None,
        currency=currency or None,
        count=sums["n"],
        amount=sums["amount"],
    )


def _payers(found: Sequence[Bucket], url: str) -> int:
    some = [one.payers_by[url] for one in found if one.payers_by.get(url)]
    return estimate_of(some) if some else 0
