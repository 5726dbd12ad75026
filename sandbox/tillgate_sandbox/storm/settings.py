"""The settings of a storm: its own keys, its own address."""

from typing import Any

from service.core.ids import new_key
from service.settings import Settings, collect


def storm_settings(address: str, key: str) -> Settings:
    """Return settings of a storm's own: nothing that is set outside may point it elsewhere."""
    home = f"{address}/sandbox"
    given: dict[str, Any] = {
        "PUBLIC_URL": address,
        "ENVIRONMENT": "development",
        # A storm is louder than any caller.
        "RATE_LIMIT_PER_KEY": 0,
        "RATE_LIMIT_PER_ADDRESS": 0,
        "API_SECRET_KEYS": (key,),
        "PII_PEPPER": new_key("pepper_dev_"),
        "JWT_SECRET": None,
        "JWT_JWKS_URL": None,
        "STRIPE_SECRET_KEY": new_key("sk_test_dev_"),
        "STRIPE_WEBHOOK_SECRET": (new_key("whsec_dev_"),),
        "STRIPE_API_BASE": f"{home}/stripe",
        "RAZORPAY_KEY_ID": new_key("rzp_test_dev_"),
        "RAZORPAY_KEY_SECRET": new_key("secret_dev_"),
        "RAZORPAY_WEBHOOK_SECRET": (new_key("webhook_dev_"),),
        "RAZORPAY_API_BASE": f"{home}/razorpay",
        "PHONEPE_CLIENT_ID": new_key("client_dev_"),
        "PHONEPE_CLIENT_SECRET": new_key("secret_dev_"),
        "PHONEPE_MERCHANT_ID": "M_dev_STORM",
        "PHONEPE_WEBHOOK_USERNAME": "storm_dev_",
        "PHONEPE_WEBHOOK_PASSWORD": new_key("password_dev_"),
        "PHONEPE_API_BASE": f"{home}/phonepe",
        "PHONEPE_AUTH_BASE": None,
        "PHONEPE_SALT_KEY": None,
    }
    # Each group takes its own variables of these, and passes over the others.
    return collect(lambda group: group(_env_file=None, **given))
