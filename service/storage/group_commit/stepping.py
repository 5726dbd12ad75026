"""Step the works of a group side by side: answer what they ask, write what they want written."""

from collections.abc import Awaitable, Callable, Coroutine, Hashable, Iterable, Sequence
from contextvars import Context
from typing import Any, cast

from pymongo.asynchronous.client_session import AsyncClientSession

from service.storage.database import Row
from service.storage.group_commit.reading import Merged, Place, read_all, rows_at
from service.storage.group_commit.shared import Ask, SharedTransaction, Write
from service.storage.transaction import NeedsOwnTransaction

# Blocks around one another that a work may wait in.
_MOST_ENDS = 20

_KEY_ALONE = {"_id"}
_ROWS_OF = {"insert": "documents", "update": "updates"}


class Mismatched(Exception):
    """A write of the group did not do what it says: a row was not as its work had read it."""


class Member:
    """One work of a group, run step by step.

    `left` says why it can't go with this group. Where it can, `outcome` is its result or its error
    once it asks for nothing more.
    """

    def __init__(
        self, work: Callable[[SharedTransaction], Awaitable[Any]], context: Context
    ) -> None:
        """Begin the work, in the context of its caller."""
        self._tx = SharedTransaction()
        self._context = context
        self._steps = cast(Coroutine[object, list[list[Row]] | None, Any], work(self._tx))
        self.left: NeedsOwnTransaction | None = None
        self.outcome: Any = None
        self.asks: Ask | None = None

    @property
    def writes(self) -> list[Write]:
        """Return what it wants written: nothing if it left or failed."""
        return [] if self.left or isinstance(self.outcome, Exception) else self._tx.writes

    def step(self, answers: list[list[Row]] | None) -> None:
        """Go on with an answer, until it asks again or ends."""
        self.asks = None
        try:
            asked = self._context.run(self._steps.send, answers)
        except StopIteration as end:
            self.outcome = end.value
        except NeedsOwnTransaction as why:
            self.left = why
        except Exception as error:
            self.outcome = error
        else:
            self.asks = asked if isinstance(asked, Ask) else None
            if self.asks is None:
                self.leave("It awaits something that is not of the group.")

    def leave(self, why: str) -> None:
        """Take it out of the group."""
        self.left, self.asks = NeedsOwnTransaction(why), None
        self.close()

    def close(self) -> None:
        """End the work where it stands, also if it has more to await on its way out."""
        for _ in range(_MOST_ENDS):
            try:
                return self._context.run(self._steps.close)
            except RuntimeError:
                continue


async def step_all(tx: AsyncClientSession, members: Sequence[Member]) -> None:
    """Run all works to their ends. Nothing is written yet."""
    claims: dict[Hashable, Member] = {}
    for member in members:
        member.step(None)
    while asking := [member for member in members if member.asks is not None]:
        for member in asking:
            _claim(claims, member, _looked_for(cast(Ask, member.asks)))
        asking = [member for member in asking if member.asks is not None]
        for member, answers in await _answers(tx, asking):
            _claim(claims, member, _found(cast(Ask, member.asks), answers))
            if not member.left:
                member.step(answers)


def _looked_for(ask: Ask) -> Iterable[Hashable]:
    return [
        (question.collection.name, one.by, value)
        for question in ask.questions
        for one in question.look_ups
        for value in one.values
    ]


def _found(ask: Ask, answers: Sequence[list[Row]]) -> Iterable[Hashable]:
    return [
        (question.collection.name, "_id", row["_id"])
        for question, rows in zip(ask.questions, answers, strict=True)
        for row in rows
    ]


def _claim(claims: dict[Hashable, Member], member: Member, rows: Iterable[Hashable]) -> None:
    """Note whose rows these are; who comes to another's leaves, before it can get in its way."""
    for row in rows:
        if claims.setdefault(row, member) is not member:
            member.leave("It comes to a row of another work.")
            return


async def _answers(
    tx: AsyncClientSession, asking: Sequence[Member]
) -> list[tuple[Member, list[list[Row]]]]:
    """Answer all questions by one query, in which look-ups of one kind are one."""
    merged: dict[str, Merged] = {}
    places: list[list[list[Place]]] = []
    for member in asking:
        places.append([])
        for question in cast(Ask, member.asks).questions:
            name = question.collection.name
            if name not in merged:
                merged[name] = Merged(question.collection)
            places[-1].append(merged[name].add(question.look_ups))
    await read_all(tx, merged.values())
    return [
        (member, [rows_at(of_one) for of_one in of_all])
        for member, of_all in zip(asking, places, strict=True)
    ]


async def write_all(tx: AsyncClientSession, writes: Sequence[Write]) -> None:
    """Insert by one command for each collection, and change by another. Raises `Mismatched`.

    The driver's `bulk_write` would send the same words, for a third more work of its own.
    """
    _refuse_twice(writes)
    commands: dict[tuple[str, str], list[Row]] = {}
    for write in writes:
        commands.setdefault((write.verb, write.collection.name), []).append(write.words)
    for (verb, name), rows in commands.items():
        command: Row = {verb: name, _ROWS_OF[verb]: rows}
        done = await writes[0].collection.database.command(command, session=tx)
        if done["n"] != len(rows):
            raise Mismatched


def _refuse_twice(writes: Sequence[Write]) -> None:
    """Refuse two changes of one row that are both found by its key: none says what it expects."""
    by_key = [
        (write.collection.name, write.words["q"]["_id"])
        for write in writes
        if write.verb == "update" and write.words["q"].keys() == _KEY_ALONE
    ]
    if len(set(by_key)) != len(by_key):
        raise Mismatched
