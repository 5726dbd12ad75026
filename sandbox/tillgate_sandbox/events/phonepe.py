"""PhonePe's v1 callback, whose signature covers its content, as the played PhonePe renders it.

A v2 webhook is only a hint, which PhonePe's status API must confirm: that can't be sent from here.
"""

from collections.abc import Mapping

from service.settings import Settings
from tillgate_sandbox.base import MadeEvent
from tillgate_sandbox.events.sale import Outcome, Sale, checkout_of
from tillgate_sandbox.phonepe.events import PlayedPhonePe
from tillgate_sandbox.states import CheckoutStatus, PaymentStatus

_STANDS: Mapping[Outcome, tuple[CheckoutStatus, PaymentStatus | None]] = {
    Outcome.SUCCEEDED: (CheckoutStatus.PAID, PaymentStatus.SUCCEEDED),
    Outcome.FAILED: (CheckoutStatus.FAILED, PaymentStatus.FAILED),
    Outcome.PROCESSING: (CheckoutStatus.PROCESSING, PaymentStatus.PROCESSING),
    Outcome.EXPIRED: (CheckoutStatus.EXPIRED, None),
}


def phonepe_callback(sale: Sale, outcome: Outcome, settings: Settings) -> MadeEvent:
    """Build the callback that reports an outcome."""
    status, paid = _STANDS[outcome]
    checkout = checkout_of(
        sale,
        id=sale.checkout_ref or sale.session_id,
        provider="phonepe",
        status=status,
        payment=None if paid is None else (sale.made_id("T", length=22), paid),
        request={},
    )
    return PlayedPhonePe(settings).callback(checkout)
