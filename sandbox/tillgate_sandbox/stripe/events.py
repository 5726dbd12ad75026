"""Stripe, played: which events report what happened, and how they are signed.

Event types: https://docs.stripe.com/api/events/types. Signature: https://docs.stripe.com/webhooks.
"""

import json
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime

from service.core import strict_json
from service.core.errors import Misconfigured
from service.core.ids import digest
from service.core.strict_json import JsonObject, JsonValue
from service.providers.registry import ProviderName
from service.providers.signing import hmac_sha256_hex
from service.providers.stripe.settings import StripeSettings
from service.settings import Settings
from tillgate_sandbox.base import MadeEvent
from tillgate_sandbox.chaos import Fault
from tillgate_sandbox.documents import SandboxCheckout, SandboxPayment
from tillgate_sandbox.states import Happening
from tillgate_sandbox.stripe import billing
from tillgate_sandbox.stripe.render import (
    API_VERSION,
    charge,
    checkout_session,
    dispute,
    payment_intent,
    refund,
    subscribes,
    unix,
)

_Made = list[tuple[str, JsonObject]]
_Reports = Callable[[SandboxCheckout, SandboxPayment | None, datetime], _Made]

_AGENT = "Stripe/1.0 (+https://stripe.com/docs/webhooks)"


class PlayedStripe:
    """Stripe, with the webhook secrets that the service has set, the newest first."""

    name: ProviderName = "stripe"

    def __init__(self, settings: Settings) -> None:
        """Keep the secrets."""
        self._secrets = settings.of(StripeSettings).webhook_secrets

    def events_for(
        self,
        checkout: SandboxCheckout,
        happening: Happening,
        payment: SandboxPayment | None,
        now: datetime,
    ) -> list[MadeEvent]:
        """Make the events of a happening, in the order in which Stripe usually sends them."""
        objects = _EVENTS.get(happening, _nothing)(checkout, payment, now)
        return [made_event(kind, about, now) for kind, about in objects]

    def falsify(self, event: MadeEvent, fault: Fault) -> MadeEvent:
        """Make a wrong event of a right one, about another payment, under another id."""
        body = strict_json.parse(event.body)
        if not isinstance(body, dict):
            return event
        event_id = _new_event_id()
        false = _falsified(body, fault, salt=event_id)
        if isinstance(false, dict):
            false["id"] = event_id
        return MadeEvent(event.type, event_id, json.dumps(false, indent=2).encode())

    def sign(self, event: MadeEvent, at: datetime, fault: Fault | None) -> dict[str, str]:
        """Sign a delivery anew at each try: `t=<unix>,v1=<hex HMAC of t.body>`.

        Raises `Misconfigured` without a secret.
        """
        if not self._secrets:
            raise Misconfigured("STRIPE_WEBHOOK_SECRET is not set: nothing could be signed.")
        secret = self._secrets[0]
        if fault == "old_secret":
            # A secret that is being rolled is still believed, one that was retired is not.
            secret = self._secrets[1] if len(self._secrets) > 1 else f"{secret}_retired"
        signature = signature_of(event.body, secret, at)
        if fault == "bad_signature":
            signed_at, _, right = signature.partition(",v1=")
            signature = f"{signed_at},v1={digest(right)}"
        return {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": signature,
            "User-Agent": _AGENT,
        }


def signature_of(body: bytes, secret: str, at: datetime) -> str:
    """Return the header `Stripe-Signature` of a body that is sent at a time."""
    signed_at = str(unix(at))
    return f"t={signed_at},v1={hmac_sha256_hex(secret, signed_at.encode() + b'.' + body)}"


def made_event(
    kind: str, about: JsonObject, now: datetime, event_id: str | None = None
) -> MadeEvent:
    """Put an object into an event, indented as Stripe sends it; without an id it gets a new one."""
    event_id = event_id or _new_event_id()
    event: JsonObject = {
        "id": event_id,
        "object": "event",
        "api_version": API_VERSION,
        "created": unix(now),
        "data": {"object": about},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }
    return MadeEvent(kind, event_id, json.dumps(event, indent=2).encode())


def _new_event_id() -> str:
    return f"evt_1{secrets.token_hex(12)[:23]}"


def _nothing(checkout: SandboxCheckout, payment: SandboxPayment | None, now: datetime) -> _Made:
    return []


def _paid(checkout: SandboxCheckout, payment: SandboxPayment | None, now: datetime) -> _Made:
    objects: _Made = []
    if subscribes(checkout):
        objects.append(("customer.subscription.created", billing.subscription(checkout)))
        objects.append(("invoice.paid", billing.invoice(checkout)))
    if payment is not None and payment.amount:
        objects.append(("payment_intent.succeeded", payment_intent(checkout, payment)))
    return [*objects, ("checkout.session.completed", checkout_session(checkout))]


def _delayed(checkout: SandboxCheckout, payment: SandboxPayment | None, now: datetime) -> _Made:
    return [("checkout.session.completed", checkout_session(checkout))]


def _authorized(checkout: SandboxCheckout, payment: SandboxPayment | None, now: datetime) -> _Made:
    kind = "payment_intent.amount_capturable_updated"
    held = [(kind, payment_intent(checkout, payment))] if payment else []
    return held + _delayed(checkout, payment, now)


def _paid_later(checkout: SandboxCheckout, payment: SandboxPayment | None, now: datetime) -> _Made:
    objects = [("payment_intent.succeeded", payment_intent(checkout, payment))] if payment else []
    return [*objects, ("checkout.session.async_payment_succeeded", checkout_session(checkout))]


def _captured(checkout: SandboxCheckout, payment: SandboxPayment | None, now: datetime) -> _Made:
    return [("payment_intent.succeeded", payment_intent(checkout, payment))] if payment else []


def _bounced(checkout: SandboxCheckout, payment: SandboxPayment | None, now: datetime) -> _Made:
    return [
        *_declined(checkout, payment, now),
        ("checkout.session.async_payment_failed", checkout_session(checkout)),
    ]


def _declined(checkout: SandboxCheckout, payment: SandboxPayment | None, now: datetime) -> _Made:
    kind = "payment_intent.payment_failed"
    return [(kind, payment_intent(checkout, payment))] if payment else []


def _expired(checkout: SandboxCheckout, payment: SandboxPayment | None, now: datetime) -> _Made:
    return [("checkout.session.expired", checkout_session(checkout))]


def _refunded(checkout: SandboxCheckout, payment: SandboxPayment | None, now: datetime) -> _Made:
    if payment is None:
        return []
    return [
        ("refund.created", refund(payment, payment.refunds[-1])),
        ("charge.refunded", charge(checkout, payment)),
    ]


def _about_refund(*kinds: str) -> _Reports:
    def made(checkout: SandboxCheckout, payment: SandboxPayment | None, now: datetime) -> _Made:
        return [(kind, refund(payment, payment.refunds[-1])) for kind in kinds] if payment else []

    return made


def _about_dispute(*changes: str) -> _Reports:
    def made(checkout: SandboxCheckout, payment: SandboxPayment | None, now: datetime) -> _Made:
        if payment is None or payment.dispute is None:
            return []
        about = dispute(payment, payment.dispute)
        return [(f"charge.dispute.{change}", about) for change in changes]

    return made


def _disputed(checkout: SandboxCheckout, payment: SandboxPayment | None, now: datetime) -> _Made:
    """A dispute that was an inquiry is not created anew."""
    asked = any(one.what is Happening.INQUIRED for one in checkout.happened)
    first = "updated" if asked else "created"
    return _about_dispute(first, "funds_withdrawn")(checkout, payment, now)


_EVENTS: Mapping[Happening, _Reports] = {
    Happening.PAID: _paid,
    Happening.DELAYED: _delayed,
    Happening.AUTHORIZED: _authorized,
    Happening.SETTLED: _paid_later,
    Happening.CAPTURED: _captured,
    Happening.BOUNCED: _bounced,
    Happening.DECLINED: _declined,
    Happening.EXPIRED: _expired,
    Happening.REFUNDED: _refunded,
    Happening.REFUND_STARTED: _refunded,
    Happening.REFUND_SETTLED: _about_refund("refund.updated"),
    Happening.REFUND_FAILED: _about_refund("refund.failed"),
    Happening.DISPUTED: _disputed,
    Happening.INQUIRED: _about_dispute("created"),
    Happening.INQUIRY_CLOSED: _about_dispute("closed"),
    Happening.DISPUTE_ANSWERED: _about_dispute("updated"),
    Happening.DISPUTE_WON: _about_dispute("closed", "funds_reinstated"),
    Happening.DISPUTE_LOST: _about_dispute("closed"),
}
"""What is not in the table, Stripe does not report: a customer who leaves keeps it open."""

_AMOUNTS = frozenset("amount amount_received amount_total amount_subtotal amount_paid".split())
# A wrong event is about another payment: the right one's ledger row is not its business.
_OWN_IDS = ("pi_", "in_", "ch_", "re_", "du_", "txn_")
_PAYMENT_IDS = frozenset({"payment_intent", "invoice", "charge", "latest_charge"})
_SESSION_IDS = frozenset({"checkoutSessionId", "sessionId", "client_reference_id"})


def _falsified(value: JsonValue, fault: Fault, salt: str, key: str = "") -> JsonValue:
    if isinstance(value, dict):
        return {name: _falsified(item, fault, salt, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_falsified(item, fault, salt) for item in value]
    if isinstance(value, int) and not isinstance(value, bool):
        wrong = fault == "wrong_amount" and key in _AMOUNTS and value
        return value + 100 if wrong else value
    return _falsified_text(value, fault, salt, key) if isinstance(value, str) else value


def _falsified_text(value: str, fault: Fault, salt: str, key: str) -> str:
    other = digest(f"{salt}:{value}")[:24]
    if key in _PAYMENT_IDS or (key == "id" and value.startswith(_OWN_IDS)):
        return f"{value.partition('_')[0]}_{other}"
    if key == "refundId":
        return other
    if fault == "wrong_currency" and key == "currency":
        return "jpy" if value != "jpy" else "usd"
    if fault == "unknown_session" and (key in _SESSION_IDS or value.startswith("cs_")):
        return f"{'cs_test' if value.startswith('cs_') else 'unknown'}_{other}"
    return value
