"""Settings of Razorpay."""

from pydantic import Field

from service.core.variables import Address, Secret, Secrets
from service.providers.settings import ProviderSettings

_API = "https://api.razorpay.com"
_MODES = {"rzp_live_": True, "rzp_test_": False}


class RazorpaySettings(ProviderSettings):
    """Razorpay (https://razorpay.com/docs/api/authentication)."""

    key_id: str | None = Field(None, validation_alias="RAZORPAY_KEY_ID")
    """`rzp_test_…` or `rzp_live_…`."""
    key_secret: Secret | None = Field(None, validation_alias="RAZORPAY_KEY_SECRET")
    """Secret of the key; it also signs checkout callbacks."""
    webhook_secrets: Secrets = Field((), validation_alias="RAZORPAY_WEBHOOK_SECRET")
    """Webhook secret, comma list while it is rolled."""
    plan_basic: str | None = Field(None, validation_alias="RAZORPAY_PLAN_BASIC")
    """Razorpay plan (`plan_…`) of the plan `basic`, for subscriptions."""
    plan_premium: str | None = Field(None, validation_alias="RAZORPAY_PLAN_PREMIUM")
    """Razorpay plan (`plan_…`) of the plan `premium`, for subscriptions."""
    api_base: Address = Field(_API, validation_alias="RAZORPAY_API_BASE")
    """Razorpay's address; another one lets a fake stand in."""

    @property
    def checkout_script(self) -> str:
        """Return the address of Checkout.js; a fake that stands in has one of its own.

        https://razorpay.com/docs/payments/payment-gateway/web-integration/standard
        """
        if self.api_base.removesuffix("/v1") == _API:
            return "https://checkout.razorpay.com/v1/checkout.js"
        return f"{self.api_base}/checkout.js"

    @property
    def live(self) -> bool | None:
        """Return the mode, by the key's prefix."""
        return _MODES.get((self.key_id or "")[:9])
