"""Which providers the service reaches in the sandbox: settings that point its adapters there."""

from pydantic import BaseModel

from service.production.secrecy import DEVELOPMENT_MARK
from service.providers.phonepe.settings import PhonePeSettings
from service.providers.razorpay.settings import RazorpaySettings
from service.providers.settings import ProviderSettings
from service.providers.stripe.settings import StripeSettings
from service.settings import Settings

_PLANS = {
    "plan_basic": "plan_sandbox_79900_inr_basic",
    "plan_premium": "plan_sandbox_249900_inr_premium",
}
_PRICES = {
    "price_basic": "price_sandbox_999_usd_basic",
    "price_premium": "price_sandbox_2999_usd_premium",
}
"""What the two plans cost at the played providers: the amounts stand in the ids."""


def reach_sandbox(settings: Settings) -> Settings:
    """Point each provider's base address at the sandbox, but for those that are meant to be real.

    A base address that is set stays, and so does a provider whose key was not generated for
    development: whoever sets real test keys wants to see the real provider.
    """
    home = f"{settings.web.public_url}/sandbox"
    stripe, razorpay = settings.of(StripeSettings), settings.of(RazorpaySettings)
    phonepe = settings.of(PhonePeSettings)
    changed: list[ProviderSettings] = []
    if _free(stripe, "api_base") and _generated(stripe.secret_key):
        base = {"api_base": f"{home}/stripe"}
        changed.append(stripe.model_copy(update=_unset(stripe, _PRICES) | base))
    if _free(razorpay, "api_base") and _generated(razorpay.key_id):
        base = {"api_base": f"{home}/razorpay"}
        changed.append(razorpay.model_copy(update=_unset(razorpay, _PLANS) | base))
    if _free(phonepe, "api_base") and _generated(phonepe.client_id):
        changed.append(phonepe.model_copy(update={"api_base": f"{home}/phonepe"}))
    return settings.changed(*changed)


def _unset(group: BaseModel, values: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if getattr(group, name) is None}


def _free(group: BaseModel, name: str) -> bool:
    return name not in group.model_fields_set


def _generated(key: str | None) -> bool:
    return key is not None and DEVELOPMENT_MARK in key
