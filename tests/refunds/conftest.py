"""A shop whose Stripe keeps books; built once, and as new for each test."""

from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest_asyncio
from httpx import ASGITransport, AsyncClient

from service.core.clock import ManualClock
from service.providers.registry import close_providers
from service.storage.database import Database
from tests.refunds.books import Books, stripe_books
from tests.refunds.money import LIMIT, Money
from tests.support.api import Api
from tests.support.built import Built, build
from tests.support.settings import make_settings
from tests.support.shop import Shop


class Standing(NamedTuple):
    """The application and its provider, which stand for the whole run."""

    built: Built
    books: Books


@pytest_asyncio.fixture(scope="session")
async def standing(indexed_database: Database, the_clock: ManualClock) -> AsyncIterator[Standing]:
    """Build the application; INR above 50.00 needs a second key."""
    async with stripe_books() as books:
        settings = make_settings(STRIPE_API_BASE=books.url, REFUND_LIMIT=f"INR:{LIMIT}")
        built = build(settings, indexed_database, the_clock)
        yield Standing(built, books)
        await close_providers(built.app.state.container.providers)


@pytest_asyncio.fixture
async def money(database: Database, clock: ManualClock, standing: Standing) -> AsyncIterator[Money]:
    """A shop with money to give back."""
    app = standing.built.app
    standing.built.put_back()
    standing.books.begin_anew()
    transport = ASGITransport(app, raise_app_exceptions=False)
    async with AsyncClient(transport=transport, base_url="http://testserver") as http:
        shop = Shop(Api(http, app.state.container), clock, database)
        yield Money(shop, standing.books)
