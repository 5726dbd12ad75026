"""`tillgate endpoints`: the merchants' servers that are told of events, and what came of it."""

from pathlib import Path

import rich_click as click

from service.cli.database import with_database
from service.cli.listing import Found, lists, page_of
from service.cli.options import data_dir_option, merchant_option, operator
from service.cli.screen import say, show
from service.core.clock import SystemClock
from service.core.paging import Cursor, cursor_of
from service.core.words import counted, moment
from service.notifications.endpoints.documents import WebhookDelivery, WebhookEndpoint
from service.notifications.endpoints.operations.browse import list_endpoints, list_sent
from service.notifications.endpoints.operations.changing import (
    Told,
    add_endpoint,
    change_endpoint,
    remove_endpoint,
    rotate_secret,
)
from service.notifications.endpoints.operations.sending_again import (
    resend_event,
    send_test,
)
from service.notifications.endpoints.operations.sending_missed import walk_since
from service.notifications.endpoints.schemas import AddEndpoint, ChangeEndpoint, Resend
from service.notifications.endpoints.states import DeliveryStatus
from service.parts import build_endpoints
from service.settings import Settings
from service.storage.database import Database
from service.web.wire import decode_wire_model

_endpoint = click.argument("endpoint_id", metavar="ID")
_SENDS = "a running server sends it now"


@click.group()
def command() -> None:
    """Tell a merchant's own server what happens, and see what it answered.

    Each event is signed as Standard Webhooks says. A running server notices changes within ten
    seconds.
    """


@command.command("list")
@merchant_option
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@click.option("--cursor", help="Where the last page ended.")
@data_dir_option
@lists
def list_all(merchant: str, limit: int, cursor: str | None, data_dir: Path) -> Found:
    """List a merchant's endpoints, newest first."""
    place = cursor_of(cursor)

    async def work(_: Settings, __: Database) -> tuple[list[WebhookEndpoint], Cursor | None]:
        return await list_endpoints(merchant, cursor=place, limit=limit)

    found, following = with_database(data_dir, work)
    rows = [(one.id, one.url, " ".join(one.events), _state(one), one.created_at) for one in found]
    columns = ("id", "url", "events", "state", "created")
    return page_of("endpoints", columns, rows, following, empty="There are no endpoints.")


@command.command("add")
@click.argument("url")
@click.option(
    "--events", default="*", help="Which ones, as session.*,refund.succeeded; otherwise all."
)
@click.option("--description", help="What people read.")
@click.option("--header", "headers", multiple=True, help="Sent along: 'Name: value'.")
@click.option("--ordered", is_flag=True, help="Those of a session one after the other.")
@click.option("--whole", is_flag=True, help="With the object that they are about.")
@merchant_option
@data_dir_option
def add(url: str, merchant: str, data_dir: Path, **given: object) -> None:
    """Add an endpoint; its secret is shown this once."""
    sent: dict[str, object] = {"url": url, "events": _several(given["events"])}
    if given["description"] is not None:
        sent["description"] = given["description"]
    if given["headers"]:
        sent["headers"] = _headers(given["headers"])
    sent |= {"ordered": given["ordered"], "thin": not given["whole"]}
    asked = decode_wire_model(AddEndpoint, sent)
    assert isinstance(asked, AddEndpoint)  # noqa: S101 - the model that was asked for

    async def work(settings: Settings, _: Database) -> Told:
        services = build_endpoints(settings, SystemClock())
        return await add_endpoint(services, asked.wish(), operator(merchant))

    told = with_database(data_dir, work)
    since = moment(told.endpoint.active_from)
    say(f"Endpoint {told.endpoint.id} hears what is written from {since} on.")
    say("Its secret, which is shown this once:")
    show(told.secret)


@command.command("set")
@_endpoint
@click.option("--url")
@click.option("--events", help="Replaces all of them: session.*,refund.succeeded.")
@click.option("--description", help="What people read.")
@click.option("--header", "headers", multiple=True, help="Replaces all: 'Name: value'.")
@click.option("--no-headers", is_flag=True, help="None of its own is sent any more.")
@click.option("--ordered/--unordered", default=None, help="Those of a session one after the other.")
@click.option("--whole/--thin", default=None, help="With the object that they are about.")
@click.option("--enable/--disable", "enabled", default=None, help="Whether anything is sent.")
@merchant_option
@data_dir_option
def set_one(
    endpoint_id: str, merchant: str, data_dir: Path, url: str | None, **given: object
) -> None:
    """Change where an endpoint is, what it hears, or whether anything is sent there.

    Where it moves to another host its headers are to be named again.
    """
    sent = {"url": url} | {name: given[name] for name in ("description", "ordered", "enabled")}
    if given["events"] is not None:
        sent["events"] = _several(given["events"])
    if given["whole"] is not None:
        sent["thin"] = not given["whole"]
    if given["headers"] or given["no_headers"]:
        sent["headers"] = _headers(given["headers"])
    named = {name: value for name, value in sent.items() if value is not None}
    if not named:
        raise click.UsageError("Say what to change: see `tillgate endpoints set --help`.")
    asked = decode_wire_model(ChangeEndpoint, named)
    assert isinstance(asked, ChangeEndpoint)  # noqa: S101 - the model that was asked for

    async def work(settings: Settings, _: Database) -> WebhookEndpoint:
        services = build_endpoints(settings, SystemClock())
        return await change_endpoint(services, endpoint_id, asked.wish(), operator(merchant))

    say(f"Endpoint {endpoint_id} is {_state(with_database(data_dir, work))}.")


@command.command("remove")
@_endpoint
@merchant_option
@data_dir_option
def remove(endpoint_id: str, merchant: str, data_dir: Path) -> None:
    """Remove an endpoint; what waits for it is canceled."""

    async def work(settings: Settings, _: Database) -> None:
        services = build_endpoints(settings, SystemClock())
        await remove_endpoint(services, endpoint_id, operator(merchant))

    with_database(data_dir, work)
    say(f"Endpoint {endpoint_id} is removed.")


@command.command("rotate")
@_endpoint
@merchant_option
@data_dir_option
def rotate(endpoint_id: str, merchant: str, data_dir: Path) -> None:
    """Make a new secret; the one before still signs for a day."""

    async def work(settings: Settings, _: Database) -> Told:
        services = build_endpoints(settings, SystemClock())
        return await rotate_secret(services, endpoint_id, operator(merchant))

    told = with_database(data_dir, work)
    say("Its new secret, which is shown this once; the one before signs, too, for 24 hours:")
    show(told.secret)


@command.command("test")
@_endpoint
@merchant_option
@data_dir_option
def test(endpoint_id: str, merchant: str, data_dir: Path) -> None:
    """Send an event that says nothing, to see whether it arrives."""

    async def work(settings: Settings, _: Database) -> WebhookDelivery:
        services = build_endpoints(settings, SystemClock())
        return await send_test(services, endpoint_id, operator(merchant))

    sent = with_database(data_dir, work)
    say(f"Event {sent.event_id} is due: {_SENDS}. tillgate endpoints sent {endpoint_id}")


@command.command("sent")
@_endpoint
@click.option("--status", type=click.Choice([one.value for one in DeliveryStatus]))
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@click.option("--cursor", help="Where the last page ended.")
@merchant_option
@data_dir_option
@lists
def sent(endpoint_id: str, merchant: str, data_dir: Path, limit: int, **given: str | None) -> Found:
    """List what was sent to an endpoint, newest first, and what it answered last."""
    status = DeliveryStatus(given["status"]) if given["status"] else None
    place = cursor_of(given["cursor"])

    async def work(_: Settings, __: Database) -> tuple[list[WebhookDelivery], Cursor | None]:
        return await list_sent(endpoint_id, merchant, status, cursor=place, limit=limit)

    found, following = with_database(data_dir, work)
    columns = ("created", "event", "type", "session", "status", "tries", "last")
    rows = [_line(one) for one in found]
    return page_of("deliveries", columns, rows, following, empty="Nothing was sent there.")


@command.command("resend")
@_endpoint
@click.option("--event", "event_id", help="This event, whatever became of it.")
@click.option("--since", help="All that was not taken there since: 2026-11-22T12:00:00Z.")
@merchant_option
@data_dir_option
def resend(
    endpoint_id: str, merchant: str, data_dir: Path, event_id: str | None, since: str | None
) -> None:
    """Send one event again, or all since a time that were not taken."""
    if (event_id is None) == (since is None):
        raise click.UsageError("Name --event or --since, one of the two.")
    given = {"eventId": event_id, "since": since}
    asked = decode_wire_model(Resend, {name: it for name, it in given.items() if it is not None})
    assert isinstance(asked, Resend)  # noqa: S101 - the model that was asked for

    async def work(settings: Settings, _: Database) -> int:
        services, by, count = build_endpoints(settings, SystemClock()), operator(merchant), 0
        if asked.event_id is not None:
            await resend_event(services, endpoint_id, asked.event_id, by)
            return 1
        assert asked.since is not None  # noqa: S101 - one of the two was given
        async for resent in walk_since(services, endpoint_id, asked.since, by):
            count += resent.count
        return count

    count = with_database(data_dir, work)
    say(f"{counted(count, 'event is', 'events are')} due: {_SENDS}.")


def _several(value: object) -> list[str]:
    return [one.strip() for one in str(value).split(",")]


def _headers(value: object) -> dict[str, str]:
    given = [str(one) for one in value] if isinstance(value, tuple) else []
    if not all(":" in one for one in given):
        raise click.BadParameter("takes 'Name: value'", param_hint="--header")
    named = [one.partition(":") for one in given]
    return {name.strip(): value.strip() for name, _, value in named}


def _state(endpoint: WebhookEndpoint) -> str:
    if endpoint.disabled is not None:
        return f"disabled ({endpoint.disabled.reason.replace('_', ' ')})"
    return "failing" if endpoint.failing_since is not None else "active"


def _line(one: WebhookDelivery) -> tuple[object, ...]:
    last = one.attempts[-1] if one.attempts else None
    said = (last.error or last.status) if last is not None else None
    return (
        *(one.created_at, one.event_id, one.type, one.session_id, one.status.value),
        *(one.tries, said),
    )
