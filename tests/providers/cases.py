"""Every provider that the contract is tested on."""

from service.providers.base import SendsWebhooks
from tests.providers.phonepe.case import CASE as PHONEPE
from tests.providers.provider_case import ProviderCase
from tests.providers.razorpay.case import CASE as RAZORPAY
from tests.providers.stripe.case import CASE as STRIPE
from tests.providers.upi.case import CASE as UPI

CASES: tuple[ProviderCase, ...] = (STRIPE, RAZORPAY, PHONEPE, UPI)
HEARD = tuple(case for case in CASES if isinstance(case.provider, SendsWebhooks))
"""Those that send webhooks."""
