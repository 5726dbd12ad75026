"""`tillgate events backfill`: read stored events anew by the code of today."""

from datetime import UTC, datetime
from pathlib import Path

import rich_click as click
from click.exceptions import Exit

from service.cli.container import with_container
from service.cli.options import data_dir_option, merchant_option, operator
from service.cli.screen import say, show_table
from service.cli.signals import told_to_stop
from service.core.paging import cursor_of
from service.effects.backfill import Chosen, Doing, Report, backfill
from service.effects.differences import Difference
from service.effects.rereading import Reread
from service.providers.registry import REGISTRY
from service.wiring import Container

STOPPED = 130
_LONGEST_SHOWN = 80
_TIMES = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%SZ"])


@click.command()
@click.option("--type", "type_", required=True, help="The provider's type of event.")
@click.option("--since", required=True, type=_TIMES, help="When they came, at the earliest (UTC).")
@click.option("--provider", type=click.Choice(tuple(REGISTRY)), help="Whose events; all of them.")
@click.option("--dry-run", is_flag=True, help="Tell what would be changed, and change nothing.")
@click.option("--cursor", help="Where a run that was stopped told to go on.")
@merchant_option
@data_dir_option
def command(
    data_dir: Path, since: datetime, merchant: str, *, dry_run: bool, **options: str | None
) -> None:
    """Translate stored events anew, and fill in what today's code reads of them besides.

    Tells what differs: the facts that each event's row has, and the rows of the ledger. No session
    is moved, no review opened, nothing sent. An event that means something else by now is named:
    `tillgate events replay` applies it. Events whose payload was stripped or cut, and hints, are
    left alone. Run it as often as you like; Ctrl-C ends it after the event at hand.
    """
    chosen = Chosen(
        type=str(options["type_"]),
        since=since.replace(tzinfo=UTC),
        provider=options["provider"],
        after=cursor_of(options["cursor"]),
    )

    async def work(container: Container) -> Report:
        with told_to_stop() as stopping:
            doing = Doing(dry_run, stopping)
            return await backfill(chosen, operator(merchant), container.inbox, doing)

    _show(with_container(data_dir, work), dry_run=dry_run)


def _show(report: Report, *, dry_run: bool) -> None:
    rows = [line for one in report.first for line in _lines(one)]
    nothing = "Nothing differs." if report.read else "No event of this type has come since."
    show_table(("event", "field", "then", "now"), rows, empty=nothing)
    filled = "To be filled in" if dry_run else "Filled in"
    say(
        f"Events read: {report.read}. {filled}: the facts of {report.facts}, the ledger rows of "
        f"{report.rows}. To be replayed: {report.replay}."
    )
    for reason, count in sorted(report.skipped.items()):
        say(f"{count} left alone: {reason}")
    if report.stopped_at is not None:
        say(f"Stopped. Go on with --cursor {report.stopped_at.encode()}")
        raise Exit(STOPPED)


def _lines(one: Reread) -> list[tuple[str, str, str, str]]:
    label = "replay: facts" if one.replay else "facts"
    facts = [_line(one.event_id, f"{label}.{found.field}", found) for found in one.facts]
    return [*facts, *(_line(one.event_id, found.field, found) for found in one.rows)]


def _line(event_id: str, field: str, found: Difference) -> tuple[str, str, str, str]:
    return event_id, field, _shown(found.then), _shown(found.now)


def _shown(value: object) -> str:
    text = "-" if value is None else str(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"
