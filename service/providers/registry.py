"""The providers that have credentials here."""

from collections.abc import Mapping

from service.core.clock import Clock
from service.providers.base import Provider
from service.providers.phonepe.adapter import PhonePeProvider
from service.providers.razorpay.adapter import RazorpayProvider
from service.providers.stripe.adapter import StripeProvider
from service.providers.upi.adapter import UpiProvider
from service.settings import Settings

Providers = Mapping[str, Provider]


def build_providers(settings: Settings, clock: Clock) -> Providers:
    """Build the adapters of all providers that anything is set for."""
    providers: dict[str, Provider] = {}
    if settings.stripe.secret_key or settings.stripe.webhook_secrets:
        providers["stripe"] = StripeProvider(settings.stripe)
    if settings.razorpay.key_id or settings.razorpay.webhook_secrets:
        providers["razorpay"] = RazorpayProvider(settings.razorpay, clock)
    phonepe = settings.phonepe
    if phonepe.client_id or phonepe.salt_key or phonepe.webhook_password:
        providers["phonepe"] = PhonePeProvider(phonepe, clock)
    if settings.upi.payee_address:
        providers["upi"] = UpiProvider(settings.upi)
    return providers
