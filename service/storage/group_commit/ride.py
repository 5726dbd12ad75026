"""Step the works of a group side by side: answer what they ask, write what they want written."""

from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable, Sequence
from contextvars import Context
from dataclasses import replace
from typing import Any, cast

from pymongo.asynchronous.client_session import AsyncClientSession

from service.storage.database import Collection, Row
from service.storage.group_commit.member import (
    Ask,
    LookUp,
    Member,
    NeedsOwnTransaction,
    Write,
)

# Blocks around one another that a work may wait in.
_MOST_ENDS = 20


class Mismatched(Exception):
    """A write of the group did not do what it says: a row was not as its work had read it."""


class Rider:
    """One work of a group, run step by step.

    `left`: it can't go with this group. Otherwise, once it asks for nothing more, `outcome` is its
    result or its error.
    """

    def __init__(self, work: Callable[[Member], Awaitable[Any]], context: Context) -> None:
        """Begin the work, in the context of its caller."""
        self._member = Member()
        self._context = context
        self._steps = cast(Coroutine[object, list[Row] | None, Any], work(self._member))
        self.left = False
        self.outcome: Any = None
        self.asks: Ask | None = None

    @property
    def writes(self) -> list[Write]:
        """Give what it wants written: nothing if it left or failed."""
        return [] if self.left or isinstance(self.outcome, Exception) else self._member.writes

    def step(self, rows: list[Row] | None) -> None:
        """Go on with an answer, until it asks again or ends."""
        self.asks = None
        try:
            asked = self._context.run(self._steps.send, rows)
        except StopIteration as end:
            self.outcome = end.value
        except NeedsOwnTransaction:
            self.left = True
        except Exception as error:
            self.outcome = error
        else:
            self.asks = asked if isinstance(asked, Ask) else None
            if self.asks is None:  # it awaits something that is not of the group
                self.leave()

    def leave(self) -> None:
        """Take it out of the group."""
        self.left, self.asks = True, None
        self.close()

    def close(self) -> None:
        """End the work where it stands, also if it has more to await on its way out."""
        for _ in range(_MOST_ENDS):
            try:
                return self._context.run(self._steps.close)
            except RuntimeError:
                continue


async def ride(tx: AsyncClientSession, riders: Sequence[Rider]) -> None:
    """Run all works to their ends. Nothing is written yet."""
    claims: dict[Hashable, Rider] = {}
    for rider in riders:
        rider.step(None)
    while asking := [rider for rider in riders if rider.asks is not None]:
        for rider in asking:
            _claim(claims, rider, _looked_for(cast(Ask, rider.asks)))
        asking = [rider for rider in asking if rider.asks is not None]
        for rider, rows in await _answers(tx, asking):
            name = cast(Ask, rider.asks).collection.name
            _claim(claims, rider, [(name, "_id", row["_id"]) for row in rows])
            if not rider.left:
                rider.step(rows)


def _looked_for(ask: Ask) -> list[Hashable]:
    name = ask.collection.name
    return [(name, one.by, value) for one in ask.look_ups for value in one.values]


def _claim(claims: dict[Hashable, Rider], rider: Rider, rows: Iterable[Hashable]) -> None:
    """Note whose rows these are; who comes to another's leaves, before it can get in its way."""
    for row in rows:
        if claims.setdefault(row, rider) is not rider:
            rider.leave()
            return


async def _answers(
    tx: AsyncClientSession, asking: Sequence[Rider]
) -> list[tuple[Rider, list[Row]]]:
    """Answer all questions by one query for each collection."""
    by_name: dict[str, list[tuple[Rider, Ask]]] = {}
    for rider in asking:
        ask = cast(Ask, rider.asks)
        by_name.setdefault(ask.collection.name, []).append((rider, ask))
    answers = []
    for together in by_name.values():
        merged = _merged(one for _, ask in together for one in ask.look_ups)
        rows = await look_up_rows(together[0][1].collection, list(merged.values()), tx)
        found = _by_value(merged, rows)
        answers += [(rider, _rows_of(ask, found)) for rider, ask in together]
    return answers


def _merged(look_ups: Iterable[LookUp]) -> dict[Hashable, LookUp]:
    """Put look-ups of one kind together, so that the query has few branches."""
    values: dict[Hashable, dict[str, None]] = {}
    kinds: dict[Hashable, LookUp] = {}
    for one in look_ups:
        kinds[one.kind] = one
        values.setdefault(one.kind, {}).update(dict.fromkeys(one.values))
    return {kind: replace(one, values=tuple(values[kind])) for kind, one in kinds.items()}


def _by_value(look_ups: dict[Hashable, LookUp], rows: Sequence[Row]) -> dict[Hashable, list[Row]]:
    """Enter the rows by each value that finds them."""
    found: dict[Hashable, list[Row]] = {}
    for kind, one in look_ups.items():
        for row in rows:
            for value in one.values_in(row):
                found.setdefault((kind, value), []).append(row)
    return found


def _rows_of(ask: Ask, found: dict[Hashable, list[Row]]) -> list[Row]:
    """Give the rows of one question, each once."""
    rows = {
        id(row): row
        for one in ask.look_ups
        for value in one.values
        for row in found.get((one.kind, value), ())
    }
    return list(rows.values())


async def look_up_rows(
    collection: Collection, look_ups: Sequence[LookUp], tx: AsyncClientSession | None
) -> list[Row]:
    """Give the rows that any of the look-ups finds; each has an index of its own."""
    queries = [one.query() for one in look_ups if one.values]
    if not queries:
        return []
    wanted = queries[0] if len(queries) == 1 else {"$or": queries}
    return await collection.find(wanted, session=tx).to_list()


async def write_all(tx: AsyncClientSession, writes: Sequence[Write]) -> None:
    """Write in one bulk for each collection. Raises `Mismatched`."""
    by_name: dict[str, list[Write]] = {}
    for write in writes:
        by_name.setdefault(write[0].name, []).append(write)
    for together in by_name.values():
        done = await together[0][0].bulk_write([one for _, one in together], session=tx)
        if done.inserted_count + done.matched_count != len(together):
            raise Mismatched
