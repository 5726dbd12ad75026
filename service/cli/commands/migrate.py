"""`tillgate migrate`: bring the database of an older version to this version's layout."""

from pathlib import Path

import rich_click as click
from click.exceptions import Exit

from service.cli.database import with_database
from service.cli.options import data_dir_option, operator
from service.cli.screen import say, show_table, warn
from service.core.clock import SystemClock
from service.migrations.documents import Migration
from service.migrations.operations import Planned, migrate, plan
from service.migrations.steps.step import Counts
from service.settings import Settings
from service.storage.database import Database
from service.storage.indexes import Drift
from service.stored import DOCUMENTS, drift_of

BEHIND = 3


@click.command()
@click.option("--dry-run", is_flag=True, help="Tell what would be changed, and change nothing.")
@click.option(
    "--again",
    is_flag=True,
    help="Run all of them, also what is done: an older version has written since.",
)
@data_dir_option
def command(data_dir: Path, *, dry_run: bool, again: bool) -> None:
    """Bring the database to this version's layout, and make the indexes that are missing.

    Stop the older version first: what it writes meanwhile has its own layout. Each step runs once,
    one run at a time; the next run continues one that was killed. Ends with 0 when the layout
    is this version's, with 1 when something failed or it is a newer version's, with 3 after
    --dry-run if there is work left.
    """
    if dry_run:

        async def look(_: Settings, database: Database) -> tuple[list[Planned], list[Drift]]:
            planned = await plan(database, again=again)
            return planned, await drift_of(database)

        _show_plan(*with_database(data_dir, look, prepare=False))
        return

    async def work(_: Settings, database: Database) -> tuple[list[Migration], list[Drift]]:
        return await migrate(database, DOCUMENTS, SystemClock(), operator(), again=again)

    ran, drift = with_database(data_dir, work, prepare=False)
    rows = [(one.id, one.name, f"{one.took_ms} ms", _summary(one.counts)) for one in ran]
    show_table(("number", "migration", "took", "changed"), rows, empty="No migration was left.")
    for one in drift:
        warn(f"index {one}")
    say("The database has the layout of this version.")


def _show_plan(planned: list[Planned], drift: list[Drift]) -> None:
    rows = [
        (
            one.step.number,
            one.step.name,
            f"done {one.done.at:%Y-%m-%d %H:%M}" if one.done else "to do",
            _summary(one.left),
        )
        for one in planned
    ]
    show_table(("number", "migration", "state", "would change"), rows, empty="")
    missing = [f"{one.collection}.{one.index}" for one in drift if one.kind == "missing"]
    if missing:
        say(f"Indexes that would be made: {', '.join(missing)}")
    if missing or any(one.done is None for one in planned):
        raise Exit(BEHIND)


def _summary(counts: Counts) -> str:
    return ", ".join(f"{count} {what}" for what, count in counts.items()) or "-"
