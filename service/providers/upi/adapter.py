"""UPI as a provider: it draws a link and a QR code, and knows nothing of what becomes of them."""

import segno

from service.core.errors import ProviderFailed
from service.providers.base import (
    OWN_ACCOUNT,
    CheckoutRequest,
    OpenedCheckout,
)
from service.providers.upi.link import payment_link
from service.providers.upi.settings import UpiSettings
from service.providers.upi.traits import TRAITS


class UpiProvider:
    """Payments straight to a UPI address; a secret key completes them by hand.

    Nobody can be asked about them, and a link can't be taken back.
    """

    name = TRAITS.name
    account = OWN_ACCOUNT
    live: bool | None = None

    def __init__(self, settings: UpiSettings) -> None:
        """Take the payee."""
        self._settings = settings

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
            qr_code=segno.make_qr(link).svg_data_uri(scale=4, light="white"),
        )

    async def aclose(self) -> None:
        """Nothing is open."""
