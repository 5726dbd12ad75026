"""`tillgate alerts`: what a person must hear of; looking now, and closing by hand."""

from pathlib import Path

import rich_click as click

from service.cli.container import with_container
from service.cli.database import with_database
from service.cli.listing import Cell, Found, lists, page_of
from service.cli.options import data_dir_option, operator
from service.cli.screen import say
from service.core.clock import SystemClock
from service.core.paging import Cursor, cursor_of
from service.core.words import age
from service.jobs.operations.run import run_job
from service.notifications.alerts.documents import Alert
from service.notifications.alerts.operations.browse import list_alerts, open_alerts
from service.notifications.alerts.operations.close import close_alert, find_alert
from service.notifications.alerts.operations.table import ALERTS
from service.notifications.alerts.states import STATUSES, AlertStatus
from service.settings import Settings
from service.storage.database import Database
from service.wiring import Container

_MOST = 100
_NONE = "Nothing is open."


@click.group()
def command() -> None:
    """List what a person must hear of, look now, close one by hand."""


@command.command("list")
@click.option("--status", type=click.Choice(STATUSES), default="open", show_default=True)
@click.option("--merchant", help="Alerts of one merchant; otherwise of all.")
@click.option("--limit", type=click.IntRange(1, _MOST), default=20, show_default=True)
@click.option("--cursor", help="Where the last page ended.")
@data_dir_option
@lists
def list_all(
    status: AlertStatus, merchant: str | None, limit: int, cursor: str | None, data_dir: Path
) -> Found:
    """List alerts, newest first, with what to do about each."""
    place = cursor_of(cursor)

    async def work(_: Settings, __: Database) -> tuple[list[Alert], Cursor | None]:
        return await list_alerts(merchant, status, cursor=place, limit=limit)

    found, following = with_database(data_dir, work)
    return _page(found, following, _NONE if status == "open" else f"None is {status}.")


@command.command("close")
@click.argument("alert_id", metavar="ID")
@click.option("--reason", required=True, help="Stands in the audit trail and in the message.")
@data_dir_option
def close(alert_id: str, reason: str, data_dir: Path) -> None:
    """Close an alert: nobody is told of it again.

    The same opens another one only once its condition was over.
    """

    async def work(_: Settings, __: Database) -> Alert:
        found = await find_alert(alert_id, None)
        return await close_alert(found, reason, operator(found.merchant_id), SystemClock())

    found = with_database(data_dir, work)
    say(f"{found.id} ({found.rule}) is {found.status}.")


@command.command("check")
@data_dir_option
@lists
def check(data_dir: Path) -> Found:
    """Look at all conditions now, as the job does each minute, and list what is open."""

    async def work(container: Container) -> list[Alert]:
        await run_job(ALERTS.name, container.job_table, operator())
        return await open_alerts(None, _MOST)

    return _page(with_container(data_dir, work), None, _NONE)


def _page(found: list[Alert], following: Cursor | None, empty: str) -> Found:
    now = SystemClock().now()
    columns = ("since", "rule", "merchant", "about", "what", "id")
    rows = [
        (
            *(Cell(age(now - one.opened_at), one.opened_at), one.rule, one.merchant_id),
            *(one.subject, one.what, one.id),
        )
        for one in found
    ]
    return page_of("alerts", columns, rows, following, empty=empty)
