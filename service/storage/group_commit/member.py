"""What a work may ask of a transaction that it shares with others."""

from collections.abc import Generator, Hashable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from pymongo import InsertOne, UpdateOne

from service.storage.database import Collection, Row

Write: TypeAlias = tuple[Collection, InsertOne[Row] | UpdateOne]


class NeedsOwnTransaction(Exception):
    """A work asks for something that a group can't do for it; it is run again alone."""


@dataclass(frozen=True, slots=True)
class LookUp:
    """Rows in which `by` has one of the values, and the other fields are as in `fixed`.

    `by` may be dotted and lead through a list. `also` repeats the words of a partial index,
    which is used for no other query.
    """

    by: str
    values: tuple[str, ...]
    fixed: Mapping[str, str] = field(default_factory=dict)
    also: Mapping[str, str] = field(default_factory=dict)

    def query(self) -> Row:
        """Give it in MongoDB's words."""
        return {**self.fixed, self.by: {"$in": list(self.values), **self.also}}

    def values_in(self, row: Row) -> list[object]:
        """Give the values by which a row is found, none if it is not as in `fixed`."""
        if any(row.get(name) != value for name, value in self.fixed.items()):
            return []
        return _values_at(row, self.by.split("."))

    @property
    def kind(self) -> Hashable:
        """Give what is alike in look-ups that differ only in their values."""
        return self.by, tuple(self.fixed.items()), tuple(self.also.items())


def _values_at(found: object, path: list[str]) -> list[object]:
    if isinstance(found, list):
        return [value for one in found for value in _values_at(one, path)]
    if not path:
        return [found]
    return _values_at(found.get(path[0]), path[1:]) if isinstance(found, dict) else []


@dataclass(frozen=True, slots=True)
class Ask:
    """A question to the group; awaiting it hands it over, and gives the rows of the answer."""

    collection: Collection
    look_ups: tuple[LookUp, ...]

    def __await__(self) -> Generator["Ask", list[Row], list[Row]]:
        """Leave to the group, which goes on with all of its works once all have asked."""
        rows = yield self
        return rows


class Member:
    """One work's part of a shared transaction: it asks at once, and writes at the end.

    Every write must do what it says: insert a row, or change the one that it names. The group
    counts, and is given up where one did not.
    """

    def __init__(self) -> None:
        """Begin with nothing to write."""
        self.writes: list[Write] = []

    async def look_up(self, collection: Collection, look_ups: tuple[LookUp, ...]) -> list[Row]:
        """Give the rows that any of the look-ups finds."""
        if self.writes:  # they are not there yet, and might be among those that are looked for
            raise NeedsOwnTransaction
        return await Ask(collection, look_ups)

    def insert(self, collection: Collection, row: Row) -> None:
        """Insert a row with the group's writes."""
        self.writes.append((collection, InsertOne(row)))

    def update(self, collection: Collection, wanted: Row, change: Row) -> None:
        """Change the one row that is as `wanted` says, with the group's writes."""
        self.writes.append((collection, UpdateOne(wanted, change)))
