"""Settings of a development server, with keys that tests know."""

import os
import tempfile
from functools import cache
from pathlib import Path

from service.settings import Settings, load_settings, variables

PUBLISHABLE = "pk_test_0123456789abcdef0123"
SECRET = "sk_test_0123456789abcdef0123"
ADMIN = "ak_test_0123456789abcdef0123"
JOBS = "jk_test_0123456789abcdef0123"
JWT_SECRET = "a-jwt-secret-of-more-than-32-characters"
STRIPE_SECRET = "whsec_test_0123456789abcdef"
RAZORPAY_SECRET = "razorpay-webhook-secret-0123"
PHONEPE_SALT = "phonepe-salt-key-0123456789"

VARIABLES = {
    "ENVIRONMENT": "development",
    # The clock of the tests stands still, and so does the minute that a limit counts in.
    "RATE_LIMIT_PER_KEY": "0",
    "RATE_LIMIT_PER_ADDRESS": "0",
    "API_PUBLISHABLE_KEYS": PUBLISHABLE,
    "API_SECRET_KEYS": f"server:{SECRET}",
    "API_ADMIN_KEYS": f"ops:{ADMIN}",
    "API_JOBS_KEYS": JOBS,
    "PII_PEPPER": "a-pepper-of-more-than-16-characters",
    "JWT_SECRET": JWT_SECRET,
    "STRIPE_SECRET_KEY": "sk_test_stripe_0123456789",
    "STRIPE_WEBHOOK_SECRET": STRIPE_SECRET,
    "RAZORPAY_KEY_ID": "rzp_test_0123456789",
    "RAZORPAY_KEY_SECRET": "razorpay-key-secret-0123",
    "RAZORPAY_WEBHOOK_SECRET": RAZORPAY_SECRET,
    "PHONEPE_MERCHANT_ID": "MERCHANTUAT",
    "PHONEPE_CLIENT_ID": "phonepe-client",
    "PHONEPE_CLIENT_SECRET": "phonepe-client-secret-0123",
    "PHONEPE_WEBHOOK_USERNAME": "tillgate",
    "PHONEPE_WEBHOOK_PASSWORD": "phonepe-password",
    "PHONEPE_SALT_KEY": PHONEPE_SALT,
    "UPI_PAYEE_ADDRESS": "shop@bank",
    "UPI_PAYEE_NAME": "The Shop",
    # Nobody listens there: a test that means to talk to a provider brings its own fake.
    "STRIPE_API_BASE": "http://127.0.0.1:9",
    "RAZORPAY_API_BASE": "http://127.0.0.1:9",
    "PHONEPE_API_BASE": "http://127.0.0.1:9",
}


_NAMES = frozenset(variables())


def make_settings(**changes: str) -> Settings:
    """Return the settings, with some variables changed; an empty one is unset."""
    around = {name: value for name, value in os.environ.items() if name in _NAMES}
    return _made(tuple(changes.items()), tuple(around.items()))


@cache
def _made(changes: tuple[tuple[str, str], ...], around: tuple[tuple[str, str], ...]) -> Settings:
    """Read them as a service does; once for each set of them, and of what stands around them."""
    lines = "".join(f"{name}={value}\n" for name, value in (VARIABLES | dict(changes)).items())
    with tempfile.NamedTemporaryFile("w", suffix=".env") as file:
        file.write(lines)
        file.flush()
        return load_settings((Path(file.name),))
