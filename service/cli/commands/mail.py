"""`tillgate mail`: what was sent and what was not, a test of the settings, a preview."""

from pathlib import Path

import rich_click as click

from service.cli.database import with_database
from service.cli.listing import Found, lists, page_of
from service.cli.options import data_dir_option, merchant_option, operator
from service.cli.screen import say, show
from service.cli.settings import with_noted_mailbox
from service.core.clock import SystemClock
from service.core.paging import Cursor, cursor_of
from service.notifications.mail.documents import MailMessage
from service.notifications.mail.operations.browse import add_test_mail, list_mails, read_mail
from service.notifications.mail.operations.own_templates import preview
from service.notifications.mail.operations.render import Rendered
from service.notifications.mail.schemas import NoteBounce
from service.notifications.mail.sending.send import send_due
from service.notifications.mail.states import TEMPLATES, MailStatus
from service.parts import build_mail
from service.settings import Settings
from service.storage.database import Database
from service.web.wire import decode_wire_model


@click.group()
def command() -> None:
    """List mails, send one to try the settings, show a template filled in."""


@command.command("list")
@click.option("--status", type=click.Choice([one.value for one in MailStatus]))
@merchant_option
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@click.option("--cursor", help="Where the last page ended.")
@data_dir_option
@lists
def list_all(data_dir: Path, merchant: str, limit: int, **options: str | None) -> Found:
    """List mails, newest first, with masked addresses."""
    status = MailStatus(options["status"]) if options["status"] else None
    place = cursor_of(options["cursor"])

    async def work(_: Settings, __: Database) -> tuple[list[MailMessage], Cursor | None]:
        return await list_mails(merchant, status, cursor=place, limit=limit)

    found, following = with_database(data_dir, work)
    rows = [
        (
            *(one.created_at, one.merchant_id, one.template, one.masked, one.status.value),
            *(one.attempts, one.error, one.id),
        )
        for one in found
    ]
    columns = ("created", "merchant", "template", "to", "status", "tries", "error", "id")
    return page_of("mails", columns, rows, following, empty="There are no mails.")


@command.command("send-test")
@click.argument("address")
@merchant_option
@data_dir_option
@click.pass_context
def send_test(ctx: click.Context, address: str, merchant: str, data_dir: Path) -> None:
    """Send a mail to ADDRESS, and say what the server said. Ends with 1 where it was not taken."""
    decode_wire_model(NoteBounce, {"email": address})

    async def work(settings: Settings, _: Database) -> MailMessage:
        services = build_mail(with_noted_mailbox(settings, data_dir), SystemClock())
        made = await add_test_mail(address, operator(merchant), services)
        while (found := await read_mail(made.id, merchant)).attempts == 0:
            if not await send_due(services):
                break
        return found

    sent = with_database(data_dir, work)
    if sent.status is MailStatus.SENT:
        say(f"Sent to {sent.masked}: {sent.answer}")
        return
    say(f"Not sent to {sent.masked}: {sent.error or 'a running server is at it; see mail list'}")
    ctx.exit(1)


@command.command("preview")
@click.argument("template", type=click.Choice(list(TEMPLATES)))
@click.option("--html", "as_html", is_flag=True, help="Print the HTML instead of the plain text.")
@merchant_option
@data_dir_option
def show_preview(template: str, merchant: str, data_dir: Path, *, as_html: bool) -> None:
    """Show a mail as it would be sent now, filled in with examples."""

    async def work(settings: Settings, _: Database) -> Rendered:
        return await preview(template, merchant, build_mail(settings, SystemClock()))

    made = with_database(data_dir, work)
    show(made.html if as_html else f"{made.subject}\n\n{made.text}")
