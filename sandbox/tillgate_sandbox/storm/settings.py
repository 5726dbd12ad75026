"""The settings of a storm: its own keys, its own address."""

from typing import Any

from service.core.ids import new_key
from service.settings import Settings


def storm_settings(address: str, key: str) -> Settings:
    """Give settings of a storm's own: nothing that is set outside may point it elsewhere."""
    home = f"{address}/sandbox"
    given: dict[str, dict[str, Any]] = {
        "web": {
            "PUBLIC_URL": address,
            "ENVIRONMENT": "development",
            # A storm is louder than any caller.
            "RATE_LIMIT_PER_KEY": 0,
            "RATE_LIMIT_PER_ADDRESS": 0,
        },
        "access": {
            "API_SECRET_KEYS": (key,),
            "PII_PEPPER": new_key("pepper_dev_"),
            "JWT_SECRET": None,
            "JWT_JWKS_URL": None,
        },
        "stripe": {
            "STRIPE_SECRET_KEY": new_key("sk_test_dev_"),
            "STRIPE_WEBHOOK_SECRET": (new_key("whsec_dev_"),),
            "STRIPE_API_BASE": f"{home}/stripe",
        },
        "razorpay": {
            "RAZORPAY_KEY_ID": new_key("rzp_test_dev_"),
            "RAZORPAY_KEY_SECRET": new_key("secret_dev_"),
            "RAZORPAY_WEBHOOK_SECRET": (new_key("webhook_dev_"),),
            "RAZORPAY_API_BASE": f"{home}/razorpay",
        },
        "phonepe": {
            "PHONEPE_CLIENT_ID": new_key("client_dev_"),
            "PHONEPE_CLIENT_SECRET": new_key("secret_dev_"),
            "PHONEPE_MERCHANT_ID": "M_dev_STORM",
            "PHONEPE_WEBHOOK_USERNAME": "storm_dev_",
            "PHONEPE_WEBHOOK_PASSWORD": new_key("password_dev_"),
            "PHONEPE_API_BASE": f"{home}/phonepe",
            "PHONEPE_AUTH_BASE": None,
            "PHONEPE_SALT_KEY": None,
        },
    }
    groups = {
        name: model.annotation(_env_file=None, **given.get(name, {}))
        for name, model in Settings.model_fields.items()
        if model.annotation is not None
    }
    return Settings.model_validate(groups)
