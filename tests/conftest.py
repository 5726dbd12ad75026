"""One real MongoDB for the whole run; each test begins with empty collections."""

import gc
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator, Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from httpx import ASGITransport, AsyncClient
from hypothesis import HealthCheck
from hypothesis import settings as settings_of_hypothesis
from litestar import Litestar

from service.core.clock import ManualClock
from service.migrations.operations import require_layout
from service.settings import Settings
from service.storage.database import Client, Database, connect
from service.storage.documents import bind
from service.storage.embedded import embedded_database
from service.storage.indexes import apply_indexes
from service.stored import DOCUMENTS
from tests.support.api import Api
from tests.support.browsers import browser
from tests.support.built import application, close_kept, keep_for_good, keep_no_more
from tests.support.emptied import emptied
from tests.support.limits import all_the_time_in_the_world
from tests.support.outcomes import log_shortly, note
from tests.support.settings import make_settings

__all__ = ["all_the_time_in_the_world", "browser"]

# What two workers' databases may grow to.
_ROOM = 4 * 1024**3
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

# No test depends on how fast the machine is just then.
settings_of_hypothesis.register_profile(
    "tillgate", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings_of_hypothesis.load_profile("tillgate")
log_shortly()


# Few tests, but long ones: begun last, one of them would be waited for by an idle core.
_LONG = frozenset(
    f"test_{name}.py"
    for name in (
        *("storm", "same_answers", "killed", "kills", "readme", "openapi", "query_plans"),
        "conversations_1",
        *("workers", "dev", "shopping", "layout"),
    )
)


def pytest_configure() -> None:
    """Collect no garbage while tests are found, what is made then stays; let children hear Ctrl-C.

    Whatever a script begins by `&` ignores it, and so would all that tests start.
    """
    gc.disable()
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Collect it from now on."""
    keep_for_good()
    gc.enable()


def pytest_unconfigure() -> None:
    """Let all of it go."""
    keep_no_more()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take long; `make test` hands files out in this order."""
    items.sort(key=lambda item: item.path.name not in _LONG)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep how a test went for its fixtures, and its log to what is read."""
    report = yield
    note(item, report)
    return report


def _in_memory() -> Path | None:
    """Return a place in memory, if there is one: every commit waits for a disk otherwise."""
    shared = Path("/dev/shm")  # noqa: S108 - a directory of its own is made in it
    if os.access(shared, os.W_OK) and shutil.disk_usage(shared).free > _ROOM:
        return shared
    return None


@pytest.fixture(scope="session")
def mongo_uri() -> Iterator[str]:
    """A real mongod as a replica set of one, with failpoints for the fault tests."""
    with tempfile.TemporaryDirectory(prefix="tillgate-test-", dir=_in_memory()) as directory:
        # A manual clock stands in the past or the future: mongod's own would delete what it purges.
        extra = (
            *("--setParameter", "enableTestCommands=1"),
            *("--setParameter", "ttlMonitorEnabled=false"),
        )
        with embedded_database(Path(directory), extra=extra) as uri:
            yield uri


@pytest_asyncio.fixture(scope="session")
async def client(mongo_uri: str) -> AsyncIterator[Client]:
    """A client with the options of production."""
    client = connect(mongo_uri)
    yield client
    await client.close()


@pytest_asyncio.fixture(scope="session")
async def indexed_database(client: Client) -> Database:
    """The database with every collection, validator and index."""
    database = client["tillgate_test"]
    await bind(database, DOCUMENTS)
    await apply_indexes(database, DOCUMENTS)
    await require_layout(database, ManualClock(NOON))
    return database


@pytest_asyncio.fixture
async def database(indexed_database: Database) -> Database:
    """The database, emptied: dropping and making it again would take ten times as long."""
    await emptied(indexed_database, DOCUMENTS)
    return indexed_database


@pytest.fixture(scope="session")
def the_clock() -> ManualClock:
    """The one clock of the applications that are built once."""
    return ManualClock(NOON)


@pytest.fixture
def clock(the_clock: ManualClock) -> ManualClock:
    """A clock that stands at noon of 21 November 2026."""
    the_clock.advance(NOON - the_clock.now())
    return the_clock


@pytest.fixture
def settings() -> Settings:
    """The settings of a development server."""
    return make_settings()


@pytest_asyncio.fixture(scope="session", autouse=True)
async def what_is_kept() -> AsyncIterator[None]:
    """Close the applications that many tests used."""
    yield
    await close_kept()


@pytest_asyncio.fixture
async def app(settings: Settings, database: Database) -> AsyncIterator[Litestar]:
    """The whole application on a real database; its background loop is run by hand."""
    async with application(settings, database, None) as taken:
        yield taken


@pytest_asyncio.fixture
async def api(app: Litestar) -> AsyncIterator[Api]:
    """The application over HTTP."""
    # In this loop, and not in one of its own as the framework's client has: the database's too.
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://testserver") as http:
        yield Api(http, app.state.container)
