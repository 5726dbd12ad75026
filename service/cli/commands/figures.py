"""`tillgate figures`: how figures stand, and have them made anew."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import rich_click as click

from service.analytics.operations.rebuilding import (
    Status,
    begin_rebuild,
    clear_caches,
    count_left,
    figures_status,
)
from service.analytics.operations.table import AGGREGATES, FIGURES, narrowed
from service.analytics.repository.answers import Counted
from service.cli.answers import shared_answers
from service.cli.container import with_container
from service.cli.database import with_database
from service.cli.job_runs import showing_bar, showing_progress
from service.cli.listing import Cell, Facts, Found, Rows, lists
from service.cli.options import Named, data_dir_option, operator
from service.cli.screen import say
from service.core.clock import SystemClock
from service.core.words import age, counted
from service.jobs.operations.job import Table
from service.jobs.operations.run import run_job
from service.settings import Settings
from service.storage.database import Database
from service.wiring import Container

_DAY = click.DateTime(["%Y-%m-%d"])
_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)
_ONE_OF = {"facts": "fact", "buckets": "quarter-hour", "months": "month"}
_ONE_OF |= dict.fromkeys(("days", "customer_days"), "day")


@click.group()
def command() -> None:
    """See how figures stand, and have them made anew. Payments go on meanwhile."""


@command.command("status")
@data_dir_option
@lists
def status(data_dir: Path) -> Found:
    """Show when the rows of each merchant and aggregate were read, and what is to be added up."""

    async def work(settings: Settings, _: Database) -> tuple[Status, Counted | None]:
        async with shared_answers(settings) as answers:
            return await figures_status(), await answers.counted() if answers else None

    (found, answered), now = with_database(data_dir, work), SystemClock().now()
    rows = [
        (
            *(one.merchant_id, one.read_at, _lag(now - one.read_at), one.marked, one.oldest_mark),
            *(one.zone, one.days_from, one.months_until, one.customers_until),
        )
        for one in found.merchants
    ]
    columns = (
        *("merchant", "last read", "lag", "to be added up", "oldest of these"),
        *("zone of its days", "days to be made from", "months made until", "customers made until"),
    )
    aggregates = [
        (one.name, one.read_until, one.read_until and _lag(now - one.read_until))
        for one in found.aggregates
    ]
    empty = "No figures yet: nothing was recorded, or the job `figures` has not read it."
    counts: dict[str, object] = {"facts": found.facts, "rollups": found.rollups}
    counts |= {"days": found.days, "months": found.months}
    if answered is not None:
        counts |= {"answersKept": answered.hits, "answersComputed": answered.misses}
    of_each = Rows("aggregates", ("aggregate", "read until", "lag"), aggregates)
    return Found([Rows("merchants", columns, rows, empty), of_each, Facts("counted", counts)])


def _lag(since: timedelta) -> Cell:
    """Return how long ago rows were read; programs read seconds."""
    return Cell(age(since), round(since.total_seconds()))


@command.command("refresh")
@click.argument("aggregate", metavar="[AGGREGATE]", required=False, type=Named(AGGREGATES))
@data_dir_option
def refresh(aggregate: str | None, *, data_dir: Path) -> None:
    """Read what has changed and add it up now, until nothing is left.

    Of an AGGREGATE, as `tillgate figures status` names them, only the rows are read; `rollups`
    reads none, and adds up.
    """

    async def work(container: Container) -> None:
        table = container.job_table
        await _until_done(narrowed(table, aggregate) if aggregate else table)

    with_container(data_dir, work)


@command.command("rebuild")
@click.option("--from", "since", type=_DAY, help="A day (UTC); without it, from the first on.")
@click.option("--to", "until", type=_DAY, help="A day (UTC), excluded; without it, to the last.")
@data_dir_option
def rebuild(since: datetime | None, until: datetime | None, *, data_dir: Path) -> None:
    """Read all rows again, and add the quarter-hours of a time up anew.

    Where it is stopped, the same command goes on with what is left, and so does the job.
    """
    begins = since.replace(tzinfo=UTC) if since else _FIRST
    ends = until.replace(tzinfo=UTC) if until else _LAST
    if begins >= ends:
        raise click.BadParameter("must be before --to", param_hint="--from")

    async def work(container: Container) -> None:
        begun = await begin_rebuild(begins, ends, operator(), SystemClock())
        if begun.left < begun.buckets:
            done = begun.buckets - begun.left
            say(f"It goes on. Done before: {done} of {counted(begun.buckets, 'quarter-hour')}.")
        else:
            say(f"To be added up anew: {counted(begun.buckets, 'quarter-hour')}.")
        async with showing_bar("quarter-hours", begun.buckets, count_left):
            await _until_done(container.job_table)

    with_container(data_dir, work)


@command.group("cache")
def cache() -> None:
    """Answers that processes keep."""


@cache.command("clear")
@data_dir_option
def clear(data_dir: Path) -> None:
    """Have every process compute its answers anew; those that are kept in Redis are deleted."""

    async def work(settings: Settings, _: Database) -> None:
        await clear_caches(operator(), SystemClock())
        async with shared_answers(settings) as answers:
            if answers is not None:
                await answers.forget()

    with_database(data_dir, work)
    say("Answers are computed anew.")


async def _until_done(table: Table) -> None:
    """Run the job until it finds nothing more to do."""
    async with showing_progress(FIGURES.name, table):
        while True:
            report = await run_job(FIGURES.name, table, operator())
            counts = report.figures()
            if report.skipped or not any(counts.values()):
                break
            said = {name: counted(counts[name], one) for name, one in _ONE_OF.items()}
            say(
                f"Read: {said['facts']}. Added up: {said['buckets']}, {said['days']} of a new "
                f"zone, {said['months']}, {said['customer_days']} of customers."
            )
    paused = "; it is paused: tillgate jobs resume figures" if report.paused else ""
    if report.skipped:
        say(f"Another run of the job {FIGURES.name} is under way, or none may{paused}.")
    else:
        say("Nothing is left to add up.")
