"""UPI as a provider: it draws a link and a QR code, and knows nothing of what becomes of them."""

from collections.abc import Mapping
from datetime import datetime

import segno

from service.core.errors import ProviderFailed, SignatureRejected
from service.providers.base import (
    OWN_ACCOUNT,
    CheckoutRequest,
    ClosedCheckout,
    OpenedCheckout,
    VerifiedEvent,
)
from service.providers.upi.link import payment_link
from service.providers.upi.settings import UpiSettings
from service.providers.upi.traits import TRAITS

_BY_HAND = "UPI tells nothing of its payments: they are settled by hand with a secret key."


class UpiProvider:
    """Payments straight to a UPI address; a secret key settles them by hand."""

    name = TRAITS.name
    account = OWN_ACCOUNT
    live: bool | None = None
    receives_webhooks = False

    def __init__(self, settings: UpiSettings) -> None:
        """Take the payee."""
        self._settings = settings

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> VerifiedEvent:
        """Refuse: UPI sends no webhooks. Raises `SignatureRejected`."""
        raise SignatureRejected("unsupported", "UPI sends no webhooks.")

    def translate_stored(self, event_id: str, payload: bytes) -> VerifiedEvent:
        """Refuse: no event of UPI was ever stored. Raises `ProviderFailed`."""
        raise ProviderFailed(_BY_HAND)

    async def open_checkout(self, request: CheckoutRequest) -> OpenedCheckout:
        """Draw the deep link and its QR code; the attempt's id is the reference."""
        payee = self._settings.payee_address
        if not payee:
            raise ProviderFailed("UPI is not set up: set UPI_PAYEE_ADDRESS.")
        if request.currency != "INR":
            raise ProviderFailed(f"UPI takes INR only, not {request.currency}.")
        if request.mode != "payment":
            raise ProviderFailed("UPI takes single payments only.")
        link = payment_link(
            payee_address=payee,
            payee_name=self._settings.payee_name or payee,
            amount=request.amount,
            reference=request.attempt_id,
            note=request.description,
        )
        return OpenedCheckout(
            ref=request.attempt_id,
            url=link,
            amount=request.amount,
            currency="INR",
            expires_at=request.expires_at,
            qr_code=segno.make_qr(link).svg_data_uri(scale=4),
        )

    async def fetch(self, ref: str) -> VerifiedEvent:
        """Refuse: there is nobody to ask. Raises `ProviderFailed`."""
        raise ProviderFailed(_BY_HAND)

    async def close_checkout(self, ref: str) -> ClosedCheckout:
        """Tell that a link can't be taken back; a payment that still comes is settled late."""
        return ClosedCheckout(closed=False)

    async def capture(self, provider_payment_id: str, amount: int, currency: str) -> None:
        """Refuse: UPI holds no money. Raises `ProviderFailed`."""
        raise ProviderFailed(_BY_HAND)

    async def aclose(self) -> None:
        """Nothing is open."""
