"""A shop whose mail goes out to a server of the test."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from service.core.clock import ManualClock
from service.settings import Settings
from service.storage.database import Database
from service.storage.mongod import free_port
from tests.notifications.mail.mailing import Mailing, mailing_to
from tests.notifications.mail.servers import Server, serving
from tests.support.settings import make_settings

__all__ = ["mailing", "server", "settings"]


@pytest.fixture(scope="session")
def mail_port() -> int:
    """The port of every mail server of a run, so that one application is for all of them."""
    return free_port()


@pytest_asyncio.fixture
async def server(mail_port: int) -> AsyncIterator[Server]:
    """A mail server without TLS on the loopback."""
    async with serving(port=mail_port) as made:
        yield made


@pytest.fixture
def settings(mail_port: int) -> Settings:
    """The settings of a shop that sends mail."""
    url = f"smtp+plain://127.0.0.1:{mail_port}"
    return make_settings(SMTP_URL=url, MAIL_FROM="shop@tillgate.example")


@pytest_asyncio.fixture
async def mailing(
    settings: Settings,
    database: Database,
    clock: ManualClock,
    server: Server,
) -> AsyncIterator[Mailing]:
    """A shop that sends mail; time stands still, and nothing is sent by itself."""
    async with mailing_to(server, settings, database, clock) as made:
        yield made
