"""Group transaction: works that come at the same time commit together.

A work is a coroutine that reads and writes by its transaction alone. The group steps all of its
works side by side: each runs until it asks for rows, then one query answers all of them, and so on
to their ends; then all that they want written goes out, one command for each collection and kind
of write, and one commit makes it durable. This is how Haxl batches reads (Marlow et al., "There is
no fork", ICFP 2014), with group commit for the writes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context, copy_context
from typing import Any, TypeAlias, TypeVar, cast

import structlog
from msgspec import Struct
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import PyMongoError

from service.core.errors import Unavailable
from service.storage.group_commit.queue import Entry, GroupQueue, Limits
from service.storage.group_commit.stepping import Member, Mismatched, step_all, write_all
from service.storage.group_commit.timing import within
from service.storage.plain import in_transaction, try_transaction
from service.storage.transaction import Transaction

R = TypeVar("R")
Work: TypeAlias = Callable[[Transaction], Awaitable[R]]

# A group that fails leaves at least half of the time to its members alone.
_SHARE = 0.5

log = structlog.get_logger(__name__)


class _Item(Struct, frozen=True):
    work: Work[Any]
    context: Context


class GroupTransaction:
    """Commits works together.

    Guarantee: a work that returns is committed, and nothing of one that raises is. No two works of
    a group touch the same row: the later one is run alone, after the group. When the group meets a
    conflict, a duplicate key, a row that is not as expected, or fails in any other way, it is given
    up as a whole and every work is run again alone, in a transaction of its own; so nothing that
    must hold depends on the group. A work that comes alone is run alone.
    """

    def __init__(self, limits: Limits) -> None:
        """Commit within the limits."""
        self.queue: GroupQueue[_Item, Any] = GroupQueue("transactions", self._carry, limits)

    async def run(self, work: Work[R], size: int) -> R:
        """Run a work, which may happen several times, and return its result when it is committed.

        `size` is about the bytes that it writes. Raises what the work raises, and `Unavailable`.
        """
        return cast(R, await self.queue.submit(_Item(work, copy_context()), size))

    async def _carry(self, entries: Sequence[Entry[_Item, Any]]) -> None:
        if len(entries) == 1:
            await _alone(entries[0])
            return
        members = [_member(entry) for entry in entries]
        try:
            await try_transaction(lambda tx: _together(tx, members), within(entries, _SHARE))
        except Exception as error:
            if not isinstance(error, (PyMongoError, Unavailable, Mismatched)):
                log.warning("a group is given up for an error of its own", exc_info=True)
            await asyncio.gather(*(_alone(entry) for entry in entries))
            return
        finally:
            for member in members:
                member.close()
        await _resolve_all(entries, members)


async def _resolve_all(entries: Sequence[Entry[_Item, Any]], members: Sequence[Member]) -> None:
    left = []
    for entry, member in zip(entries, members, strict=True):
        if member.left:
            left.append(entry)
        else:
            entry.resolve(member.outcome)
    # One after the other: they have met somebody of the group, and so perhaps one another.
    for entry in left:
        if entry.overdue:
            entry.resolve(Unavailable("Too many change the same now; try again.", retry_after=1))
        else:
            await _alone(entry)


async def _together(tx: AsyncClientSession, members: Sequence[Member]) -> None:
    await step_all(tx, members)
    await write_all(tx, [write for member in members for write in member.writes])


def _member(entry: Entry[_Item, Any]) -> Member:
    return Member(entry.item.work, entry.item.context)


async def _alone(entry: Entry[_Item, Any]) -> None:
    """Run a work in a transaction of its own, in the context of its caller."""
    run = in_transaction(entry.item.work, within([entry]))
    try:
        done = asyncio.get_running_loop().create_task(run, context=entry.item.context)
        entry.resolve(await done)
    except Exception as error:
        entry.resolve(error)
