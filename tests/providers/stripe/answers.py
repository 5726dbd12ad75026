"""What the tests ask of Stripe, and what it answers them."""

import json
from datetime import UTC, datetime
from typing import Any

from service.providers.base import CheckoutRequest
from service.providers.stripe.adapter import StripeProvider
from service.providers.stripe.settings import StripeSettings
from tests.providers.stripe.case import SAMPLES

CREATE = "POST /v1/checkout/sessions"
GET_CS = "GET /v1/checkout/sessions/cs_test_1"
EXPIRE = "POST /v1/checkout/sessions/cs_test_1/expire"
GET_PI = "GET /v1/payment_intents/pi_1"
CAPTURE = "POST /v1/payment_intents/pi_1/capture"

REQUEST = CheckoutRequest(
    session_id="ps_1",
    merchant_id="default",
    attempt_id="ps_1-2",
    idempotency_key="ps_1:2",
    kind="payment",
    mode="payment",
    amount=2999,
    currency="USD",
    quantity=1,
    description="Two passes",
    expires_at=datetime(2026, 11, 21, 12, 31, tzinfo=UTC),
    success_url="https://shop.example/done",
    cancel_url="https://shop.example/cancel",
    user_id="user_7",
    email="buyer@example.com",
)


def provider_at(url: str, **variables: str) -> StripeProvider:
    """Make a provider whose Stripe stands somewhere."""
    settings = {"STRIPE_SECRET_KEY": "sk_test_0123456789", "STRIPE_API_BASE": url, **variables}
    return StripeProvider(StripeSettings.model_validate(settings))


def checkout(**changes: object) -> dict[str, Any]:
    """Return a checkout session as Stripe answers it, open and unpaid."""
    session: dict[str, Any] = json.loads(SAMPLES["checkout.session.completed"])["data"]["object"]
    opened = {
        "id": "cs_test_1",
        "status": "open",
        "payment_status": "unpaid",
        "payment_intent": None,
        "url": "https://checkout.stripe.com/c/pay/cs_test_1",
    }
    return {**session, **opened, **changes}


def intent(**changes: object) -> dict[str, Any]:
    """Return a payment intent as Stripe answers it."""
    found: dict[str, Any] = json.loads(SAMPLES["payment_intent.succeeded"])["data"]["object"]
    return {**found, "id": "pi_1", **changes}
