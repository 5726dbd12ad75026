"""A paused job does nothing, whoever asks for it, and a run that is under way begins no batch."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from service.core.batches import Until
from service.core.principal import Kind, Principal
from service.jobs.operations import noting
from service.jobs.operations.begin import begin_job
from service.jobs.operations.by_the_clock import SERVER
from service.jobs.operations.pausing import pause_job, resume_job
from service.jobs.operations.run import run_job
from service.retention.operations import cleanup
from tests.support.api import JOBS
from tests.support.shop import Shop

SOMEBODY = Principal(Kind.ADMIN, "default", key_id="cli", name="cli:ada")


async def _by_the_button(shop: Shop) -> None:
    table = shop.api.container.job_table
    await begin_job("cleanup", table, SOMEBODY)
    await asyncio.gather(*table.under_way)


async def _by_its_route(shop: Shop) -> None:
    await shop.clean_up()


async def _by_name(shop: Shop) -> None:
    assert (await shop.api.call("POST", "/api/jobs/cleanup", JOBS)).status_code == 200


async def _by_the_server(shop: Shop) -> None:
    await run_job("cleanup", shop.api.container.job_table, SERVER)


async def _due(shop: Shop) -> None:
    await shop.api.open()
    shop.pass_time(days=2)


async def _statuses(shop: Shop) -> list[str]:
    return [row["status"] for row in await shop.database["sessions"].find().to_list()]


@pytest.mark.parametrize("ask", [_by_the_button, _by_its_route, _by_name, _by_the_server])
async def test_while_it_is_paused_nobody_runs_it_and_then_everybody(
    shop: Shop, ask: Callable[[Shop], Awaitable[None]]
) -> None:
    await _due(shop)
    table = shop.api.container.job_table
    await pause_job("cleanup", table, SOMEBODY)
    await ask(shop)
    assert await _statuses(shop) == ["pending"]
    await resume_job("cleanup", table, SOMEBODY)
    await ask(shop)
    assert await _statuses(shop) == ["expired"]


async def _paused_while_it_asks(shop: Shop, patch: pytest.MonkeyPatch) -> list[str]:
    """Pause a run that is at its first step; return how the sessions that are due stand then."""
    await _due(shop)
    table = shop.api.container.job_table
    patch.setattr(noting, "PROGRESS_EVERY_S", 0.0)

    async def asking(_: object, __: object, until: Until) -> None:
        await pause_job("cleanup", table, SOMEBODY)
        assert until.given_up is not None
        await until.given_up.wait()

    patch.setattr(cleanup, "ask_about_overdue", asking)
    await run_job("cleanup", table, SOMEBODY)
    return await _statuses(shop)


async def test_a_run_that_is_paused_at_one_step_begins_no_batch_of_the_next(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await _paused_while_it_asks(shop, monkeypatch) == ["pending"]


async def test_control_it_would_as_if_its_time_were_over(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    never: Any = property(lambda _: False)
    monkeypatch.setattr(Until, "ended", never)
    assert await _paused_while_it_asks(shop, monkeypatch) == ["expired"]
