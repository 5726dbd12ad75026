"""Sweeps in tests: the database's clock passes by itself, and what is committed is seen at once."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from service.storage import sweeps
from service.storage.database import EMPTY_TIME, Database


@pytest.fixture
def up_to_now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweep up to the present second and the next: where nobody commits late."""
    ends(monkeypatch, timedelta(seconds=-2))


def ends(monkeypatch: pytest.MonkeyPatch, before_now: timedelta) -> None:
    """Let sweeps end so long before now."""
    monkeypatch.setattr(sweeps, "COMMITTED_WITHIN", before_now)


async def the_next_second(database: Database) -> datetime:
    """Write until the database's clock shows another second, and return that."""
    seen: set[int] = set()
    for number in itertools.count():
        await database["ticks"].insert_one({"_id": number, "at": EMPTY_TIME})
        row = await database["ticks"].find_one_and_delete({"_id": number})
        seen.add(row["at"].time if row else 0)
        if len(seen) > 1:
            break
    return datetime.fromtimestamp(max(seen), UTC)
