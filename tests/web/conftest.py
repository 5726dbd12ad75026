"""The web layer's own documents in the test database, and a client of the tiny application."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from httpx import ASGITransport, AsyncClient
from litestar import Litestar, get
from litestar.exceptions import InternalServerException

from service.core.clock import ManualClock
from service.storage.database import Database
from service.storage.documents import bind
from service.storage.indexes import apply_indexes
from service.stored import DOCUMENTS as WIRED
from tests.support.emptied import emptied
from tests.web.app import DOCUMENTS, SK, Seen, create_test_app, settings_for
from tests.web.serving import serving
from tests.web.tokens import EC_KEY, RSA_KEY, IdentityProvider

SECRET = {"X-API-Key": SK}


def client_of(app: Litestar) -> AsyncClient:
    """A client in the test's own event loop, which the database client belongs to."""
    transport = ASGITransport(app=app, raise_app_exceptions=False)  # type: ignore[arg-type]
    return AsyncClient(transport=transport, base_url="http://tillgate.test")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def web_database(indexed_database: Database) -> Database:
    """The test database with the web layer's collections."""
    extra = [document for document in DOCUMENTS if document not in WIRED]
    if extra:
        await bind(indexed_database, [*WIRED, *extra])
        await apply_indexes(indexed_database, extra)
    return indexed_database


@pytest_asyncio.fixture
async def database(web_database: Database) -> Database:
    """The database, emptied."""
    await emptied(web_database, (*WIRED, *DOCUMENTS))
    return web_database


@pytest.fixture
def seen() -> Seen:
    """What the handlers of the tiny application saw."""
    return Seen()


@pytest_asyncio.fixture
async def http(database: Database, clock: ManualClock, seen: Seen) -> AsyncIterator[AsyncClient]:
    """A client of the tiny application with the usual settings."""
    app = create_test_app(settings_for(), clock, database, seen)
    async with client_of(app) as client:
        yield client


@pytest_asyncio.fixture
async def provider() -> AsyncIterator[IdentityProvider]:
    """An identity provider that publishes an RSA and an EC key."""
    found = IdentityProvider()
    found.publish(("rsa", RSA_KEY), ("ec", EC_KEY))

    @get("/jwks")
    async def jwks() -> dict[str, Any]:
        found.asked += 1
        if not found.answers:
            raise InternalServerException
        return {"keys": found.keys}

    async with serving(Litestar([jwks], openapi_config=None)) as address:
        found.url = f"{address}/jwks"
        yield found
