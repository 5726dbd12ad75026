"""PhonePe for the contract tests: webhooks of v2 as `CASE`, callbacks of v1 as `CALLBACK_CASE`."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path

from service.core.clock import ManualClock
from service.providers.base import Provider
from service.providers.phonepe.adapter import PhonePeProvider
from service.providers.phonepe.settings import PhonePeSettings
from service.providers.phonepe.verify import x_verify_of
from service.providers.signing import sha256_hex
from tests.providers.provider_case import ProviderCase

USERNAME, PASSWORD = "tillgate", "webhook-password-1"
SALT = "099eb0cd-02cf-4e2a-8aca-3e6c6aff0399"
MERCHANT = "PGTESTPAYUAT"
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

_FILES = {
    path.stem: path.read_bytes()
    for path in sorted((Path(__file__).parents[2] / "samples" / "phonepe").glob("*.json"))
}


def callback_body(content: bytes) -> bytes:
    """Wrap content as v1 sends it."""
    return json.dumps({"response": base64.b64encode(content).decode()}).encode()


WEBHOOKS = {name: body for name, body in _FILES.items() if not name.startswith("callback")}
CALLBACKS = {
    name: callback_body(body) for name, body in _FILES.items() if name.startswith("callback")
}


def settings(**changed: object) -> PhonePeSettings:
    """Settings of a test merchant with both schemes."""
    given: dict[str, object] = {
        "client_id": "TILLGATE_UAT",
        "client_secret": "phonepe-client-secret",
        "merchant_id": MERCHANT,
        "webhook_username": USERNAME,
        "webhook_password": PASSWORD,
        "salt_key": SALT,
        "api_base": "http://127.0.0.1:9",
    }
    return PhonePeSettings.model_construct().model_copy(update={**given, **changed})


def provider(**changed: object) -> Provider:
    """The adapter, at noon; mypy holds it to the protocol here."""
    return PhonePeProvider(settings(**changed), ManualClock(NOON))


def sign(body: bytes, now: datetime) -> dict[str, str]:
    """Vouch for a v2 webhook: a constant that does not cover the body."""
    return {"authorization": sha256_hex(f"{USERNAME}:{PASSWORD}".encode())}


def sign_callback(body: bytes, now: datetime) -> dict[str, str]:
    """Sign a v1 callback; a body that is none is signed as an empty response."""
    try:
        parsed = json.loads(body)
        response = str(parsed["response"])
    except (ValueError, KeyError, TypeError, RecursionError):
        response = ""
    return {"x-verify": x_verify_of(response, SALT, "1")}


CASE = ProviderCase(
    name="phonepe", provider=provider(), sign=sign, samples=WEBHOOKS, covers_body=False
)
CALLBACK_CASE = ProviderCase(
    name="phonepe-v1", provider=provider(), sign=sign_callback, samples=CALLBACKS
)
