"""A shop whose mail goes out to a server of the test."""

from collections.abc import AsyncIterator, Sequence

import pytest
import pytest_asyncio

from service.core.clock import ManualClock
from service.providers.registry import close_providers
from service.settings import Settings
from service.storage.database import Database
from service.storage.mongod import free_port
from tests.notifications.mail.mailing import Mailing, mailing_to
from tests.notifications.mail.servers import Server, serving
from tests.support.built import Built, build
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
    return _settings_of(mail_port)


@pytest_asyncio.fixture(scope="session")
async def built_for_mail(
    mail_port: int, indexed_database: Database, the_clock: ManualClock
) -> AsyncIterator[Sequence[Built]]:
    """The application of a shop that sends mail: built for each test it took half of their time."""
    one = build(_settings_of(mail_port), indexed_database, the_clock)
    yield [one]
    await close_providers(one.app.state.container.providers)


@pytest_asyncio.fixture
async def mailing(
    built_for_mail: Sequence[Built],
    settings: Settings,
    database: Database,
    clock: ManualClock,
    server: Server,
) -> AsyncIterator[Mailing]:
    """A shop that sends mail; time stands still, and nothing is sent by itself."""
    async with mailing_to(server, settings, database, clock, built_for_mail) as made:
        yield made


def _settings_of(port: int) -> Settings:
    url = f"smtp+plain://127.0.0.1:{port}"
    return make_settings(SMTP_URL=url, MAIL_FROM="shop@tillgate.example")
