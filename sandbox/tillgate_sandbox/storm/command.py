"""`tillgate sandbox storm`: sessions with every fault there is, compared with a plain model."""

import asyncio
import logging
import secrets
import time
from pathlib import Path

import rich_click as click
import structlog
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from service.cli.database import with_database
from service.cli.options import data_dir_option
from service.cli.screen import err, say, show_table
from service.core.errors import Misconfigured, TillgateError
from service.settings import Settings
from service.storage.database import Database
from tillgate_sandbox.storm.field import storm_field
from tillgate_sandbox.storm.run import StormReport, run_storm
from tillgate_sandbox.storm.scripts import PROVIDERS, write_scripts

_SHOWN = 20
_FIGURES = (
    ("sessions", "sessions"),
    ("completed", "completed"),
    ("of these late", "late"),
    ("pending", "pending"),
    ("processing", "processing"),
    ("failed", "failed"),
    ("expired", "expired"),
    ("in review", "review"),
    ("deliveries", "deliveries"),
    ("tries", "tries"),
    ("lost on the way", "lost"),
    ("applied", "outcome processed"),
    ("duplicates", "outcome duplicate"),
    ("to review", "outcome review"),
    ("parked", "outcome parked"),
    ("ignored", "outcome ignored"),
    ("refused", "refused"),
)


class StormFoundFaults(TillgateError):
    """Documents differ from the model."""

    code = "storm_found_faults"


@click.command("storm")
@click.option("--sessions", type=click.IntRange(1, 100_000), default=1000, show_default=True)
@click.option("--seed", type=int, default=None, help="The same seed gives the same storm.")
@data_dir_option
def command(sessions: int, seed: int | None, data_dir: Path) -> None:
    """Open many sessions, pay them with every fault there is, and compare with a plain model.

    It runs in a database of its own, which it drops; your sessions are not touched. Fails where a
    document differs from the model.
    """
    seed = secrets.randbelow(1_000_000) if seed is None else seed
    began = time.monotonic()

    async def work(settings: Settings, database: Database) -> StormReport:
        if settings.production:
            raise Misconfigured("The sandbox is for development: ENVIRONMENT is production.")
        # Forged events can't be confirmed and lost answers are asked for again: that is the point.
        only_errors = structlog.make_filtering_bound_logger(logging.ERROR)
        structlog.configure(wrapper_class=only_errors)
        return await _in_own_database(database, sessions, seed)

    report = with_database(data_dir, work, prepare=False)
    _report(report, sessions, seed, time.monotonic() - began)


async def _in_own_database(database: Database, sessions: int, seed: int) -> StormReport:
    own = database.client[f"{database.name}_storm_{secrets.token_hex(3)}"]
    try:
        with _progress() as progress:
            task = progress.add_task("storm", total=sessions)
            async with storm_field(own) as field:
                return await run_storm(
                    write_scripts(sessions, seed),
                    field,
                    lambda over: progress.advance(task, over),
                )
    finally:
        await asyncio.shield(database.client.drop_database(own))


def _progress() -> Progress:
    return Progress(
        TextColumn("[bold]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=err(),
    )


def _report(report: StormReport, sessions: int, seed: int, took_s: float) -> None:
    rows = [
        (name, *(report.counts[provider][key] for provider in PROVIDERS)) for name, key in _FIGURES
    ]
    show_table(("", *PROVIDERS), rows, empty="")
    for difference in report.differences[:_SHOWN]:
        say(difference)
    if report.differences:
        raise StormFoundFaults(
            f"{len(report.differences)} things differ from the model. "
            f"`--sessions {sessions} --seed {seed}` repeats it."
        )
    say(f"{sessions} sessions in {took_s:.0f} s, seed {seed}: all end as the model says.")
