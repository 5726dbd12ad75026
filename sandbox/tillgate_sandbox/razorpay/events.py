"""What Razorpay reports, in which webhooks (https://razorpay.com/docs/webhooks/all)."""

import json
from datetime import datetime
from typing import Any

from service.core.errors import Misconfigured
from service.core.strict_json import JsonObject
from service.providers.razorpay.settings import RazorpaySettings
from service.providers.razorpay.verify import EVENT_ID_HEADER, SIGNATURE_HEADER
from service.providers.registry import ProviderName
from service.providers.signing import hmac_sha256_hex
from service.settings import Settings
from tillgate_sandbox.base import MadeEvent, pay_page
from tillgate_sandbox.chaos import Fault
from tillgate_sandbox.documents import SandboxCheckout, SandboxPayment
from tillgate_sandbox.razorpay import billing as subscriptions
from tillgate_sandbox.razorpay.render import (
    ORDER,
    dispute_entity,
    is_link,
    is_subscription,
    link_entity,
    made_id,
    order_entity,
    payment_entity,
    refund_entity,
)
from tillgate_sandbox.states import Happening

_ACCOUNT = "acc_TillgateSandbox"
_CAPTURED = ("payment.captured", "order.paid", "payment_link.paid")

_EVENTS: dict[Happening, tuple[str, ...]] = {
    # Capture is automatic; the authorization is sent too (razorpay.com/docs/webhooks/payments).
    Happening.PAID: ("payment.authorized", *_CAPTURED),
    # The bank is slow: the payment is `created`, which is not reported.
    Happening.DELAYED: (),
    # Late authorization.
    Happening.SETTLED: ("payment.authorized", *_CAPTURED),
    Happening.BOUNCED: ("payment.failed",),
    Happening.DECLINED: ("payment.failed",),
    Happening.AUTHORIZED: ("payment.authorized",),
    Happening.CAPTURED: _CAPTURED,
    Happening.EXPIRED: ("payment_link.expired",),
    Happening.CANCELED: ("payment_link.cancelled",),
    Happening.REFUNDED: ("refund.created", "refund.processed"),
    Happening.REFUND_STARTED: ("refund.created",),
    Happening.REFUND_SETTLED: ("refund.processed",),
    Happening.REFUND_FAILED: ("refund.failed",),
    # Money that was held is given back by Razorpay itself, as a refund.
    Happening.VOIDED: ("refund.created", "refund.processed"),
    Happening.DISPUTED: ("payment.dispute.created",),
    Happening.INQUIRED: ("payment.dispute.created",),
    Happening.INQUIRY_CLOSED: ("payment.dispute.closed",),
    Happening.DISPUTE_ANSWERED: ("payment.dispute.under_review",),
    Happening.DISPUTE_WON: ("payment.dispute.won",),
    Happening.DISPUTE_LOST: ("payment.dispute.lost", "refund.created", "refund.processed"),
}
"""Happening -> webhooks, in the order of their making. Those of links are for links only."""

_CHARGED = frozenset({Happening.PAID, Happening.SETTLED, Happening.CAPTURED})
"""What is the first charge of a subscription."""

_ENDED = ("payment_link.expired", "payment_link.cancelled")

# What in the payload is the event's own: a false event has another one, it is other money.
_OWN = {"refund": "refund", "payment.dispute": "dispute"}


class PlayedRazorpay:
    """Razorpay, played: how it reports what happens, and how it signs."""

    name: ProviderName = "razorpay"

    def __init__(self, settings: Settings) -> None:
        """Keep the settings; the first webhook secret is the one that is signed with."""
        self._settings = settings

    def events_for(
        self,
        checkout: SandboxCheckout,
        happening: Happening,
        payment: SandboxPayment | None,
        now: datetime,
    ) -> list[MadeEvent]:
        """Make the webhooks of a happening. An order's end is never reported, only a link's."""
        if is_subscription(checkout.id) and happening in _CHARGED:
            return subscriptions.events_of(checkout, subscriptions.first_step(checkout))
        kinds = [
            kind
            for kind in _EVENTS[happening]
            if is_link(checkout.id) or not kind.startswith("payment_link.")
        ]
        if happening is Happening.DISPUTE_LOST and not (payment and _paid_back(payment)):
            kinds = kinds[:1]
        if happening is Happening.DISPUTED and any(
            one.what is Happening.INQUIRED for one in checkout.happened
        ):
            kinds = ["payment.dispute.action_required"]
        # The version counts what has happened: nothing happens twice under one event id.
        ids = {kind: made_id("", kind, checkout.id, checkout.version) for kind in kinds}
        return [self.made(kind, checkout, payment, now, ids[kind]) for kind in kinds]

    def made(
        self,
        kind: str,
        checkout: SandboxCheckout,
        payment: SandboxPayment | None,
        now: datetime,
        event_id: str,
    ) -> MadeEvent:
        """Make one webhook, indented as Razorpay sends it."""
        at = int(now.timestamp())
        entities = self._entities(kind, checkout, payment, at)
        event: JsonObject = {
            "entity": "event",
            "account_id": _ACCOUNT,
            "event": kind,
            "contains": list(entities),
            "payload": {name: {"entity": entity} for name, entity in entities.items()},
            "created_at": at,
        }
        return MadeEvent(kind, event_id, json.dumps(event, indent=2).encode())

    def falsify(self, event: MadeEvent, fault: Fault) -> MadeEvent:
        """Make a wrong event of a right one, under another event id.

        Its money is other money too, with an id of its own: one payment has one amount, and a row
        of the ledger must not depend on which of two amounts came first.
        """
        body: dict[str, Any] = json.loads(event.body)
        payload = body["payload"]
        if fault != "unknown_session":
            _rename_own(event.type, payload, fault)
        for named in payload.values():
            entity = named["entity"]
            if fault == "wrong_amount":
                entity["amount"] += 100
            elif fault == "wrong_currency":
                entity["currency"] = "EUR" if entity["currency"] == "USD" else "USD"
            elif fault == "unknown_session":
                _estrange(entity)
        event_id = made_id("", event.event_id, fault)
        return MadeEvent(event.type, event_id, json.dumps(body, indent=2).encode())

    def sign(self, event: MadeEvent, at: datetime, fault: Fault | None) -> dict[str, str]:
        """Sign the body as it is; Razorpay signs no time. Raises `Misconfigured` without a secret.

        `old_secret` signs with one that is given up; `bad_signature` signs other bytes.
        """
        secrets = self._settings.of(RazorpaySettings).webhook_secrets
        if not secrets:
            raise Misconfigured("RAZORPAY_WEBHOOK_SECRET is not set: nothing could be signed.")
        secret, body = secrets[0], event.body
        if fault == "old_secret":
            secret = f"before-{secret}"
        if fault == "bad_signature":
            body += b" "
        return {
            "Content-Type": "application/json",
            "User-Agent": "Razorpay-Webhook/v1",
            SIGNATURE_HEADER: hmac_sha256_hex(secret, body),
            EVENT_ID_HEADER: event.event_id,
        }

    def _entities(
        self, kind: str, checkout: SandboxCheckout, payment: SandboxPayment | None, at: int
    ) -> dict[str, JsonObject]:
        link = link_entity(checkout, pay_page(self._settings, checkout.page_id))
        if payment is None or kind in _ENDED:
            return {"payment_link": link}
        status = "authorized" if kind == "payment.authorized" else None
        paid = payment_entity(checkout, payment, status)
        order = order_entity(checkout)
        if kind == "order.paid":
            return {"payment": paid, "order": order}
        if kind == "payment_link.paid":
            # Razorpay's sample of this event shows the order's id without its prefix.
            order["id"] = str(order["id"]).removeprefix(ORDER)
            return {"payment_link": link, "order": order, "payment": paid}
        if kind.startswith("refund."):
            status = "pending" if kind == "refund.created" else None
            refund = refund_entity(payment, payment.refunds[-1], status)
            return {"refund": refund, "payment": paid}
        if kind.startswith("payment.dispute.") and payment.dispute:
            return {"payment": paid, "dispute": dispute_entity(payment, payment.dispute)}
        return {"payment": paid}


def _paid_back(payment: SandboxPayment) -> bool:
    return bool(payment.refunds) and payment.refunds[-1].by_dispute


def _rename_own(kind: str, payload: dict[str, Any], fault: Fault) -> None:
    own = _OWN.get(kind.rpartition(".")[0], "payment")
    if own in payload:
        entity = payload[own]["entity"]
        prefix = f"{entity['id'].partition('_')[0]}_"
        entity["id"] = made_id(prefix, entity["id"], fault)
        if own == "refund":
            entity |= {"receipt": None, "notes": []}


def _estrange(entity: dict[str, Any]) -> None:
    """Make an entity that of a shop which shares the account: no id in it is one of ours."""
    for field in ("id", "order_id", "payment_id", "receipt", "reference_id"):
        given = entity.get(field)
        if given:
            prefix = f"{given.partition('_')[0]}_" if "_" in given else ""
            entity[field] = made_id(prefix, "stranger", given)
    if "notes" in entity:
        entity["notes"] = []
