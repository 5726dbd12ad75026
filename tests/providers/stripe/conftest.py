"""Stripe's stand-in, and a provider that calls it."""

from collections.abc import AsyncIterator

import pytest_asyncio

from service.providers.stripe.adapter import StripeProvider
from tests.providers.stripe.answers import provider_at
from tests.providers.stripe.fake import FakeStripe, fake_stripe


@pytest_asyncio.fixture
async def fake() -> AsyncIterator[FakeStripe]:
    async with fake_stripe() as running:
        yield running


@pytest_asyncio.fixture
async def provider(fake: FakeStripe) -> AsyncIterator[StripeProvider]:
    made = provider_at(fake.url, STRIPE_PRICE_BASIC="price_basic")
    yield made
    await made.aclose()
