"""What a work may ask and do within a transaction, its own or one that it shares."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol, TypeVar

from msgspec import Struct
from pymongo.asynchronous.client_session import AsyncClientSession

from service.storage.database import Collection, Row
from service.storage.documents import StoredDocument

D = TypeVar("D", bound=StoredDocument)

_NOTHING: Mapping[str, str] = MappingProxyType({})


class LookUp(Struct, frozen=True):
    """Rows in which `by` has one of the values, and the other fields are as in `fixed`.

    `by` may be dotted and lead through a list. `also` repeats the words of a partial index,
    which is used for no other query.
    """

    by: str
    values: tuple[str, ...]
    fixed: Mapping[str, str] = _NOTHING
    also: Mapping[str, str] = _NOTHING

    def query(self) -> Row:
        """Return it in MongoDB's words."""
        return {**self.fixed, self.by: {"$in": list(self.values), **self.also}}

    def values_in(self, row: Row) -> list[str]:
        """Return the values by which a row is found, none if it is not as in `fixed`."""
        for name, value in self.fixed.items():
            if row.get(name) != value:
                return []
        found = row.get(self.by)
        return [found] if isinstance(found, str) else _values_at(row, self.by.split("."))

    def is_like(self, other: "LookUp") -> bool:
        """Return whether another differs in nothing but its values."""
        return self.by == other.by and self.fixed == other.fixed and self.also == other.also


def _values_at(found: object, path: list[str]) -> list[str]:
    if isinstance(found, list):
        return [value for one in found for value in _values_at(one, path)]
    if not path:
        return [found] if isinstance(found, str) else []
    return _values_at(found.get(path[0]), path[1:]) if isinstance(found, dict) else []


class Question(Struct, frozen=True):
    """The rows of a collection that any of the look-ups finds."""

    collection: Collection
    look_ups: tuple[LookUp, ...]


def query_of(look_ups: Iterable[LookUp]) -> Row | None:
    """Return the query for what any of the look-ups finds; None where nothing is looked for."""
    queries = [one.query() for one in look_ups if one.values]
    if not queries:
        return None
    return queries[0] if len(queries) == 1 else {"$or": queries}


class NeedsOwnTransaction(Exception):
    """A work asks for something that a group can't do for it; it is run again alone."""


class Transaction(Protocol):
    """One transaction: all that is written by it stands, or nothing of it.

    `storage/plain.py` has the one that belongs to a work alone, `storage/group_commit/shared.py`
    the one that works of a group share. A work can't distinguish them: it is written once, and what
    a group can't do raises `NeedsOwnTransaction`, after which it runs again in one of its own.
    """

    @property
    def session(self) -> AsyncClientSession | None:
        """The driver's session, for a query that can't be shared; None outside a transaction."""

    async def look_ahead(self, questions: Sequence[Question]) -> None:
        """Report what will be asked, so that all of it may be one query."""

    async def look_up(self, question: Question) -> list[Row]:
        """Return the rows that a question is about."""

    async def insert(self, collection: Collection, row: Row) -> None:
        """Insert a row. Raises `Duplicate`, here or at the commit."""

    async def insert_missing(self, collection: Collection, rows: Sequence[Row]) -> None:
        """Insert rows that are not there yet, by their `_id`."""

    async def insert_new(self, collection: Collection, rows: Sequence[Row]) -> None:
        """Insert rows of which none is expected to be there, at half the cost of the above.

        Raises `Duplicate` where one is; the transaction is over then.
        """

    async def update(self, collection: Collection, wanted: Row, change: Row) -> None:
        """Change the row that is as `wanted` says, and that was read in this transaction."""

    async def change(self, document: D, wanted: Row, change: Row) -> D | None:
        """Change the row of a document and return what becomes of it.

        None where the row is not as `wanted` says any more.
        """
