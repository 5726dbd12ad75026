"""A transaction that the works of a group share."""

from collections.abc import Generator, Hashable, Sequence
from typing import Literal, Never, TypeVar

from msgspec import Struct

from service.storage.database import Collection, Row
from service.storage.documents import StoredDocument
from service.storage.group_commit.foreseen import foresee
from service.storage.transaction import NeedsOwnTransaction, Question

D = TypeVar("D", bound=StoredDocument)

_MISSING = object()


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


class Write(Struct, frozen=True):
    """A row to insert, or `q` and `u` of an update, as the database's command takes them."""

    collection: Collection
    verb: Literal["insert", "update"]
    words: Row


class SharedTransaction:
    """One work's part of a shared `Transaction`: it asks at once, and writes at the end.

    Every write must do what it says: insert a row, or change the one that it names. The group
    counts, and is given up where one did not.
    """

    def __init__(self) -> None:
        """Begin with nothing to write."""
        self.writes: list[Write] = []
        self._known: list[tuple[Question, list[Row]]] = []
        self._read: dict[tuple[str, Hashable], Row] = {}

    @property
    def session(self) -> Never:
        """Raise `NeedsOwnTransaction`: the session of a group is nobody's own."""
        raise NeedsOwnTransaction("It asks for the driver's session.")

    async def look_ahead(self, questions: Sequence[Question]) -> None:
        """Have questions answered that will be put later: together they are one query."""
        asked = tuple(questions)
        answers = await self._ask(*asked)
        self._known = list(zip(asked, answers, strict=True))

    async def look_up(self, question: Question) -> list[Row]:
        """Return the rows that any of the look-ups finds."""
        for known, rows in self._known:
            # What it has written itself since is not among them; all others keep off its rows.
            if _same(known, question) and not self._wrote(question.collection.name):
                return rows
        if self.writes:  # they are not there yet, and might be among those that are looked for
            raise NeedsOwnTransaction("It looks for rows after it has written some.")
        return (await self._ask(question))[0]

    async def _ask(self, *questions: Question) -> list[list[Row]]:
        answers = await Ask(questions)
        for question, rows in zip(questions, answers, strict=True):
            for row in rows:
                self._read[question.collection.name, row["_id"]] = row
        return answers

    def _wrote(self, name: str) -> bool:
        return any(write.collection.name == name for write in self.writes)

    async def insert(self, collection: Collection, row: Row) -> None:
        """Insert a row with the group's writes. A duplicate gives the whole group up."""
        self.writes.append(Write(collection, "insert", row))

    async def insert_missing(self, collection: Collection, rows: Sequence[Row]) -> None:
        """Insert rows with the group's writes: one that is there already gives the group up."""
        for row in rows:
            await self.insert(collection, row)

    insert_new = insert_missing

    async def update(self, collection: Collection, wanted: Row, change: Row) -> None:
        """Change the one row that is as `wanted` says, with the group's writes."""
        found_by = self._key_of(collection.name, wanted) or wanted
        self.writes.append(Write(collection, "update", {"q": found_by, "u": change}))

    async def change(self, document: D, wanted: Row, change: Row) -> D:
        """Change the row of a document with the group's writes; foretell what becomes of it."""
        changed = foresee(document, change)
        await self.update(document.get_pymongo_collection(), {"_id": document.id, **wanted}, change)
        return changed

    def _key_of(self, name: str, wanted: Row) -> Row | None:
        """Return the key alone of a row that was read here as `wanted` says; else None.

        Whoever has changed it since makes the snapshot conflict. By its key a row is found without
        a plan: for one, inside a transaction, mongod 6.0 reads its catalog twice for each index. A
        second write of the work is not shortened: it may follow from the first.
        """
        key = wanted.get("_id")
        row = self._read.pop((name, key), None)
        if row is None or any(row.get(field, _MISSING) != value for field, value in wanted.items()):
            return None
        return {"_id": key}
