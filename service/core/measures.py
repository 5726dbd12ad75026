"""What this process measures of itself: the names, each once; docs/metrics.md tells what they say.

Several processes that serve one address share what they measure, so that whichever is asked tells
of all of them. Each name has a label, so that nothing is measured before that is known. What the
database knows is not measured but read when somebody asks: `Figure`.
"""

import os
import tempfile
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Literal, TypeAlias

from msgspec import Struct
from prometheus_client import Counter, Gauge, Histogram, values

SHARED_IN = "PROMETHEUS_MULTIPROC_DIR"

# In memory, and there also where the root is read-only.
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
# Webhooks are late by a moment, or by hours where a provider retries.
_LATE = (0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 3600, 6 * 3600, 24 * 3600)
# A run ends after 50 seconds, and a little later where a call is under way.
_RUNS = (0.1, 0.5, 1, 2.5, 5, 10, 20, 30, 40, 50, 60)
_ITEMS = (1, 2, 4, 8, 16, 32, 64)

# Of labels' values there are few; this bounds what strangers can make of them.
_MOST_SERIES = 4096


class _Gathered:
    __slots__ = ("counts", "total")

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * buckets
        self.total = 0.0


class Observed:
    """A histogram whose observations are gathered, and added to it every second.

    The library takes 2 us for each and this a third of that; each request makes some.
    """

    def __init__(
        self, name: str, documentation: str, labels: Sequence[str], buckets: Sequence[float]
    ) -> None:
        """Register it; nothing is observed yet."""
        self.histogram = Histogram(name, documentation, labels, buckets=buckets)
        self._bounds = buckets
        self._gathered: dict[tuple[str | int, ...], _Gathered] = {}
        self._series: dict[tuple[str | int, ...], Histogram] = {}
        _OBSERVED.append(self)

    def observe(self, value: float, *labels: str | int) -> None:
        """Count a value, in seconds or items."""
        gathered = self._gathered.get(labels)
        if gathered is None:
            gathered = self._gathered[labels] = _Gathered(len(self._bounds) + 1)
        gathered.counts[bisect_left(self._bounds, value)] += 1
        gathered.total += value

    def add(self) -> None:
        """Add what was gathered to the histogram, as its own `observe` does for each value."""
        for labels, gathered in self._gathered.items():
            series = self._series.get(labels) or self._series.setdefault(
                labels, self.histogram.labels(*labels)
            )
            series._sum.inc(gathered.total)
            for bucket, count in zip(series._buckets, gathered.counts, strict=True):
                bucket.inc(count)
        self._gathered.clear()

    def counts(self) -> dict[tuple[str | int, ...], int]:
        """Return how often each series was observed by this process, by its labels' values."""
        self.add()
        series = self._series.items()
        return {labels: int(sum(one.get() for one in it._buckets)) for labels, it in series}


_OBSERVED: list[Observed] = []


def add_observed() -> None:
    """Add what this process has gathered to what all of them share."""
    for one in _OBSERVED:
        one.add()


@lru_cache(_MOST_SERIES)
def counter(metric: Counter, *labels: str) -> Counter:
    """Return the series of a counter; the library looks for it three times as long."""
    return metric.labels(*labels)


REQUESTS = Observed(
    "tillgate_request_seconds",
    "Requests by method, route and status: how many, and how long they took",
    ("method", "route", "status"),
    _SECONDS,
)
PROVIDER_CALLS = Observed(
    "tillgate_provider_call_seconds",
    "Calls to providers by outcome: ok, refused, failed, unreachable",
    ("provider", "outcome"),
    _SECONDS,
)
WEBHOOKS = Counter(
    "tillgate_webhooks",
    "Verified deliveries by outcome, duplicates apart",
    ("provider", "outcome"),
)
REJECTIONS = Counter(
    "tillgate_webhook_rejections",
    "Deliveries that were not believed, by reason",
    ("provider", "reason"),
)
WEBHOOK_LAG = Observed(
    "tillgate_webhook_lag_seconds",
    "From what happened at the provider, by its own clock, to the delivery that told us first",
    ("provider",),
    _LATE,
)
DELIVERIES = Counter(
    "tillgate_deliveries",
    "Deliveries of messages to subscribers by outcome: delivered, failed",
    ("subscriber", "outcome"),
)
MAILS = Counter(
    "tillgate_mails",
    "Tries to send a mail by what came of them: sent, pending, refused, suppressed, unsure",
    ("template", "outcome"),
)
WEBHOOKS_SENT = Counter(
    "tillgate_webhooks_sent",
    "Tries at delivering events to webhook endpoints by outcome: delivered, failed",
    ("outcome",),
)
DATABASE = Observed(
    "tillgate_database_seconds",
    "Database calls that have one time limit, by outcome: answered, failed, unavailable",
    ("outcome",),
    _SECONDS,
)
GROUPS = Observed(
    "tillgate_group_items",
    "Groups carried to the database, by how many calls rode in each",
    ("queue",),
    _ITEMS,
)
GROUP_SECONDS = Observed("tillgate_group_seconds", "How long a group took", ("queue",), _SECONDS)
QUEUED = Gauge(
    "tillgate_queue_waiting",
    "Calls that wait for their group, every second",
    ("queue",),
    multiprocess_mode="livesum",
)
CONNECTIONS = Gauge(
    "tillgate_database_connections",
    "Connections to the database, open and in use, every second",
    ("state",),
    multiprocess_mode="livesum",
)
JOBS = Observed(
    "tillgate_job_seconds",
    "Runs of jobs that this service was asked for, by outcome: how many, and how long they took",
    ("job", "outcome"),
    _RUNS,
)


@contextmanager
def shared_by_processes() -> Iterator[None]:
    """Have the processes that are started in the block share what they measure."""
    where = _MEMORY if os.access(_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="tillgate-", dir=where) as folder:
        os.environ[SHARED_IN] = folder
        values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]
        yield


def webhook_counts() -> dict[str, int]:
    """Return how many verified deliveries this process has taken, by provider."""
    found: dict[str, int] = {}
    for family in WEBHOOKS.collect():
        for sample in family.samples:
            if sample.name.endswith("_total"):
                provider = sample.labels["provider"]
                found[provider] = found.get(provider, 0) + int(sample.value)
    return found


class Figure(Struct, frozen=True):
    """Something that the database knows: values of one name, each by its labels' values."""

    name: str
    help: str
    labels: tuple[str, ...]
    values: dict[tuple[str, ...], float]
    kind: Literal["gauge", "counter"] = "gauge"


Figures: TypeAlias = Callable[[], Awaitable[Sequence[Figure]]]
"""Reads figures of one room. Raises `Unavailable`."""
