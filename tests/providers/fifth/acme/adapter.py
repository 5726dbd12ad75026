"""Acme as a provider: it opens a page, and sends one kind of webhook."""

from collections.abc import Mapping
from datetime import UTC, datetime

from service.providers.acme.settings import AcmeSettings
from service.providers.acme.traits import TRAITS

from service.core.errors import SignatureRejected
from service.core.strict_json import JsonObject, parse
from service.providers.base import OWN_ACCOUNT, CheckoutRequest, OpenedCheckout, VerifiedEvent
from service.providers.facts import Payment, PaymentSucceeded, Subject
from service.providers.reading import needed_amount, needed_text
from service.providers.signing import signed_by_any

HEADER = "acme-signature"


class AcmeProvider:
    """It can be heard, and nothing more: it closes, captures and answers nothing."""

    name = TRAITS.name
    account = OWN_ACCOUNT
    live: bool | None = None

    def __init__(self, settings: AcmeSettings) -> None:
        """Keep what its webhooks are signed with."""
        self._secrets = settings.webhook_secrets
        self.receives_webhooks = bool(settings.webhook_secrets)

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> VerifiedEvent:
        """Check a webhook's signature. Raises `SignatureRejected`."""
        if not signed_by_any(self._secrets, body, [headers.get(HEADER, "")]):
            raise SignatureRejected("mismatch", "The signature is not Acme's.")
        return self.translate_stored("", body)

    def translate_stored(self, event_id: str, payload: bytes) -> VerifiedEvent:
        """Translate the one kind of event that there is."""
        told = parse(payload)
        told = told if isinstance(told, dict) else {}
        ref = needed_text(told, "order")
        return VerifiedEvent(
            provider=self.name,
            account=self.account,
            live=None,
            event_id=needed_text(told, "id"),
            type="paid",
            occurred_at=datetime(2026, 11, 21, tzinfo=UTC),
            subject=Subject(checkout_refs=(ref,)),
            facts=(PaymentSucceeded(_payment(told, ref)),),
            payload=payload,
        )

    async def open_checkout(self, request: CheckoutRequest) -> OpenedCheckout:
        """Open a page for one attempt."""
        url = f"https://pay.acme.example/{request.attempt_id}"
        return OpenedCheckout(request.attempt_id, url, request.amount, request.currency)

    async def aclose(self) -> None:
        """Nothing is open."""


def _payment(told: JsonObject, ref: str) -> Payment:
    paid = needed_text(told, "payment")
    return Payment(paid, needed_amount(told), needed_text(told, "currency"), checkout_ref=ref)
