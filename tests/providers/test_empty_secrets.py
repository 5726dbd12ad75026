"""No provider, real or played, signs or verifies under an empty secret: anybody could."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable

import pytest

from service.core.clock import ManualClock
from service.core.errors import Misconfigured, SignatureRejected
from service.core.ids import derive
from service.providers import signing
from service.providers.phonepe import verify as phonepe
from service.providers.phonepe.adapter import PhonePeProvider
from service.providers.phonepe.settings import PhonePeSettings
from service.providers.razorpay import verify as razorpay
from service.providers.razorpay.adapter import RazorpayProvider
from service.providers.razorpay.settings import RazorpaySettings
from service.providers.registry import build_providers
from service.providers.stripe import verify as stripe
from service.providers.stripe.adapter import StripeProvider
from service.providers.stripe.settings import StripeSettings
from service.settings import Settings
from tests.conftest import NOON
from tests.support.settings import make_settings
from tillgate_sandbox.base import MadeEvent
from tillgate_sandbox.building import build_sandbox

EMPTY = ("", " ", " \t")
BODY = b'{"id": "evt_1", "type": "payment_intent.succeeded", "event": "order.paid"}'
RESPONSE = base64.b64encode(b'{"code": "PAYMENT_SUCCESS"}')


def check_stripe(secret: str) -> None:
    """Verify an event of Stripe that was signed under the secret by plain arithmetic."""
    at = str(int(NOON.timestamp()))
    made = hmac.new(secret.encode(), f"{at}.".encode() + BODY, hashlib.sha256).hexdigest()
    stripe.check_signature({stripe.HEADER: f"t={at},v1={made}"}, BODY, (secret,), NOON)


def check_razorpay(secret: str) -> None:
    """Verify a webhook of Razorpay."""
    made = hmac.new(secret.encode(), BODY, hashlib.sha256).hexdigest()
    razorpay.check_signature({razorpay.SIGNATURE_HEADER: made}, BODY, (secret,))


def check_razorpay_callback(secret: str) -> None:
    """Verify what Razorpay's checkout hands to the browser."""
    made = hmac.new(secret.encode(), b"order_1|pay_1", hashlib.sha256).hexdigest()
    razorpay.verify_checkout_callback("order_1", "pay_1", made, secret)


def check_phonepe_callback(secret: str) -> None:
    """Verify a callback of PhonePe's v1."""
    made = hashlib.sha256(RESPONSE + secret.encode()).hexdigest()
    body = json.dumps({"response": RESPONSE.decode()}).encode()
    secrets = phonepe.Secrets({"1": secret}, None)
    phonepe.verify_webhook({phonepe.V1_HEADER: f"{made}###1"}, body, secrets)


CHECKS = [check_stripe, check_razorpay, check_razorpay_callback, check_phonepe_callback]


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("secret", EMPTY)
def test_nothing_is_verified_under_an_empty_secret(
    check: Callable[[str], None], secret: str
) -> None:
    check("a-secret-of-more-than-16-characters")
    with pytest.raises(SignatureRejected) as refusal:
        check(secret)
    assert refusal.value.reason == "mismatch"


@pytest.mark.parametrize("check", CHECKS)
def test_the_control_without_the_guard_an_empty_secret_verifies(
    check: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (signing, phonepe):
        monkeypatch.setattr(module, "is_secret", lambda text: True)
    check("")


@pytest.mark.parametrize("secret", EMPTY)
def test_nothing_is_signed_or_derived_under_an_empty_secret(secret: str) -> None:
    with pytest.raises(Misconfigured):
        signing.hmac_sha256_hex(secret, b"message")
    with pytest.raises(Misconfigured):
        phonepe.x_verify_of("message", secret, "1")
    with pytest.raises(Misconfigured):
        derive("", "client-secret", "s-1")


@pytest.mark.parametrize("secret", EMPTY)
def test_an_adapter_with_blank_secrets_hears_no_webhook(secret: str, clock: ManualClock) -> None:
    blank = _blank(secret)
    adapters = (
        StripeProvider(blank.of(StripeSettings)),
        RazorpayProvider(blank.of(RazorpaySettings), clock),
        PhonePeProvider(blank.of(PhonePeSettings), clock),
    )
    assert [adapter.receives_webhooks for adapter in adapters] == [False, False, False]


def test_the_registry_refuses_blank_secrets_and_names_each(clock: ManualClock) -> None:
    assert set(build_providers(make_settings().providers, clock)) == {
        "stripe",
        "razorpay",
        "phonepe",
        "upi",
    }
    with pytest.raises(Misconfigured) as refusal:
        build_providers(_blank(" ").providers, clock)
    assert {problem.field for problem in refusal.value.problems} == {
        "STRIPE_WEBHOOK_SECRET",
        "RAZORPAY_KEY_SECRET",
        "RAZORPAY_WEBHOOK_SECRET",
        "PHONEPE_WEBHOOK_PASSWORD",
        "PHONEPE_SALT_KEY",
    }


@pytest.mark.parametrize("provider", ["stripe", "razorpay", "phonepe"])
@pytest.mark.parametrize("secret", [None, *EMPTY])
def test_no_played_provider_signs_without_a_secret(
    provider: str, secret: str | None, clock: ManualClock
) -> None:
    sandbox = build_sandbox(_blank(secret), clock)
    body = json.dumps({"response": RESPONSE.decode()}).encode()
    with pytest.raises(Misconfigured):
        sandbox.played[provider].sign(MadeEvent("any", "evt_1", body), NOON, None)  # type: ignore[index]


def _blank(secret: str | None) -> Settings:
    """Settings as no file could make them: the secrets of the providers are blank, or unset."""
    settings = make_settings()
    webhooks = {"webhook_secrets": () if secret is None else (secret,)}
    phonepe_secrets = {"webhook_password": secret, "salt_key": secret}
    return settings.changed(
        settings.of(StripeSettings).model_copy(update=webhooks),
        settings.of(RazorpaySettings).model_copy(update={"key_secret": secret, **webhooks}),
        settings.of(PhonePeSettings).model_copy(update=phonepe_secrets),
    )
