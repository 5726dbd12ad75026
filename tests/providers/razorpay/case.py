"""Razorpay for the contract tests, with what plays its other side."""

from datetime import UTC, datetime
from pathlib import Path

from service.core.clock import ManualClock
from service.providers.base import Provider
from service.providers.razorpay.adapter import RazorpayProvider
from service.providers.razorpay.settings import RazorpaySettings
from service.providers.signing import hmac_sha256_hex, sha256_hex
from tests.providers.provider_case import ProviderCase

OLD_SECRET = "razorpay-webhook-secret-before"
SECRET = "razorpay-webhook-secret-now"
KEY_SECRET = "razorpay-key-secret-of-tests"
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

SAMPLES = {
    path.stem: path.read_bytes()
    for path in sorted((Path(__file__).parents[2] / "samples" / "razorpay").glob("*.json"))
}


def settings(api_base: str = "http://127.0.0.1:9") -> RazorpaySettings:
    """Settings of a test account whose webhook secret is being rolled."""
    return RazorpaySettings.model_construct(
        key_id="rzp_test_1DP5mmOlF5G5ag",
        key_secret=KEY_SECRET,
        webhook_secrets=(OLD_SECRET, SECRET),
        plan_basic=None,
        plan_premium=None,
        api_base=api_base,
    )


def provider(api_base: str = "http://127.0.0.1:9") -> Provider:
    """The adapter, at noon; mypy holds it to the protocol here."""
    return RazorpayProvider(settings(api_base), ManualClock(NOON))


def sign(body: bytes, now: datetime) -> dict[str, str]:
    """Sign as Razorpay does; its event id is the same for each repetition of a body."""
    return {
        "x-razorpay-signature": hmac_sha256_hex(SECRET, body),
        "x-razorpay-event-id": sha256_hex(body)[:14],
    }


CASE = ProviderCase(name="razorpay", provider=provider(), sign=sign, samples=SAMPLES)
