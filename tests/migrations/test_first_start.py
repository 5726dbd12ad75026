"""A database that holds nothing is of this version all at once, whoever starts or is killed."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from service.core.clock import ManualClock
from service.migrations import begin_new, repository
from service.migrations.errors import LayoutDiffers
from service.migrations.operations import require_layout
from service.migrations.steps import STEPS
from service.storage.database import Client, Database
from service.storage.documents import bind
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import Transaction
from service.stored import DOCUMENTS


@pytest_asyncio.fixture
async def new(indexed_database: Database, client: Client) -> AsyncIterator[Database]:
    """A database that holds nothing; the documents are bound to it meanwhile."""
    await client.drop_database("tillgate_new")
    database = client["tillgate_new"]
    await bind(database, DOCUMENTS)
    yield database
    await bind(indexed_database, DOCUMENTS)
    await client.drop_database("tillgate_new")


async def _begun(database: Database) -> tuple[int, list[str]]:
    merchants = [row["_id"] for row in await database["merchants"].find().to_list()]
    return await database["migrations"].count_documents({}), merchants


async def test_many_that_start_at_once_all_start(new: Database, clock: ManualClock) -> None:
    await asyncio.gather(*(require_layout(new, clock) for _ in range(20)))
    assert await _begun(new) == (len(STEPS), ["default"])


class _Killed(BaseException):
    """The process ended here."""


async def _start_beside_or_after(database: Database, clock: ManualClock, beside: bool) -> None:
    """Start while another process begins, just before what it wrote is committed, or is killed."""
    keep = repository.keep_missing

    async def keeping(new: Any, tx: Transaction) -> None:
        await keep(new[: len(new) // 2], tx)
        if not beside:
            raise _Killed
        if tx is not NO_TRANSACTION:  # what another sees of a transaction is nothing
            assert await repository.done_migrations(database) == []
        else:
            await require_layout(database, clock)
        await keep(new, tx)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repository, "keep_missing", keeping)
        if beside:
            await require_layout(database, clock)
        else:
            with pytest.raises(_Killed):
                await require_layout(database, clock)
    await require_layout(database, clock)


@pytest.mark.parametrize("beside", [True, False])
async def test_nobody_sees_the_half_of_it(new: Database, clock: ManualClock, beside: bool) -> None:
    await _start_beside_or_after(new, clock, beside)
    assert await _begun(new) == (len(STEPS), ["default"])


@pytest.mark.parametrize("beside", [True, False])
async def test_control_written_one_by_one_the_other_is_refused(
    new: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch, beside: bool
) -> None:
    async def each_for_itself(work: Any) -> None:
        await work(NO_TRANSACTION)

    monkeypatch.setattr(begin_new, "in_transaction", each_for_itself)
    with pytest.raises(LayoutDiffers, match="has not run"):
        await _start_beside_or_after(new, clock, beside)


async def test_who_looks_while_another_begins_and_opens_its_first_session_looks_again(
    new: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_new = repository.is_new

    async def late(database: Database) -> bool:
        monkeypatch.setattr(repository, "is_new", is_new)
        await require_layout(database, clock)
        await database["sessions"].insert_one({"merchantId": "default", "sessionId": "s-1"})
        return await is_new(database)

    monkeypatch.setattr(repository, "is_new", late)
    await require_layout(new, clock)
    assert await _begun(new) == (len(STEPS), ["default"])
