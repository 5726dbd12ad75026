"""The official library as a client of the played Stripe."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import pytest_asyncio
import stripe

from tests.sandbox.lab import STRIPE_KEY, Lab
from tests.support.patience import IN_TIME


class _Http(stripe.HTTPXClient):
    """Stripe's own, less the deprecated `data=` with a string, at which httpx warns."""

    def _get_request_args_kwargs(
        self, method: str, url: str, headers: Mapping[str, str], post_data: str | None
    ) -> tuple[tuple[str, str], dict[str, Any]]:
        args, given = super()._get_request_args_kwargs(method, url, headers, post_data)
        return args, {**given, "data": None, "content": post_data}


def stripe_client(lab: Lab, key: str = STRIPE_KEY) -> tuple[stripe.StripeClient, _Http]:
    """Make a client that repeats nothing by itself."""
    http = _Http(timeout=IN_TIME, allow_sync_methods=True)
    client = stripe.StripeClient(
        key,
        base_addresses={"api": f"{lab.address}/sandbox/stripe"},
        max_network_retries=0,
        http_client=http,
    )
    return client, http


@pytest_asyncio.fixture
async def library(lab: Lab) -> AsyncIterator[stripe.StripeClient]:
    """A client with the right key."""
    made, http = stripe_client(lab)
    yield made
    http.close()
    await http.close_async()


@pytest.fixture
def params(lab: Lab) -> dict[str, Any]:
    """Parameters of a session as the service sends them."""
    return {
        "mode": "payment",
        "client_reference_id": "ps_1",
        "metadata": {"checkoutSessionId": "ps_1", "sessionId": "ps_1"},
        "payment_intent_data": {"metadata": {"sessionId": "ps_1"}},
        "success_url": "https://shop.example/done?id={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://shop.example/cancel",
        "expires_at": int(lab.sandbox.clock.now().timestamp()) + 3600,
        "line_items": [
            {
                "quantity": 2,
                "price_data": {
                    "currency": "usd",
                    "unit_amount": 1250,
                    "product_data": {"name": "Two tickets"},
                },
            }
        ],
    }
