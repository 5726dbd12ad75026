"""`tillgate outbox`: what could not be delivered to a subscriber, and having it delivered again."""

from pathlib import Path
from typing import get_args

import rich_click as click

from service.cli.database import with_database
from service.cli.listing import Found, lists, page_of
from service.cli.options import data_dir_option, operator
from service.cli.screen import say
from service.core.clock import SystemClock
from service.core.paging import Cursor, cursor_of
from service.outbox.documents import Delivery
from service.outbox.operations.dead_letters import (
    WHY_GIVEN_UP,
    DeliveryFilter,
    Listed,
    find_delivery,
    list_deliveries,
    redeliver,
)
from service.settings import Settings
from service.storage.database import Database


@click.group()
def command() -> None:
    """List what could not be delivered to a subscriber, and have it delivered again."""


@command.command("list")
@click.option("--status", type=click.Choice(get_args(Listed)), default="dead", show_default=True)
@click.option("--subscriber", help="Deliveries to one subscriber.")
@click.option("--merchant", help="Deliveries of one merchant; otherwise of all.")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@click.option("--cursor", help="Where the last page ended.")
@data_dir_option
@lists
def list_all(data_dir: Path, merchant: str | None, limit: int, **options: str | None) -> Found:
    """List deliveries that were given up, or that wait, newest first."""
    status: Listed = "pending" if options["status"] == "pending" else "dead"
    filters = DeliveryFilter(status, options["subscriber"])
    place = cursor_of(options["cursor"])

    async def work(_: Settings, __: Database) -> tuple[list[Delivery], Cursor | None]:
        return await list_deliveries(merchant, filters, cursor=place, limit=limit)

    found, following = with_database(data_dir, work)
    dead = status == "dead"
    when = "given up after" if dead else "next attempt"
    columns = ("created", "merchant", "lane", "attempts", when, "error", "id")
    empty = "Nothing was given up." if dead else "Nothing waits to be delivered."
    rows = [_line(one) for one in found]
    notes = [f"{WHY_GIVEN_UP} tillgate outbox redeliver ID"] if dead and found else []
    return page_of("deliveries", columns, rows, following, empty=empty, notes=notes)


@command.command("redeliver")
@click.argument("delivery_id", metavar="ID")
@data_dir_option
def again(delivery_id: str, data_dir: Path) -> None:
    """Have a delivery tried at once: a dead one, one that waits, or one that is done.

    A running server delivers it, or the next `tillgate jobs run outbox`.
    """

    async def work(_: Settings, __: Database) -> Delivery:
        found = await find_delivery(delivery_id, None)
        return await redeliver(found, operator(found.merchant_id), SystemClock())

    found = with_database(data_dir, work)
    say(
        f"{found.id} is due again, after {found.attempts} attempts: a running server delivers it "
        "now, or `tillgate jobs run outbox`."
    )


def _line(delivery: Delivery) -> tuple[object, ...]:
    when = delivery.give_up_at if delivery.status == "dead" else delivery.next_attempt_at
    return (
        *(delivery.created_at, delivery.merchant_id, delivery.lane, delivery.attempts, when),
        *(delivery.error, delivery.id),
    )
