"""A backend that sweeps sees the last state of everything, whatever clocks and commits do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from service.core.clock import ManualClock, to_milliseconds
from service.storage import sweeps
from service.storage.database import ANSWER_WITHIN_S, Database
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction
from tests.conftest import NOON
from tests.sessions.asking import fields_of, key_of_another_merchant
from tests.support.api import ADMIN, PUBLISHABLE, SECRET, Api
from tests.support.profiled import profiled
from tests.support.sweeping import ends, the_next_second, up_to_now
from tests.sweeps.kinds import KINDS, Kind

__all__ = ["up_to_now"]

LONG_AGO = "2001-01-01T00:00:00Z"
# What the clock of the process that commits late shows, beside that of the other one.
SKEWS = [timedelta(0), timedelta(minutes=10), -timedelta(minutes=10)]

every_list = pytest.mark.parametrize("name", [*KINDS])


@asynccontextmanager
async def _not_committed(kind: Kind, name: str, at: datetime) -> AsyncIterator[None]:
    """Change a row, by a transaction that is committed at the end of the block."""
    written, let_go = asyncio.Event(), asyncio.Event()

    async def work(tx: Transaction) -> None:
        await kind.change(name, at, tx)
        written.set()
        await let_go.wait()

    committing = asyncio.create_task(in_transaction(work))
    waiting = asyncio.create_task(written.wait())
    await asyncio.wait({committing, waiting}, return_when=asyncio.FIRST_COMPLETED)
    assert not committing.done(), committing.exception()
    yield
    let_go.set()
    await committing


async def _around_a_late_commit(
    kind: Kind,
    api: Api,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    *,
    skew: timedelta,
    before_now: timedelta,
) -> tuple[list[dict[str, str]], dict[str, str]]:
    """Sweep while one change is not committed that was written before another; then to the end.

    Returns what each sweep has seen, and what stands in the end.
    """
    for one in ("late", "other"):
        await kind.make(api, one)
    since = (await the_next_second(database)).isoformat()
    late, other = to_milliseconds(NOON + skew), NOON
    async with _not_committed(kind, "late", late):
        await in_transaction(partial(kind.change, "other", other))
        await the_next_second(database)
        ends(monkeypatch, before_now)
        first, since = await kind.sweep(api, since)
    ends(monkeypatch, -timedelta(seconds=2))
    second, _ = await kind.sweep(api, since)
    stand, _ = await kind.sweep(api, LONG_AGO)
    return [first, second], stand


@every_list
@pytest.mark.parametrize("skew", SKEWS, ids=str)
async def test_what_is_committed_late_is_seen_whichever_clock_its_process_has(
    name: str, skew: timedelta, api: Api, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    # For ever, so that no slow machine decides; how long in production is asserted below.
    [first, second], stand = await _around_a_late_commit(
        KINDS[name], api, database, monkeypatch, skew=skew, before_now=timedelta(hours=1)
    )
    assert first == {}
    assert second.items() <= stand.items()
    assert {"late", "other"} == second.keys()


@every_list
async def test_control_a_sweep_that_ends_now_misses_it(
    name: str, api: Api, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, stand = await _around_a_late_commit(
        KINDS[name],
        api,
        database,
        monkeypatch,
        skew=timedelta(0),
        before_now=timedelta(0),
    )
    assert [one.keys() for one in seen] == [{"other"}, set()]
    assert stand.keys() == {"late", "other"}


def test_a_sweep_ends_well_after_a_transaction_is_given_up() -> None:
    assert sweeps.COMMITTED_WITHIN == timedelta(seconds=ANSWER_WITHIN_S + 2)


@every_list
@pytest.mark.usefixtures("up_to_now")
async def test_a_sweep_in_pages_meets_all_whatever_changes_meanwhile(name: str, api: Api) -> None:
    kind, names = KINDS[name], [f"row-{number}" for number in range(7)]
    for one in names:
        await kind.make(api, one)
    params: dict[str, Any] = {"updatedSince": LONG_AGO, "limit": 2}
    seen: dict[str, str] = {}
    at = NOON
    changes = ["row-0", "row-6", "row-3"]
    while True:
        page = await kind.page(api, SECRET, **params)
        seen |= {one[kind.name]: one["updatedAt"] for one in page[kind.rows]}
        if page["nextCursor"] is None:
            break
        params["cursor"] = page["nextCursor"]
        if changes:
            at += timedelta(milliseconds=1)
            await in_transaction(partial(kind.change, changes.pop(), at))
    stand, _ = await kind.sweep(api, LONG_AGO)
    assert seen == stand
    assert seen.keys() == {*names}


@every_list
async def test_the_next_sweep_begins_where_the_one_before_ended(
    name: str, api: Api, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = KINDS[name]
    await kind.make(api, "first")
    await the_next_second(database)
    ends(monkeypatch, timedelta(0))
    seen, since = await kind.sweep(api, LONG_AGO)
    assert "first" in seen
    again, since = await kind.sweep(api, since)
    assert again == {}
    await in_transaction(partial(kind.change, "first", NOON + timedelta(days=1)))
    await the_next_second(database)
    changed, _ = await kind.sweep(api, since)
    assert changed.keys() == {"first"}


@every_list
@pytest.mark.usefixtures("up_to_now")
async def test_a_sweep_shows_a_merchant_s_own_to_keys_of_servers(
    name: str, api: Api, clock: ManualClock
) -> None:
    kind = KINDS[name]
    await kind.make(api, "one")
    for key in (SECRET, ADMIN):
        assert "one" in {row[kind.name] for row in (await _rows(kind, api, key))}
    assert await _rows(kind, api, await key_of_another_merchant(clock)) == []
    browser = await api.call("GET", kind.path, PUBLISHABLE, params={"updatedSince": LONG_AGO})
    assert browser.status_code in {400, 403}


async def _rows(kind: Kind, api: Api, key: str) -> list[dict[str, str]]:
    page = await kind.page(api, key, updatedSince=LONG_AGO)
    rows: list[dict[str, str]] = page[kind.rows]
    return rows


@every_list
@pytest.mark.parametrize(
    "cursor", ["x", "MTc2MzcyNjQwMDAwMDp0OjE6eA", "MTc2MzcyNjQwMDAwMDp0Ong6bzox"]
)
async def test_a_cursor_that_no_sweep_returned_is_a_400(name: str, cursor: str, api: Api) -> None:
    params = {"updatedSince": LONG_AGO, "cursor": cursor}
    answer = await api.call("GET", KINDS[name].path, params=params)
    assert answer.status_code == 400, answer.text
    assert fields_of(answer) == {"cursor"}


@every_list
@pytest.mark.usefixtures("up_to_now")
async def test_a_sweep_walks_along_its_index_and_sorts_nothing(
    name: str, api: Api, database: Database
) -> None:
    kind = KINDS[name]
    for number in range(4):
        await kind.make(api, f"row-{number}")
    async with profiled(database) as done:
        assert len((await kind.sweep(api, LONG_AGO, limit=2))[0]) == 4
    read = [row for row in done if row["ns"].endswith(f".{name}") and row["op"] == "query"]
    assert len(read) >= 2
    assert not [row["command"] for row in read if row.get("hasSortStage")]
    assert max(row["docsExamined"] for row in read) <= 3
