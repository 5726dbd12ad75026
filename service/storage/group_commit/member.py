"""What a work may ask of a transaction that it shares with others."""

from collections.abc import Generator, Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple

from service.storage.database import Collection, Row

_NOTHING: Mapping[str, str] = MappingProxyType({})


class NeedsOwnTransaction(Exception):
    """A work asks for something that a group can't do for it; it is run again alone."""


class LookUp(NamedTuple):
    """Rows in which `by` has one of the values, and the other fields are as in `fixed`.

    `by` may be dotted and lead through a list. `also` repeats the words of a partial index,
    which is used for no other query.
    """

    by: str
    values: tuple[str, ...]
    fixed: Mapping[str, str] = _NOTHING
    also: Mapping[str, str] = _NOTHING

    def query(self) -> Row:
        """Give it in MongoDB's words."""
        return {**self.fixed, self.by: {"$in": list(self.values), **self.also}}

    def values_in(self, row: Row) -> list[str]:
        """Give the values by which a row is found, none if it is not as in `fixed`."""
        for name, value in self.fixed.items():
            if row.get(name) != value:
                return []
        found = row.get(self.by)
        return [found] if isinstance(found, str) else _values_at(row, self.by.split("."))

    def is_like(self, other: "LookUp") -> bool:
        """Tell whether another differs in nothing but its values."""
        return self.by == other.by and self.fixed == other.fixed and self.also == other.also


def _values_at(found: object, path: list[str]) -> list[str]:
    if isinstance(found, list):
        return [value for one in found for value in _values_at(one, path)]
    if not path:
        return [found] if isinstance(found, str) else []
    return _values_at(found.get(path[0]), path[1:]) if isinstance(found, dict) else []


class Question(NamedTuple):
    """The rows of a collection that any of the look-ups finds."""

    collection: Collection
    look_ups: tuple[LookUp, ...]


def _same(one: Question, other: Question) -> bool:
    return one.look_ups == other.look_ups and one.collection.name == other.collection.name


class Ask:
    """Questions to the group; awaiting it hands them over, and gives the rows of each answer."""

    __slots__ = ("questions",)

    def __init__(self, questions: tuple[Question, ...]) -> None:
        """Ask these, of a collection each."""
        self.questions = questions

    def __await__(self) -> Generator["Ask", list[list[Row]], list[list[Row]]]:
        """Leave to the group, which goes on with all of its works once all have asked."""
        rows = yield self
        return rows


class Write(NamedTuple):
    """A row to insert, or `q` and `u` of an update, as the database's command takes them."""

    collection: Collection
    verb: Literal["insert", "update"]
    words: Row


class Member:
    """One work's part of a shared transaction: it asks at once, and writes at the end.

    Every write must do what it says: insert a row, or change the one that it names. The group
    counts, and is given up where one did not.
    """

    def __init__(self) -> None:
        """Begin with nothing to write."""
        self.writes: list[Write] = []
        self._known: list[tuple[Question, list[Row]]] = []

    async def look_ahead(self, questions: tuple[Question, ...]) -> None:
        """Have questions answered that will be put later: together they are one query."""
        answers = await Ask(questions)
        self._known = list(zip(questions, answers, strict=True))

    async def look_up(self, question: Question) -> list[Row]:
        """Give the rows that any of the look-ups finds."""
        for known, rows in self._known:
            # What it has written itself since is not among them; all others keep off its rows.
            if _same(known, question) and not self._wrote(question.collection.name):
                return rows
        if self.writes:  # they are not there yet, and might be among those that are looked for
            raise NeedsOwnTransaction
        return (await Ask((question,)))[0]

    def _wrote(self, name: str) -> bool:
        return any(write.collection.name == name for write in self.writes)

    def insert(self, collection: Collection, row: Row) -> None:
        """Insert a row with the group's writes."""
        self.writes.append(Write(collection, "insert", row))

    def update(self, collection: Collection, wanted: Row, change: Row) -> None:
        """Change the one row that is as `wanted` says, with the group's writes."""
        self.writes.append(Write(collection, "update", {"q": wanted, "u": change}))
