"""The text that Prometheus reads: what the processes measured, and what the database knows."""

import asyncio
import os
import time
from collections.abc import Iterable, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector

from service.core.errors import Unavailable
from service.core.measures import SHARED_IN, Figure, Figures, add_observed

# Counting rows is cheap and not free: several servers of Prometheus ask every few seconds.
_KEPT_FOR_S = 15.0


class Exposition:
    """Answers a scrape. What the database knows is asked for again after a quarter of a minute."""

    def __init__(self, rooms: Sequence[Figures]) -> None:
        """Nothing is asked yet."""
        self._rooms = rooms
        self._known: list[Figure] = []
        self._asked_at = float("-inf")
        self._asking = asyncio.Lock()

    async def text(self) -> bytes:
        """Return all figures; without those of the database while it does not answer."""
        figures = await self._figures()
        add_observed()
        return await asyncio.to_thread(_written, figures)

    async def _figures(self) -> list[Figure]:
        async with self._asking:
            if time.monotonic() - self._asked_at < _KEPT_FOR_S:
                return self._known
            found: list[Figure] = []
            try:
                for room in self._rooms:
                    found += await room()
            except Unavailable:
                found = []  # old ones would hide that nothing is known
            self._known, self._asked_at = found, time.monotonic()
            return found


class _Stored(Collector):
    def __init__(self, figures: Sequence[Figure]) -> None:
        self._figures = figures

    def collect(self) -> Iterable[Metric]:
        for figure in self._figures:
            family = _FAMILIES[figure.kind](figure.name, figure.help, labels=figure.labels)
            for labels, value in figure.values.items():
                family.add_metric(labels, value)
            yield family


_FAMILIES = {"gauge": GaugeMetricFamily, "counter": CounterMetricFamily}


def _written(figures: Sequence[Figure]) -> bytes:
    measured = REGISTRY
    if SHARED_IN in os.environ:
        measured = CollectorRegistry()
        MultiProcessCollector(measured)  # type: ignore[no-untyped-call]
    known = CollectorRegistry()
    known.register(_Stored(figures))
    return generate_latest(measured) + generate_latest(known)
