"""What goes over the wire about webhooks that came in and went out."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from service.analytics.operations.figures import part_of, percent, rounded
from service.analytics.operations.folding import Bucket
from service.analytics.operations.services import Shown
from service.analytics.schemas.common import FiguresAnswer
from service.analytics.states import BESIDE, Counts, Part
from service.core.views import view_of
from service.inbox.states import InboxStatus
from service.notifications.endpoints.states import DeliveryStatus

_DONE: Final = frozenset(
    {InboxStatus.PROCESSED.value, InboxStatus.IGNORED.value, InboxStatus.REVIEW.value}
)
_GIVEN_UP: Final = frozenset({InboxStatus.FAILED.value, InboxStatus.DEAD.value})
_DELIVERED: Final = frozenset({DeliveryStatus.DELIVERED.value})
_PENDING: Final = frozenset({DeliveryStatus.PENDING.value})


class TypeLine(Struct, frozen=True, rename="camel", kw_only=True):
    """The webhooks of one type of event. `successRate` is of those that are not pending."""

    event_type: str
    count: int
    successful: int
    failed: int
    pending: int
    success_rate: float


class Webhooks(Struct, frozen=True, rename="camel", kw_only=True):
    """Webhooks in one direction. `averageDeliveryTime` is in milliseconds, of what is done."""

    total_deliveries: int
    successful: int
    failed: int
    pending: int
    success_rate: float
    average_delivery_time: int
    by_event_type: list[TypeLine]


class WebhookMetrics(Webhooks, frozen=True, rename="camel", kw_only=True):
    """Webhooks that went out to the merchant's endpoints, and under `incoming` the providers'."""

    incoming: Webhooks
    outgoing: Webhooks


class WebhookMetricsAnswer(FiguresAnswer, frozen=True, rename="camel", kw_only=True):
    """Webhooks of the last days, in both directions."""

    days: int
    metrics: WebhookMetrics


def webhook_metrics_answer(
    shown: Shown, days: int, found: Sequence[Bucket]
) -> WebhookMetricsAnswer:
    """Show webhooks in both directions."""
    came, went = part_of(found, Part.INCOMING), part_of(found, Part.OUTGOING)
    incoming = _added_up(came, lambda status: _stands(status, _DONE, _GIVEN_UP))
    failed = frozenset(one.value for one in DeliveryStatus) - _DELIVERED - _PENDING
    outgoing = _added_up(went, lambda status: _stands(status, _DELIVERED, failed))
    metrics = view_of(WebhookMetrics, outgoing, incoming=incoming, outgoing=outgoing)
    return view_of(WebhookMetricsAnswer, shown, days=days, metrics=metrics)


def _stands(status: str, done: frozenset[str], failed: frozenset[str]) -> str:
    return "successful" if status in done else "failed" if status in failed else "pending"


class _Shares(Struct, frozen=True):
    successful: int
    failed: int
    pending: int

    @property
    def success_rate(self) -> float:
        return percent(self.successful, self.successful + self.failed)


def _added_up(rows: Mapping[str, Counts], stands: Callable[[str], str]) -> Webhooks:
    by_type: dict[str, Counter[str]] = defaultdict(Counter)
    total: Counter[str] = Counter()
    for key, sums in rows.items():
        *_, name, status = key.split(BESIDE)
        counts = {stands(status): sums["n"], **sums}
        by_type[name].update(counts)
        total.update(counts)
    lines = [
        view_of(TypeLine, _shares(counts), event_type=name, count=counts["n"])
        for name, counts in by_type.items()
    ]
    lines.sort(key=lambda line: (-line.count, line.event_type))
    return view_of(
        Webhooks,
        _shares(total),
        total_deliveries=total["n"],
        average_delivery_time=rounded(total["tookMs"], total["took"]),
        by_event_type=lines,
    )


def _shares(counts: Counter[str]) -> _Shares:
    return _Shares(counts["successful"], counts["failed"], counts["pending"])
