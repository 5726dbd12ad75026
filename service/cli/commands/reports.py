"""`tillgate reports`: weeks and months of a merchant, and whether closed ones are as they were."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import rich_click as click
from msgspec import Struct

from service.analytics.operations.services import Shown, shown_as
from service.cli.container import T, with_container
from service.cli.database import with_database
from service.cli.listing import Facts, Found, Rows, lists, page_of
from service.cli.options import data_dir_option, merchant_option, operator
from service.core.paging import cursor_of
from service.jobs.operations.run import run_job
from service.reports.operations.reading import list_reports
from service.reports.operations.table import REPORTS
from service.reports.operations.tables import COLUMNS, Line, monthly_lines
from service.reports.operations.verifying import Verified, verify_reports
from service.reports.schemas.asking import month_answer, week_answer
from service.reports.schemas.weekly import weekly_lines
from service.settings import Settings
from service.storage.database import Database
from service.wiring import Container

_currency = click.option("--currency", help="As USD; the merchant's own, unless named.")


@click.group()
def command() -> None:
    """See the weeks and months of a merchant, close those that are due, verify those that are."""


@command.command("list")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@click.option("--cursor", help="Where the page before told to go on.")
@merchant_option
@data_dir_option
@lists
def list_all(data_dir: Path, merchant: str, *, limit: int, cursor: str | None) -> Found:
    """List the months that are closed, the last closed first."""

    async def work(_: Settings, __: Database) -> Found:
        found, following = await list_reports(merchant, cursor=cursor_of(cursor), limit=limit)
        rows = [(one.month, one.currency, one.timezone, one.closed_at, one.hash) for one in found]
        columns = ("month", "currency", "timezone", "closed at", "hash")
        return page_of("reports", columns, rows, following, empty="No month is closed yet.")

    return with_database(data_dir, work)


@command.command("month")
@click.argument("month", required=False)
@_currency
@merchant_option
@data_dir_option
@lists
def month(month: str | None, *, currency: str | None, merchant: str, data_dir: Path) -> Found:
    """Show a MONTH (2026-11; else this one) as it was closed, or as it stands now."""

    answer = _answered(data_dir, merchant, currency, lambda shown: month_answer(shown, month))
    return _shown(answer, monthly_lines(answer.report, answer.as_of, answer.hash), answer.refused)


@command.command("week")
@click.argument("day", required=False)
@_currency
@merchant_option
@data_dir_option
@lists
def week(day: str | None, *, currency: str | None, merchant: str, data_dir: Path) -> Found:
    """Show the week of a DAY (2026-11-22; else this one), as it stands now."""

    answer = _answered(data_dir, merchant, currency, lambda shown: week_answer(shown, day))
    return _shown(answer, weekly_lines(answer))


@command.command("close")
@click.option("--dry-run", is_flag=True, help="Count what would be closed, and touch nothing.")
@data_dir_option
@lists
def close(data_dir: Path, *, dry_run: bool) -> Found:
    """Close the months that are due, of all merchants, and tell of weeks that are over.

    A month is due three days after its end. Ends with 1 where one can't be closed.
    """

    async def work(container: Container) -> Found:
        report = await run_job(REPORTS.name, container.job_table, operator(), dry_run=dry_run)
        counts = {name.replace("_", " "): value for name, value in vars(report).items()}
        refused = report.figures()["refused"]
        why = "The answer about the month says why it is refused: tillgate reports month."
        return Found([Facts("run", counts)], notes=[why] if refused else [], wrong=bool(refused))

    return with_container(data_dir, work)


@command.command("verify")
@click.option("--merchant", help="Whose reports; those of all merchants, unless named.")
@data_dir_option
@lists
def verify(data_dir: Path, *, merchant: str | None) -> Found:
    """Hold closed reports against their hashes, and these against the trail.

    Ends with 1 where one is not what was closed.
    """

    async def work(_: Settings, __: Database) -> Verified:
        return await verify_reports(merchant)

    found = with_database(data_dir, work)
    rows = [(one.report_id, one.what) for one in found.faults]
    faults = Rows("faults", ("report", "what is wrong"), rows)
    said = "They are what was closed." if not rows else f"{len(rows)} are not what was closed."
    notes = [f"{found.count} reports were looked at. {said}"]
    return Found([Facts("verified", {"count": found.count}), faults], notes=notes, wrong=bool(rows))


def _answered(
    data_dir: Path, merchant: str, currency: str | None, read: Callable[[Shown], Awaitable[T]]
) -> T:
    async def work(container: Container) -> T:
        return await read(await shown_as(container.figures, merchant, None, currency))

    return with_container(data_dir, work)


def _shown(answer: Struct, lines: Sequence[Line], refused: str | None = None) -> Found:
    """Return a report as its table has it; programs read what the route answers."""
    columns = [name.lower() for name in COLUMNS]
    note = f"It can't be closed: {refused}"
    amounts = "Amounts are in minor units."
    notes = [amounts, *([note] if refused else [])]
    return Found([Rows("lines", columns, lines)], answer=answer, notes=notes)
