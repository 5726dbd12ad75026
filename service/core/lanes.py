"""Lanes: what waits for one provider does not hold up what waits for another."""

import asyncio
from collections.abc import Collection, Sequence

from msgspec import Struct


class Lane(Struct, frozen=True):
    """A part of the rows that wait: those of one provider, or those of none that is known."""

    name: str | None = None
    others: tuple[str, ...] = ()

    def wanted(self, field: str) -> dict[str, object]:
        """Return the condition on the field that holds a row's provider."""
        if self.name is not None:
            return {field: self.name}
        return {field: {"$nin": list(self.others)}} if self.others else {}


EVERYTHING = Lane()


def lanes_of(names: Collection[str]) -> Sequence[Lane]:
    """Return a lane for each name, and one for whatever has none of them."""
    known = tuple(sorted(names))
    return (*(Lane(name) for name in known), Lane(others=known))


def wanted_by(lanes: Sequence[Lane], field: str) -> dict[str, object]:
    """Return the condition on the field that holds a row's provider, for any of some lanes."""
    names = [lane.name for lane in lanes if lane.name is not None]
    for lane in lanes:
        if lane.name is None:
            left_out = [name for name in lane.others if name not in names]
            return {field: {"$nin": left_out}} if left_out else {}
    return {field: {"$in": names}}


def lane_of(provider: object, lanes: Sequence[Lane]) -> Lane | None:
    """Return which of some lanes a provider's rows are in."""
    named = [lane for lane in lanes if lane.name is not None and lane.name == provider]
    return next(iter(named or (lane for lane in lanes if lane.name is None)), None)


def over(stopping: asyncio.Event | None) -> bool:
    """Return whether what works off rows is to stop before the next one."""
    return stopping is not None and stopping.is_set()
