"""`tillgate jobs`: run by hand, or from a machine's cron, what a CronJob calls over HTTP."""

from pathlib import Path

import rich_click as click

from service.cli.database import with_database
from service.cli.options import data_dir_option, operator
from service.cli.screen import show_table
from service.core.clock import SystemClock
from service.retention.operations.cleanup import JOBS
from service.retention.operations.report import Report
from service.retention.operations.run import run_job
from service.settings import Settings
from service.storage.database import Database
from service.wiring import build_container, close_providers

DOES = {
    "cleanup": "all of it: expires, retries, delivers, and deletes what was kept long enough",
    "events": "applies waiting events again",
    "peppers": "counts what still hangs on older entries of PII_PEPPER; changes nothing",
    "outbox": "delivers due messages: captures, closed checkouts",
}


@click.group()
def command() -> None:
    """List and run the jobs. Two runs of one job at once do the work once."""


@command.command("list")
def list_all() -> None:
    """List the jobs."""
    show_table(("job", "does"), [(name, DOES[name]) for name in JOBS], empty="")


@command.command("run")
@click.argument("name", type=click.Choice(list(JOBS)))
@click.option("--dry-run", is_flag=True, help="Count what it would do, and touch nothing.")
@data_dir_option
def run(name: str, *, dry_run: bool, data_dir: Path) -> None:
    """Run a job, directly on the database."""

    async def work(settings: Settings, database: Database) -> Report:
        container = build_container(settings, SystemClock(), database)
        try:
            return await run_job(name, container.jobs, operator(), dry_run=dry_run)
        finally:
            await close_providers(container.providers)

    figures = vars(with_database(data_dir, work))
    rows = [(figure.replace("_", " "), value) for figure, value in figures.items()]
    show_table(("", "would be" if dry_run else "done"), rows, empty="")
