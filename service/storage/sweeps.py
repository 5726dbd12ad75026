"""Sweeps: what was changed since a moment, read so that nothing is ever passed by.

A change gets the database's time as it is written, and is seen once it is committed: another one
that was written later may be committed before it. So a sweep ends a little before now.
"""

from datetime import UTC, datetime, timedelta
from typing import Final

from bson import Timestamp
from msgspec.structs import replace

from service.core.paging import Cursor, Swept
from service.storage.database import WRITTEN_AT, Collection, Row
from service.storage.documents import bound_client
from service.storage.paging import Walk, read_page

COMMITTED_WITHIN: Final = timedelta(seconds=5)
"""After what time a change that was written is committed or never will be.

A transaction is given up three seconds after it began, which is looked at right before its commit
is sent; two are left for that to arrive.
"""

_LAST_SECOND = 2**32 - 1


async def sweep(
    collection: Collection, walk: Walk, since: datetime, *, cursor: Cursor | None, limit: int
) -> Swept[Row]:
    """Return a page of the rows of a walk that were changed since a moment.

    A read that comes after another in one session of the driver sees all that was committed before
    the first: the database waits for its majority. So what is not seen is committed after its time
    was asked for, and was written at most `COMMITTED_WITHIN` before.
    """
    async with bound_client().start_session() as session:
        await collection.database.command("ping", session=session)
        # Which a member of a replica set tells with each answer.
        now: Timestamp = (session.cluster_time or {})["clusterTime"]
        # Whole seconds, so that a sweep begins exactly where the one before has ended.
        until = now.time - int(COMMITTED_WITHIN.total_seconds())
        written = {"$gte": _second(since.timestamp()), "$lt": _second(until)}
        within = replace(walk, wanted={**walk.wanted, WRITTEN_AT: written})
        rows, following = await read_page(
            collection, within, cursor=cursor, limit=limit, session=session
        )
    ended = max(datetime.fromtimestamp(until, UTC), since.replace(microsecond=0))
    return Swept(rows, following, None if following else ended)


def _second(seconds: float) -> Timestamp:
    return Timestamp(min(max(int(seconds), 0), _LAST_SECOND), 0)
