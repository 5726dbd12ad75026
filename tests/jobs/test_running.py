"""Jobs: one run at a time, listed with what it did, resumed where it stopped, paused by hand."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from service.core.clock import ManualClock
from service.core.errors import ProviderFailed
from service.core.principal import DEFAULT_MERCHANT, Kind, Principal
from service.jobs import repository
from service.jobs.errors import JobNotFound
from service.jobs.operations import by_the_clock as clocked
from service.jobs.operations import noting
from service.jobs.operations.job import About, Job, Report, Table, Turn, by_name
from service.jobs.operations.listing import list_jobs, runs_of
from service.jobs.operations.pausing import pause_job, resume_job
from service.jobs.operations.run import LEASE, run_job
from service.leases import operations as leases
from service.leases.errors import LeaseLost
from service.storage.database import Database
from service.wiring import ALL_JOBS
from tests.support.api import ADMIN, JOBS, PUBLISHABLE, SECRET
from tests.support.patience import IN_TIME
from tests.support.shop import Shop

SOMEBODY = Principal(Kind.ADMIN, DEFAULT_MERCHANT, "0" * 12, "somebody")
Work = Callable[["Counted", Turn], Awaitable[None]]


class Counted(Report):
    """A report of its own."""

    changes = frozenset({"steps"})

    def __init__(self, job: str, *, dry_run: bool = False) -> None:
        super().__init__(job, dry_run=dry_run)
        self.steps = 0
        self.looked = 0


async def _one_step(report: Counted, _: Turn) -> None:
    report.steps += 1


async def _count(report: Counted, turn: Turn) -> None:
    assert turn.lease is None
    report.steps = 7


def _table(clock: ManualClock, work: Work = _one_step, every: timedelta | None = None) -> Table:
    job: Job[Any] = Job(About("test", "tests", every), Counted, work, _count)
    return Table(by_name([job]), clock)


async def _trail(database: Database) -> list[str]:
    return [row["action"] async for row in database["audit_log"].find().sort("_id", 1)]


async def test_a_run_is_listed_with_what_it_did(database: Database, clock: ManualClock) -> None:
    table = _table(clock)
    report = await run_job("test", table, SOMEBODY)
    assert report.figures() == {"steps": 1, "looked": 0}
    [run] = await runs_of("test", table, limit=10)
    assert (run.state, run.figures, run.by, run.fence) == (
        *("done", {"steps": 1, "looked": 0}, "admin:somebody"),
        1,
    )
    [listed] = await list_jobs(table)
    assert (listed.about.name, listed.paused_at, listed.runs) == ("test", None, (run,))
    assert await _trail(database) == ["job.ran"]


async def test_a_dry_run_counts_and_leaves_nothing(database: Database, clock: ManualClock) -> None:
    table = _table(clock)
    report = await run_job("test", table, SOMEBODY, dry_run=True)
    assert report.figures()["steps"] == 7
    assert await runs_of("test", table, limit=10) == ()
    assert await database["leases"].count_documents({}) == 0


async def test_an_unknown_job_is_told_with_those_that_there_are(clock: ManualClock) -> None:
    with pytest.raises(JobNotFound, match="there are test"):
        await run_job("tset", _table(clock), SOMEBODY)
    job: Job[Any] = Job(About("test", "tests"), Counted, _one_step, _count)
    with pytest.raises(ValueError, match="Two jobs have one name"):
        by_name([job, job])


async def test_of_two_runs_at_once_one_does_the_work(
    database: Database, clock: ManualClock
) -> None:
    table = _table(clock)
    reports = await asyncio.gather(*(run_job("test", table, SOMEBODY) for _ in range(5)))
    worked = [report for report in reports if not report.skipped]
    assert sum(report.figures()["steps"] for report in reports) == len(worked)
    assert len(await runs_of("test", table, limit=10)) == len(worked)


async def test_a_run_that_fails_is_listed_with_the_reason_and_gives_its_lease_back(
    database: Database, clock: ManualClock
) -> None:
    async def fails(report: Counted, _: Turn) -> None:
        report.steps = 2
        raise ProviderFailed("not now")

    table = _table(clock, fails)
    with pytest.raises(ProviderFailed):
        await run_job("test", table, SOMEBODY)
    [run] = await runs_of("test", table, limit=1)
    assert (run.state, run.figures["steps"], run.error) == ("failed", 2, "not now")
    assert (await run_job("test", _table(clock), SOMEBODY)).skipped is False


async def test_so_many_runs_are_kept_and_no_more(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "RUNS_KEPT", 3)
    table = _table(clock)
    for _ in range(5):
        clock.advance(timedelta(minutes=1))
        await run_job("test", table, SOMEBODY)
    assert len(await runs_of("test", table, limit=9)) == 3
    ttl = (await database["job_runs"].index_information())["startedAt_ttl"]
    assert ttl["expireAfterSeconds"] == 30 * 24 * 3600


async def test_a_run_under_way_shows_what_it_has_done_so_far(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noting, "PROGRESS_EVERY_S", 0.0)
    seen: list[dict[str, int]] = []

    async def long(report: Counted, _: Turn) -> None:
        report.steps = 41
        while not seen:
            [run] = await runs_of("test", table, limit=1)
            seen.extend([run.figures] if run.figures else [])

    table = _table(clock, long)
    async with asyncio.timeout(IN_TIME):
        await run_job("test", table, SOMEBODY)
    assert seen[0]["steps"] == 41


async def _stops_after_three(report: Counted, turn: Turn) -> None:
    """Count to ten, three at a time, and keep after each how far it came."""
    begun = int(str((turn.reached or {"at": 0})["at"]))
    for at in range(begun + 1, min(begun + 4, 11)):
        report.steps += 1
        await turn.keep({"at": at} if at < 10 else None)


async def test_a_long_job_goes_on_where_it_stopped(database: Database, clock: ManualClock) -> None:
    table = _table(clock, _stops_after_three)
    steps = [(await run_job("test", table, SOMEBODY)).figures()["steps"] for _ in range(5)]
    assert steps == [3, 3, 3, 1, 3]


async def test_a_run_that_lost_its_lease_keeps_nothing_and_says_so(
    database: Database, clock: ManualClock
) -> None:
    async def slow(_: Counted, turn: Turn) -> None:
        await turn.keep({"at": 1})
        clock.advance(LEASE)
        await turn.keep({"at": 2})

    table = _table(clock, slow)
    with pytest.raises(LeaseLost):
        await run_job("test", table, SOMEBODY)
    [run] = await runs_of("test", table, limit=1)
    assert run.state == "lost"
    assert (await repository.standing("test")).reached == {"at": 1}


async def test_a_run_that_ended_because_its_lease_was_lost_says_so_though_it_kept_nothing(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "_RENEWALS", 10**9)

    async def until_told(_: Counted, turn: Turn) -> None:
        clock.advance(LEASE)
        assert turn.until.given_up is not None
        await turn.until.given_up.wait()

    table = _table(clock, until_told)
    async with asyncio.timeout(IN_TIME):
        with pytest.raises(LeaseLost):
            await run_job("test", table, SOMEBODY)
    [run] = await runs_of("test", table, limit=1)
    assert run.state == "lost"


async def test_a_paused_job_does_nothing_until_it_is_resumed(
    database: Database, clock: ManualClock
) -> None:
    table = _table(clock)
    assert [await pause_job("test", table, SOMEBODY) for _ in range(2)] == [True, False]
    report = await run_job("test", table, SOMEBODY)
    assert (report.skipped, report.paused, report.figures()["steps"]) == (True, True, 0)
    assert [await resume_job("test", table, SOMEBODY) for _ in range(2)] == [True, False]
    assert (await run_job("test", table, SOMEBODY)).figures()["steps"] == 1
    assert await _trail(database) == ["job.paused", "job.resumed", "job.ran"]


async def test_a_run_under_way_ends_after_its_batch_once_its_job_is_paused(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(noting, "PROGRESS_EVERY_S", 0.0)
    begun = asyncio.Event()

    async def until_told(_: Counted, turn: Turn) -> None:
        begun.set()
        while not turn.until.over:
            await turn.keep(None)

    table = _table(clock, until_told)
    run = asyncio.create_task(run_job("test", table, SOMEBODY))
    async with asyncio.timeout(IN_TIME):
        await begun.wait()
        await pause_job("test", table, SOMEBODY)
        await run


async def test_by_the_clock_a_server_runs_what_has_a_schedule_and_ends(
    database: Database, clock: ManualClock
) -> None:
    twice = asyncio.Event()

    async def counts(report: Counted, _: Turn) -> None:
        report.steps = 1
        done.append(report.job)
        if len(done) == 2:
            twice.set()

    done: list[str] = []
    table = _table(clock, counts, timedelta(milliseconds=1))
    async with asyncio.timeout(IN_TIME), clocked.by_the_clock(table):
        await twice.wait()
    assert table.stopping.is_set()
    assert set(done) == {"test"}


async def test_control_what_has_no_schedule_is_run_by_nobody(
    database: Database, clock: ManualClock
) -> None:
    async with clocked.by_the_clock(_table(clock)):
        names = {task.get_name() for task in asyncio.all_tasks()}
    assert "tillgate-jobs" not in names


async def test_jobs_and_admin_keys_read_every_job_with_its_last_runs(shop: Shop) -> None:
    await shop.clean_up()
    await pause_job("outbox", shop.api.container.job_table, SOMEBODY)
    answers = [await shop.api.call("GET", "/api/jobs", key) for key in (JOBS, ADMIN)]
    assert [answer.status_code for answer in answers] == [200, 200]
    jobs = {job["name"]: job for job in answers[0].json()["jobs"]}
    assert list(jobs) == [about.name for about in ALL_JOBS]
    assert {name: job["schedule"] for name, job in jobs.items() if job["schedule"]} == {
        "cleanup": "*/5 * * * *",
        "entries": "*/5 * * * *",
        "ledger-check": "0 0 * * *",
        "dispute-deadlines": "0 */1 * * *",
        "lead-digests": "0 */1 * * *",
        "refunds": "0 */1 * * *",
        "subscriptions": "0 */1 * * *",
        "intents-agents": "*/5 * * * *",
        "intents-cleanup": "0 0 * * *",
        "reminders": "*/10 * * * *",
        "alerts": "*/1 * * * *",
        "figures": "*/1 * * * *",
        "reports": "0 */1 * * *",
        "forecast": "0 */1 * * *",
        "unusual": "*/5 * * * *",
        "cohorts": "0 */1 * * *",
    }
    assert [name for name, job in jobs.items() if job["pausedAt"]] == ["outbox"]
    [run] = jobs["cleanup"]["runs"]
    assert (run["state"], run["counts"]["eventsRetried"], run["error"]) == ("done", 0, None)
    assert jobs["events"]["runs"] == []
    refused = [await shop.api.call("GET", "/api/jobs", key) for key in (SECRET, PUBLISHABLE, None)]
    assert [answer.status_code for answer in refused] == [403, 403, 401]


async def test_what_the_driver_says_of_a_failure_is_not_listed(
    database: Database, clock: ManualClock
) -> None:
    async def fails(report: Counted, _: Turn) -> None:
        raise RuntimeError("E11000 dup key: { email: somebody@example.com }")

    table = _table(clock, fails)
    with pytest.raises(RuntimeError):
        await run_job("test", table, SOMEBODY)
    [run] = await runs_of("test", table, limit=1)
    assert (run.state, run.error) == (
        "failed",
        "RuntimeError: the log of the service says more.",
    )


@pytest.mark.parametrize(
    ("every", "cron"),
    [
        (timedelta(minutes=1), "*/1 * * * *"),
        (timedelta(minutes=5), "*/5 * * * *"),
        (timedelta(hours=1), "0 */1 * * *"),
        (timedelta(hours=6), "0 */6 * * *"),
        (timedelta(days=1), "0 0 * * *"),
    ],
)
def test_a_schedule_is_told_in_the_words_of_cron(every: timedelta, cron: str) -> None:
    assert About("a", "b", every).cron == cron


@pytest.mark.parametrize("every", [None, timedelta(minutes=7), timedelta(hours=5)])
def test_what_cron_can_not_say_is_refused(every: timedelta | None) -> None:
    with pytest.raises(ValueError, match="cron can't say"):
        _ = About("a", "b", every).cron
