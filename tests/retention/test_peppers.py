"""The job that tells when an older pepper can be left out."""

from datetime import timedelta

import pytest

from service.core.clock import ManualClock
from service.jobs.operations import run as running
from service.retention.operations import peppers
from service.storage.database import Database
from tests.support.api import JOBS, Api
from tests.web.test_pepper_rotation import NEW, OLD, create, under


async def counted(api: Api, *, dry_run: bool = False) -> int:
    """Run the job over HTTP."""
    answer = await api.call("POST", "/api/jobs/peppers", JOBS, json={"dryRun": dry_run})
    assert answer.status_code == 200, answer.text
    found: int = answer.json()["onOlderPeppers"]
    return found


async def test_what_hangs_on_an_older_pepper_is_counted_until_it_is_over(
    database: Database, clock: ManualClock
) -> None:
    async with under(database, clock, OLD) as api:
        first = await create(api)
        await api.open(paymentMethod="upi")
        assert await counted(api) == 0  # the control: there is no older one
    async with under(database, clock, NEW, OLD) as api:
        await api.open(paymentMethod="upi")
        before = [row async for row in database.sessions.find()]
        assert await counted(api) == await counted(api, dry_run=True) == 3
        assert [row async for row in database.sessions.find()] == before
        sid = first.json()["session"]["sessionId"]
        canceled = await api.call(
            "PUT", "/api/payment-sessions", json={"sessionId": sid, "status": "canceled"}
        )
        assert canceled.status_code == 200, canceled.text
        assert await counted(api) == 2
        clock.advance(api.container.rules.lifetimes.payment * 60)  # more than a day
        assert (await api.call("POST", "/api/cleanup-sessions", JOBS)).json()["expired"] == 2
        assert await counted(api) == 0


async def _parts(api: Api, *, dry_run: bool = False) -> tuple[int, int]:
    """Run the job over HTTP; return what it has counted so far, and what is left."""
    answer = await api.call("POST", "/api/jobs/peppers", JOBS, json={"dryRun": dry_run})
    return answer.json()["onOlderPeppers"], answer.json()["uncounted"]


async def _five_open(api: Api, clock: ManualClock) -> None:
    """Open five sessions; the second and third expire at one moment."""
    for number in range(5):
        clock.advance(timedelta(seconds=number != 2))
        await api.open(paymentMethod="upi")


@pytest.fixture
def _of_two_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each run has time for one batch."""
    monkeypatch.setattr(peppers, "_BATCH", 2)
    monkeypatch.setattr(running, "RUN_FOR_S", -1.0)


@pytest.mark.usefixtures("_of_two_each")
async def test_a_run_goes_on_where_the_one_before_stopped(
    database: Database, clock: ManualClock
) -> None:
    async with under(database, clock, OLD) as api:
        await _five_open(api, clock)
    async with under(database, clock, NEW, OLD) as api:
        parts = [await _parts(api) for _ in range(3)]
        assert [sum(part) for part in parts] == [5, 5, 5]
        assert parts[0][0] < parts[1][0] < parts[2][0] == 5
        assert await _parts(api) == parts[0]  # the last came to the end
        assert await _parts(api, dry_run=True) == parts[0]
        assert await _parts(api) == parts[1]  # which a dry run changes nothing of


@pytest.mark.usefixtures("_of_two_each")
async def test_a_run_for_other_peppers_begins_anew(database: Database, clock: ManualClock) -> None:
    async with under(database, clock, OLD) as api:
        await _five_open(api, clock)
    async with under(database, clock, NEW, OLD) as api:
        first = await _parts(api)
    async with under(database, clock, "third" * 8, NEW, OLD) as api:
        assert await _parts(api) == first


async def test_those_of_one_moment_are_read_together(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(peppers, "_BATCH", 1)
    monkeypatch.setattr(running, "RUN_FOR_S", -1.0)
    async with under(database, clock, OLD) as api:
        for _ in range(3):
            await api.open(paymentMethod="upi")
    async with under(database, clock, NEW, OLD) as api:
        assert await _parts(api) == (3, 0)
