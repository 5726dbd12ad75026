"""Settings of Stripe."""

from pydantic import Field

from service.core.variables import Address, Secret, Secrets
from service.providers.settings import ProviderSettings

_MODES = {"sk_live": True, "rk_live": True, "sk_test": False, "rk_test": False}


class StripeSettings(ProviderSettings):
    """Stripe (https://docs.stripe.com/keys)."""

    secret_key: Secret | None = Field(None, validation_alias="STRIPE_SECRET_KEY")
    """`sk_test_…` or `sk_live_…`."""
    webhook_secrets: Secrets = Field((), validation_alias="STRIPE_WEBHOOK_SECRET")
    """`whsec_…`, comma list while a secret is rolled."""
    price_basic: str | None = Field(None, validation_alias="STRIPE_PRICE_BASIC")
    """Stripe price of the plan `basic`, for subscriptions."""
    price_premium: str | None = Field(None, validation_alias="STRIPE_PRICE_PREMIUM")
    """Stripe price of the plan `premium`, for subscriptions."""
    api_base: Address = Field("https://api.stripe.com", validation_alias="STRIPE_API_BASE")
    """Stripe's address; another one lets a fake stand in."""

    @property
    def live(self) -> bool | None:
        """Return the mode, by the key (https://docs.stripe.com/keys): `sk_live_…`, `rk_test_…`."""
        return _MODES.get((self.secret_key or "")[:7])
