"""`tillgate events`: the inbox of webhooks, and sending one for development."""

import json
from pathlib import Path

import rich_click as click

from service.cli.container import with_container
from service.cli.database import with_database
from service.cli.development.commands import ExtensionCommand
from service.cli.lazy import Lazy, LazyCommand, LazyGroup
from service.cli.listing import Found, Rows, lists, page_of
from service.cli.options import data_dir_option, merchant_option, operator
from service.cli.screen import say, show
from service.core.paging import Cursor, cursor_of
from service.inbox.documents import WebhookEvent, WebhookRejection
from service.inbox.operations.browse import EventFilter, find_event, list_events, list_rejections
from service.inbox.operations.inbox import Receipt
from service.inbox.operations.replay import replay_event, retry_by_hand
from service.inbox.states import InboxStatus
from service.providers.registry import REGISTRY
from service.settings import Settings
from service.storage.database import Database
from service.wiring import Container

_PROVIDERS = click.Choice(tuple(REGISTRY))

_COMMANDS: dict[str, Lazy] = {
    "backfill": LazyCommand(
        "service.cli.commands.backfill",
        "Read stored events anew, and fill in what today's code reads of them besides.",
    ),
    "send": ExtensionCommand(
        "send", "Post a genuinely signed, genuinely shaped event to a development server."
    ),
}


@click.group(cls=LazyGroup, lazy=_COMMANDS)
def command() -> None:
    """Look at webhook events, apply them again, and send one to a development server."""


@command.command("list")
@click.option("--status", type=click.Choice([status.value for status in InboxStatus]))
@click.option("--type", "type_", help="The provider's type of event.")
@click.option("--provider", type=_PROVIDERS)
@click.option("--session", "session_id", help="Events of one session.")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@click.option("--cursor", help="Where the last page ended.")
@merchant_option
@data_dir_option
@lists
def list_all(data_dir: Path, merchant: str, **options: str | None) -> Found:
    """List events, newest first."""
    filters = EventFilter(
        status=InboxStatus(options["status"]) if options["status"] else None,
        type=options["type_"],
        provider=options["provider"],
        session_id=options["session_id"],
    )
    place = cursor_of(options["cursor"])
    limit = int(options["limit"] or 0)

    async def work(_: Settings, __: Database) -> tuple[list[WebhookEvent], Cursor | None]:
        return await list_events(merchant, filters, cursor=place, limit=limit)

    events, following = with_database(data_dir, work)
    rows = [
        (event.received_at, event.status, event.type, event.session_id, event.reason, event.id)
        for event in events
    ]
    columns = ("received", "status", "type", "session", "reason", "id")
    return page_of("events", columns, rows, following, empty="There are no such events.")


@command.command("show")
@click.argument("event_id", metavar="ID")
@merchant_option
@data_dir_option
def show_one(event_id: str, merchant: str, data_dir: Path) -> None:
    """Print one event with its payload, as JSON."""

    async def work(_: Settings, __: Database) -> WebhookEvent:
        return await find_event(merchant, event_id)

    event = with_database(data_dir, work)
    shown = event.model_dump(mode="json", by_alias=True, exclude={"payload", "revision_id"})
    shown["payload"] = _readable(event.payload)
    show(json.dumps(shown, indent=2, ensure_ascii=False))


@command.command("replay")
@click.argument("event_id", metavar="ID")
@merchant_option
@data_dir_option
def replay(event_id: str, merchant: str, data_dir: Path) -> None:
    """Apply a stored event again, on the record; what was done is not done twice."""

    async def work(container: Container) -> Receipt:
        return await replay_event(event_id, operator(merchant), container.inbox)

    receipt = with_container(data_dir, work)
    show("duplicate" if receipt.duplicate else receipt.outcome.value)
    if receipt.session_id:
        say(f"of session {receipt.session_id}")


@command.command("retry")
@click.option("--limit", type=click.IntRange(1, 10_000), default=500, show_default=True)
@data_dir_option
def retry(limit: int, data_dir: Path) -> None:
    """Apply the waiting events that are due: parked ones and failed ones."""

    async def work(container: Container) -> int:
        return await retry_by_hand(container.inbox, operator(), limit=limit)

    say(f"{with_container(data_dir, work)} events were tried.")


@command.command("rejected")
@click.option("--provider", type=_PROVIDERS)
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
@data_dir_option
@lists
def rejected(provider: str | None, limit: int, data_dir: Path) -> Found:
    """List deliveries that were not believed, newest first, and count them by reason."""

    async def work(_: Settings, __: Database) -> tuple[list[WebhookRejection], dict[str, int]]:
        return await list_rejections(provider, limit)

    rejections, counts = with_database(data_dir, work)
    rows = [
        (row.at, row.provider, row.reason, row.size, row.sender, row.deliveries)
        for row in rejections
    ]
    columns = ("at", "provider", "reason", "bytes", "sender", "deliveries")
    notes = [f"{name} {count}" for name, count in sorted(counts.items())]
    return Found([Rows("rejections", columns, rows, "Nothing was rejected.")], notes=notes)


def _readable(payload: bytes) -> object:
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode(errors="replace")
