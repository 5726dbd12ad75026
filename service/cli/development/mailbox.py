"""Where mail goes while `tillgate dev` runs: into the sandbox's mailbox, unless SMTP_URL is set."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from litestar import Litestar

from service.app import create_app
from service.cli.development.banner import Running
from service.cli.settings import DEVELOPMENT_SENDER, note_mailbox
from service.core.clock import SystemClock
from service.extension import Extension
from service.storage.database import Database


@asynccontextmanager
async def app_with_mailbox(
    running: Running, database: Database, extension: Extension | None
) -> AsyncIterator[Litestar]:
    """Build the application, whose mail goes to the extension's mailbox or where SMTP_URL says."""
    settings = running.settings
    if extension is None or settings.mail.smtp_url is not None:
        yield create_app(settings, database, extension=extension)
        return
    async with extension.receiving_mail(SystemClock()) as address:
        sender = settings.mail.sender or DEVELOPMENT_SENDER
        mail = settings.mail.model_copy(update={"smtp_url": address, "sender": sender})
        note_mailbox(running.data_dir, address)
        try:
            settings = settings.model_copy(update={"mail": mail})
            yield create_app(settings, database, extension=extension)
        finally:
            note_mailbox(running.data_dir, None)
