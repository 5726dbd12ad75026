"""The sending of mail in a serving process: it looks for what is due, and is woken by news."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from service.core.news import WRITTEN
from service.leases.loops import comes, end
from service.notifications.mail import repository
from service.notifications.mail.operations.compose import NEWS
from service.notifications.mail.operations.services import MailServices
from service.notifications.mail.sending.send import send_due
from service.storage.answering import answers_in_time

LOOK_EVERY_S = 5.0

log = structlog.get_logger(__name__)


@asynccontextmanager
async def sending_mail(services: MailServices) -> AsyncIterator[None]:
    """Send mail for as long as the block lasts. Several processes may: each mail is leased."""
    if services.server is None:
        yield
        return
    stopping = asyncio.Event()
    with WRITTEN.subscribed({NEWS}) as news:
        loop = asyncio.create_task(_look_out(services, stopping, news), name="tillgate-mail")
        try:
            yield
        finally:
            stopping.set()
            news.set()
            await end(lambda: {loop} if not loop.done() else set())


async def _look_out(services: MailServices, stopping: asyncio.Event, news: asyncio.Event) -> None:
    while not stopping.is_set():
        news.clear()
        try:
            while not stopping.is_set() and await _is_due(services):
                await send_due(services)
        except Exception:  # the look-out must outlive whatever one round meets
            log.exception("background round failed")
        await comes(news, LOOK_EVERY_S)


async def _is_due(services: MailServices) -> bool:
    async with answers_in_time():
        return await repository.is_due(services.clock)
