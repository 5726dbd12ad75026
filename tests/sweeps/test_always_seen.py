"""Writers whose clocks differ, who commit when they like, and a backend that sweeps beside them."""

import asyncio
import random
from datetime import datetime, timedelta

import pytest

from service.core.clock import to_milliseconds
from service.storage import sweeps
from service.storage.database import Database
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction
from tests.conftest import NOON
from tests.support.api import Api
from tests.support.sweeping import ends, the_next_second
from tests.sweeps.kinds import KINDS, Kind

LONG_AGO = "2001-01-01T00:00:00Z"
ROWS, WRITERS, CHANGES = 6, 4, 8


async def _write(kind: Kind, number: int, drawn: random.Random) -> None:
    """Change rows by the clock of one process, and keep each change back for a while."""
    skew = timedelta(minutes=drawn.uniform(-10, 10))
    for change in range(CHANGES):
        # A row of its own, so that none waits for another's transaction.
        name = f"row-{drawn.randrange(ROWS)}-{number}"
        at = to_milliseconds(NOON + skew + timedelta(seconds=change))
        held = drawn.choice([0, 0, 0.3, 1, 2.5])

        async def work(
            tx: Transaction, name: str = name, at: datetime = at, held: float = held
        ) -> None:
            await kind.change(name, at, tx)
            await asyncio.sleep(held)

        await in_transaction(work)


async def _seen_beside(kind: Kind, api: Api, database: Database) -> tuple[dict[str, str], ...]:
    """Return what a sweeping backend believes in the end, and what stands."""
    for number in range(WRITERS):
        for row in range(ROWS):
            await kind.make(api, f"row-{row}-{number}")
    writing = asyncio.gather(
        *(_write(kind, number, random.Random(number)) for number in range(WRITERS))  # noqa: S311
    )
    seen: dict[str, str] = {}
    since = LONG_AGO
    while not writing.done():
        found, since = await kind.sweep(api, since, limit=7)
        seen |= found
        await the_next_second(database)
    await writing
    for _ in range(1 + int(sweeps.COMMITTED_WITHIN.total_seconds())):
        await the_next_second(database)
    found, _ = await kind.sweep(api, since)
    stand, _ = await kind.sweep(api, LONG_AGO)
    assert len(stand) == WRITERS * ROWS
    return seen | found, stand


@pytest.mark.soak  # the five seconds of production pass, by the database's clock
@pytest.mark.parametrize("name", [*KINDS])
async def test_every_final_state_is_seen(name: str, api: Api, database: Database) -> None:
    seen, stand = await _seen_beside(KINDS[name], api, database)
    assert seen == stand


@pytest.mark.soak  # as above
@pytest.mark.parametrize("name", [*KINDS])
async def test_control_without_the_five_seconds_some_are_missed(
    name: str, api: Api, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ends(monkeypatch, timedelta(0))
    seen, stand = await _seen_beside(KINDS[name], api, database)
    assert seen != stand
