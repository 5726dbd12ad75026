"""UPI for the contract tests: it signs nothing and sends nothing."""

from datetime import datetime

from service.providers.upi.adapter import UpiProvider
from service.providers.upi.settings import UpiSettings
from tests.providers.provider_case import ProviderCase


def sign(body: bytes, now: datetime) -> dict[str, str]:
    """Return no headers: nobody could sign for UPI."""
    return {}


SETTINGS = UpiSettings.model_validate(
    {"UPI_PAYEE_ADDRESS": "sample.shop@okbank", "UPI_PAYEE_NAME": "Sample & Söhne"}
)
CASE = ProviderCase(name="upi", provider=UpiProvider(SETTINGS), sign=sign)
