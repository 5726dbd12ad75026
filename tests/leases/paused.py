"""A process that holds a lease, and writes a row under it for each line that it is told.

Run as `python -m tests.leases.paused URI DATABASE SPAN_S [unfenced]`. It answers `held`, then for
each line `written` or `lost`.
"""

import asyncio
import sys
from datetime import timedelta

from service.core.clock import SystemClock
from service.leases.documents import Lease
from service.leases.errors import LeaseLost
from service.leases.operations import leased, under
from service.storage.database import Database, connect
from service.storage.documents import bind
from service.storage.transaction import Transaction

NAME = "test.paused"
WRITTEN_TO = "rows_of_leases"


async def write_as_told(database: Database, span: timedelta, *, fenced: bool) -> None:
    """Claim the lease, then write until the input ends."""
    async with leased(NAME, span, SystemClock()) as lease:
        assert lease is not None
        _say("held")
        while line := (await asyncio.to_thread(sys.stdin.readline)).strip():
            row = {"_id": line, "fence": lease.fence}

            async def work(tx: Transaction, row: dict[str, object] = row) -> None:
                await tx.insert(database[WRITTEN_TO], row)

            try:
                await under(lease if fenced else None, work)
            except LeaseLost:
                _say("lost")
            else:
                _say("written")


def _say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


async def _main(uri: str, name: str, span_s: str, *how: str) -> None:
    client = connect(uri)
    database = client[name]
    await bind(database, [Lease])
    await write_as_told(database, timedelta(seconds=float(span_s)), fenced="unfenced" not in how)
    await client.close()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
