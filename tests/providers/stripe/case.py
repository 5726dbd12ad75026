"""Stripe for the contract tests, its events signed by the official library."""

from datetime import datetime
from pathlib import Path

from stripe import WebhookSignature

from service.providers.stripe.adapter import StripeProvider
from service.providers.stripe.settings import StripeSettings
from tests.providers.provider_case import ProviderCase

SECRET = "whsec_test_of_the_contract"
SETTINGS = StripeSettings.model_validate(
    {
        "STRIPE_SECRET_KEY": "sk_test_of_the_contract",
        "STRIPE_WEBHOOK_SECRET": SECRET,
        "STRIPE_PRICE_BASIC": "price_basic",
    }
)
SAMPLES = {
    path.stem: path.read_bytes()
    for path in sorted((Path(__file__).parents[2] / "samples" / "stripe").glob("*.json"))
}


def sign(body: bytes, now: datetime) -> dict[str, str]:
    """Return the headers with which Stripe sends a body."""
    header = WebhookSignature.generate_signature_header(
        body.decode("utf-8"), SECRET, int(now.timestamp())
    )
    return {"stripe-signature": header}


CASE = ProviderCase(name="stripe", provider=StripeProvider(SETTINGS), sign=sign, samples=SAMPLES)
