"""`tillgate sessions`: which there are, how one stands and why, and what touched it."""

from pathlib import Path

import rich_click as click
from msgspec.structs import replace

from service.cli.database import with_database
from service.cli.listing import Facts, Found, Rows, lists, page_of
from service.cli.options import data_dir_option, merchant_option, operator
from service.core.clock import SystemClock
from service.core.paging import Cursor, cursor_of, next_cursor
from service.providers.money import to_major
from service.providers.registry import REGISTRY
from service.sessions.documents import Session
from service.sessions.operations.caller import Caller
from service.sessions.operations.find_session import Listed, list_sessions
from service.sessions.schemas.answers import SessionsAnswer, listed_view
from service.sessions.states import Status, status_at
from service.settings import Settings
from service.storage.database import Database
from service.timeline.operations.find_named import session_named
from service.timeline.operations.gather import Timeline, timeline
from service.timeline.schemas import timeline_view

_the_session = click.argument("any_id", metavar="ID")


@click.group()
def command() -> None:
    """Look at sessions: which there are, how one stands and why, what touched it.

    ID is the session's, or any that leads to it: of its checkout, its payment, a refund of it.
    """


@command.command("list")
@click.option("--status", type=click.Choice([one.value for one in Status]))
@click.option("--provider", type=click.Choice(tuple(REGISTRY)))
@click.option("--user", help="Sessions of one user.")
@click.option("--email", help="Sessions of one email address.")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@click.option("--cursor", help="Where the last page ended.")
@merchant_option
@data_dir_option
@lists
def list_all(data_dir: Path, merchant: str, limit: int, **given: str | None) -> Found:
    """List sessions, newest first."""
    now = SystemClock().now()
    wanted = Listed(
        merchant_id=merchant,
        now=now,
        user_id=given["user"],
        email=given["email"],
        status=Status(given["status"]) if given["status"] else None,
        provider=given["provider"],
    )
    place = cursor_of(given["cursor"])

    async def work(_: Settings, __: Database) -> tuple[list[Session], Cursor | None]:
        return await list_sessions(wanted, _caller(merchant), cursor=place, limit=limit)

    found, following = with_database(data_dir, work)
    rows = [
        (
            *(one.created_at, status_at(one.status, one.expires_at, now).value),
            *(_price(one), one.provider, one.user_id, one.session_id),
        )
        for one in found
    ]
    columns = ("opened", "status", "amount", "provider", "user", "id")
    views = [listed_view(one, now) for one in found]
    page = page_of("sessions", columns, rows, following, empty="There are no such sessions.")
    return replace(page, answer=SessionsAnswer(views, next_cursor(following)))


@command.command("show")
@_the_session
@merchant_option
@data_dir_option
@lists
def show_one(any_id: str, merchant: str, data_dir: Path) -> Found:
    """Show how a session stands, and why."""
    found = _timeline(any_id, merchant, data_dir)
    one, now = found.session, SystemClock().now()
    facts = {
        "id": one.session_id,
        "status": status_at(one.status, one.expires_at, now).value,
        "why": found.why,
        "amount": _price(one),
        "provider": one.provider,
        "for": one.plan or one.pass_id or one.event_id,
        "user": one.user_id,
        "payment": one.provider_payment_id,
        "opened": one.created_at,
        "expires": one.expires_at,
        "completed": one.completed_at,
    }
    answer = timeline_view(found, _caller(merchant), now)
    return Found([Facts("session", facts)], answer=answer)


@command.command("timeline")
@_the_session
@merchant_option
@data_dir_option
@lists
def show_timeline(any_id: str, merchant: str, data_dir: Path) -> Found:
    """List everything that touched a session, oldest first, and why it is in its state."""
    found = _timeline(any_id, merchant, data_dir)
    rows = [(one.at, one.what, one.summary) for one in found.entries]
    answer = timeline_view(found, _caller(merchant), SystemClock().now())
    entries = Rows("entries", ("at", "kind", "what"), rows)
    return Found([entries], answer=answer, notes=[found.why])


def _timeline(any_id: str, merchant: str, data_dir: Path) -> Timeline:
    async def work(_: Settings, __: Database) -> Timeline:
        caller = _caller(merchant)
        session = await session_named(any_id, caller)
        return await timeline(session.session_id, caller, SystemClock().now())

    return with_database(data_dir, work)


def _caller(merchant: str) -> Caller:
    return Caller(operator(merchant))


def _price(session: Session) -> str:
    amount = to_major(session.amount, session.provider, session.currency)
    return f"{amount} {session.currency}"
