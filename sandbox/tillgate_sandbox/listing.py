"""Named queries that list what the played providers remember, newest first, a part at a time."""

from collections.abc import Iterable
from datetime import datetime

from msgspec import Struct

from service.core.clock import from_unix
from service.storage.database import Row
from tillgate_sandbox.documents import SandboxCheckout, SandboxDelivery, SandboxEvent

MOST_LOOKED_AT = 1000
"""How many checkouts or events are read for a list that no query makes."""


class Span(Struct, frozen=True):
    """Which part of a list: up to `limit` rows, after the first `skip`.

    With `at` and `id`, what stands after that row, or with `newer` what stands right before it.
    """

    limit: int
    skip: int = 0
    at: datetime | None = None
    id: str = ""
    newer: bool = False


class Within(Struct, frozen=True):
    """Times in Unix seconds, both ends included; None: open."""

    since: int | None = None
    until: int | None = None

    def holds(self, at: int) -> bool:
        """Return whether a time is one of these."""
        late_enough = self.since is None or at >= self.since
        return late_enough and (self.until is None or at <= self.until)

    def wanted(self) -> Row:
        """Return the condition on when a row was made."""
        made: Row = {}
        if self.since is not None:
            made["$gte"] = from_unix(self.since)
        if self.until is not None:
            made["$lt"] = from_unix(self.until + 1)
        return {"createdAt": made} if made else {}


async def paid_checkouts(provider: str) -> list[SandboxCheckout]:
    """Return a provider's checkouts with a payment, or a try at one, the newest first."""
    wanted: Row = {"provider": provider, "payments.0": {"$exists": True}}
    return _checkouts(await _part(SandboxCheckout, wanted, Span(MOST_LOOKED_AT)))


async def list_checkouts(
    provider: str, kinds: Iterable[str], wanted: Row, span: Span
) -> list[SandboxCheckout]:
    """List a provider's checkouts of some kinds; `wanted` narrows it."""
    conditions = {"provider": provider, "kind": {"$in": list(kinds)}} | wanted
    return _checkouts(await _part(SandboxCheckout, conditions, span))


async def list_events(provider: str, wanted: Row, span: Span) -> list[SandboxEvent]:
    """List a provider's events; `wanted` narrows it."""
    rows = await _part(SandboxEvent, {"provider": provider} | wanted, span)
    return [SandboxEvent.model_validate(row) for row in rows]


async def delivered_events(event_ids: list[str]) -> set[str]:
    """Return which events arrived: a genuine delivery was answered with a 2xx."""
    wanted = {"eventId": {"$in": event_ids}, "status": "delivered"}
    found = await SandboxDelivery.get_pymongo_collection().distinct("eventId", wanted)
    return set(found)


def _checkouts(rows: list[Row]) -> list[SandboxCheckout]:
    return [SandboxCheckout.model_validate(row) for row in rows]


async def _part(
    kind: type[SandboxCheckout] | type[SandboxEvent], wanted: Row, span: Span
) -> list[Row]:
    """Read a part of a list, newest first; its order is by time, then by id, so it is one only."""
    collection = kind.get_pymongo_collection()
    order, beyond = (1, "$gt") if span.newer else (-1, "$lt")
    if span.at is not None:
        there = [{"createdAt": {beyond: span.at}}, {"createdAt": span.at, "_id": {beyond: span.id}}]
        wanted = {"$and": [wanted, {"$or": there}]}
    cursor = collection.find(wanted).sort([("createdAt", order), ("_id", order)]).skip(span.skip)
    rows: list[Row] = await cursor.to_list(span.limit)
    return rows[::-1] if span.newer else rows
