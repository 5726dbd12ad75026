"""The providers that have credentials here."""

from collections.abc import Mapping

from service.core.clock import Clock
from service.core.errors import FieldProblem, Misconfigured
from service.providers.base import Provider
from service.providers.phonepe.adapter import PhonePeProvider
from service.providers.razorpay.adapter import RazorpayProvider
from service.providers.signing import is_secret
from service.providers.stripe.adapter import StripeProvider
from service.providers.upi.adapter import UpiProvider
from service.settings import Settings, secrets_of

Providers = Mapping[str, Provider]


def build_providers(settings: Settings, clock: Clock) -> Providers:
    """Build the adapters of all providers that anything is set for.

    Raises `Misconfigured` for a secret that is there and blank.
    """
    _refuse_blank(settings)
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


def _refuse_blank(settings: Settings) -> None:
    blank = [
        FieldProblem(variable, "is blank: anybody could sign with it. Unset it, or set a real one")
        for variable, secrets in secrets_of(settings).items()
        if not all(is_secret(secret) for secret in secrets)
    ]
    if blank:
        named = ", ".join(problem.field for problem in blank)
        raise Misconfigured(f"Blank secrets can't be used: {named}.", problems=tuple(blank))
