"""`tillgate intents`: watch leads, add them up, export them, clean them up."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import msgspec
import rich_click as click

from service.cli.leads import with_leads, write_leads
from service.cli.listing import Found, Rows, lists
from service.cli.options import data_dir_option, merchant_option, operator
from service.cli.screen import growing_table, say, show
from service.core.money import exponent, to_major
from service.intents.operations.analytics import Analytics, analyze
from service.intents.operations.browse import MOST_DAYS, Wanted, filter_of
from service.intents.operations.cleanup import clean_up
from service.intents.operations.health import health_of, recommendations
from service.intents.operations.orders import Order
from service.intents.operations.services import IntentServices
from service.intents.operations.watch import Counted, count_now
from service.intents.schemas.figures import (
    CleanedView,
    HealthView,
    analytics_answer,
    cleaned_answer,
    health_answer,
)
from service.intents.schemas.queries import Form

_json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
_days_option = click.option(
    "--days", type=click.IntRange(1, MOST_DAYS), default=30, show_default=True
)


@click.group()
def command() -> None:
    """Watch leads, add them up, export them, clean them up."""


@command.command("watch")
@click.option("--interval", type=click.IntRange(1, 3600), default=30, show_default=True)
@_json_option
@merchant_option
@data_dir_option
def watch(interval: int, *, as_json: bool, merchant: str, data_dir: Path) -> None:
    """Say every so many seconds how many leads are new; end it with Ctrl-C."""

    async def work(services: IntentServices) -> None:
        if as_json:
            async for counted in _counted(merchant, services, interval):
                show(_line(counted))
            return
        with growing_table(("at", "new", "total", "today")) as add:
            async for counted in _counted(merchant, services, interval):
                add([*counted.values()])

    with_leads(data_dir, work)


@command.command("health")
@merchant_option
@data_dir_option
@lists
def health(merchant: str, data_dir: Path) -> Found:
    """Show how leads are kept, and what should be done about it."""

    async def work(services: IntentServices) -> HealthView:
        found = await health_of(merchant, services)
        return health_answer(found, recommendations(found, services), services).data

    view = with_leads(data_dir, work)
    return Found([Rows("", ("", ""), _rows(view))], answer=view)


@command.command("stats")
@_days_option
@merchant_option
@data_dir_option
@lists
def stats(days: int, merchant: str, data_dir: Path) -> Found:
    """Show what leads of the last days ask for, and what became of them."""

    async def work(services: IntentServices) -> Analytics:
        wanted = await filter_of(Wanted(days_back=days), merchant, services)
        zone = (await services.merchants.of(merchant)).zone
        return await analyze(wanted, zone, None, services)

    found = with_leads(data_dir, work)
    return Found(_stats(found, days), answer=analytics_answer(found).data)


@command.command("export")
@click.option("--format", "form", type=click.Choice(["csv", "json"]), default="csv")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="Else: stdout.")
@_days_option
@merchant_option
@data_dir_option
def export(form: Form, *, output: Path | None, days: int, merchant: str, data_dir: Path) -> None:
    """Write all leads of the last days to a file, which is made for you alone."""

    async def work(services: IntentServices) -> int:
        wanted = await filter_of(Wanted(days_back=days), merchant, services)
        about = {
            "exportedAt": services.clock.now(),
            "from": wanted.since,
            "until": wanted.until,
            "merchantId": merchant,
        }
        return await write_leads(wanted, form, about, output)

    say(f"{with_leads(data_dir, work)} leads were written.")


@command.command("cleanup")
@click.option("--live", is_flag=True, help="Delete; without it they are only counted.")
@click.option("--days", type=click.IntRange(1, 36_500), help="Keep so many days.")
@click.option("--archive/--no-archive", default=None, help="Write them to INTENT_ARCHIVE_DIR.")
@click.option("--compress", is_flag=True, help="Write .jsonl.gz.")
@merchant_option
@data_dir_option
@lists
def cleanup(
    *,
    live: bool,
    days: int | None,
    archive: bool | None,
    compress: bool,
    merchant: str,
    data_dir: Path,
) -> Found:
    """Delete leads that are older than INTENT_RETENTION_DAYS, or say how many there are."""

    async def work(services: IntentServices) -> CleanedView:
        keep_for = services.keep_for if days is None else timedelta(days=days)
        archiving = services.archive_dir is not None if archive is None else archive
        before = services.clock.now() - keep_for
        order = Order(before, dry_run=not live, archive=archiving and live, compress=compress)
        done = await clean_up(order, operator(merchant), services)
        return cleaned_answer(done, order).data

    done = with_leads(data_dir, work)
    left = not live and done.found
    notes = ["Nothing was deleted. Run it with --live to do so."] if left else []
    return Found([Rows("", ("", ""), _rows(done))], answer=done, notes=notes)


async def _counted(
    merchant: str, services: IntentServices, interval: int
) -> AsyncIterator[dict[str, object]]:
    before: Counted | None = None
    while True:
        now = await count_now(merchant, services)
        yield {
            "at": services.clock.now().isoformat(timespec="seconds"),
            "new": now.total - before.total if before is not None else 0,
            "total": now.total,
            "today": now.today,
        }
        before = now
        await asyncio.sleep(interval)


def _stats(found: Analytics, days: int) -> list[Rows]:
    asked, steps = found.asked, found.funnel
    average = "-" if asked.average is None else _major(asked.average, asked.currency)
    overview = (
        ("leads", asked.intents),
        ("journeys", asked.journeys),
        ("asked for, not paid", _major(asked.amount, asked.currency)),
        ("average", average),
        ("with a session", steps.sessions),
        ("with a checkout", steps.attempted),
        ("paid", steps.paid),
    )
    plans = [
        (one.plan_name, one.steps.intents, _major(one.amount, asked.currency), one.steps.paid)
        for one in found.plans
    ]
    return [
        Rows("overview", ("", f"last {days} days"), overview),
        Rows("plans", ("plan", "leads", "asked for", "paid"), plans, "There are no leads."),
    ]


def _rows(view: msgspec.Struct) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = []
    for name, value in msgspec.to_builtins(view).items():
        listed = value if isinstance(value, list) else [value]
        rows += [(name, _line(one) if isinstance(one, dict) else one) for one in listed]
    return rows


def _line(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _major(amount: int, currency: str) -> str:
    return f"{to_major(amount, exponent(currency))} {currency}"
