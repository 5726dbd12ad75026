"""What PhonePe reports: v2 webhooks, or v1 callbacks if only a salt is set.

https://developer.phonepe.com/v1/reference/handling-webhooks-standard-checkout-1 and
/v1/reference/server-to-server-callback-5.
"""

import base64
import json
from datetime import datetime
from typing import Any, Literal

from service.core.errors import Misconfigured
from service.core.ids import digest
from service.core.strict_json import JsonObject
from service.providers.phonepe.settings import PhonePeSettings
from service.providers.phonepe.verify import V1_HEADER, V2_HEADER, login_of, x_verify_of
from service.providers.registry import ProviderName
from service.providers.signing import sha256_hex
from service.settings import Settings
from tillgate_sandbox.base import MadeEvent
from tillgate_sandbox.chaos import Fault
from tillgate_sandbox.documents import SandboxCheckout, SandboxPayment
from tillgate_sandbox.phonepe.render import (
    order_payload,
    refund_payload,
    v1_transaction,
)
from tillgate_sandbox.states import Happening

# What a merchant without an id of its own is called.
USUAL_MERCHANT = "PGTESTPAYUAT"

_ORDER_EVENTS: dict[Happening, str] = {
    Happening.PAID: "checkout.order.completed",
    Happening.SETTLED: "checkout.order.completed",
    Happening.BOUNCED: "checkout.order.failed",
    Happening.EXPIRED: "checkout.order.failed",
    Happening.CANCELED: "checkout.order.failed",
}
"""Happening -> webhook. The others leave the order PENDING, which is not reported."""

_ACCEPTED = ("pg.refund.accepted", "CONFIRMED")
_COMPLETED = ("pg.refund.completed", "COMPLETED")
_REFUND_EVENTS = {
    Happening.REFUNDED: (_ACCEPTED, _COMPLETED),
    Happening.REFUND_STARTED: (_ACCEPTED,),
    Happening.REFUND_SETTLED: (_COMPLETED,),
    Happening.REFUND_FAILED: (("pg.refund.failed", "FAILED"),),
}


class PlayedPhonePe:
    """PhonePe, played: how it reports what happens, and how it authenticates that."""

    name: ProviderName = "phonepe"

    def __init__(self, settings: Settings) -> None:
        """Keep the settings."""
        self._settings = settings.of(PhonePeSettings)
        self._merchant_id = settings.of(PhonePeSettings).merchant_id or USUAL_MERCHANT

    @property
    def version(self) -> Literal["v1", "v2"]:
        """Return which webhooks the merchant has set up: v2's, or v1's where only a salt is set."""
        has_login = login_of(self._settings.webhook_username, self._settings.webhook_password)
        return "v1" if self._settings.salt_key and has_login is None else "v2"

    def events_for(
        self,
        checkout: SandboxCheckout,
        happening: Happening,
        payment: SandboxPayment | None,
        now: datetime,
    ) -> list[MadeEvent]:
        """Make the webhooks of a happening. v1 reports orders only."""
        if happening in _REFUND_EVENTS and payment and self.version == "v2":
            refund = payment.refunds[-1]
            return [
                _made(event, refund_payload(checkout, refund, self._merchant_id, state))
                for event, state in _REFUND_EVENTS[happening]
            ]
        event = _ORDER_EVENTS.get(happening)
        if event is None:
            return []
        if self.version == "v1":
            return [self.callback(checkout)]
        return [_made(event, order_payload(checkout, self._merchant_id))]

    def falsify(self, event: MadeEvent, fault: Fault) -> MadeEvent:
        """Turn a right event into a wrong one.

        PhonePe sends no event id and no currency: its messages are distinguished by order and
        state, and a wrong currency is a field that is absent otherwise.
        """
        body: dict[str, Any] = json.loads(event.body)
        if "response" in body:
            content = json.loads(base64.b64decode(body["response"]))
            _tamper(content["data"], fault)
            return _callback(content)
        _tamper(body["payload"], fault)
        return _made(event.type, body["payload"])

    def sign(self, event: MadeEvent, at: datetime, fault: Fault | None) -> dict[str, str]:
        """Authenticate a message: v2 by a constant, v1 over its content. Raises `Misconfigured`.

        `old_secret` uses a retired login or salt; `bad_signature` a hash of other bytes.
        """
        if self.version == "v1":
            return self.sign_callback(event, fault)
        return {"Content-Type": "application/json", V2_HEADER: self._login(fault)}

    def callback(self, checkout: SandboxCheckout) -> MadeEvent:
        """Make v1's callback, which reports the state of an order."""
        return _callback(v1_transaction(checkout, self._merchant_id))

    def sign_callback(self, event: MadeEvent, fault: Fault | None) -> dict[str, str]:
        """Sign v1's callback over its content. Raises `Misconfigured` without a salt."""
        return {"Content-Type": "application/json", V1_HEADER: self._x_verify(event, fault)}

    def _x_verify(self, event: MadeEvent, fault: Fault | None) -> str:
        salt = self._settings.salt_key
        if salt is None:
            raise Misconfigured("PHONEPE_SALT_KEY is not set: nothing could be signed.")
        response = str(json.loads(event.body)["response"])
        if fault == "old_secret":
            salt = f"before-{salt}"
        if fault == "bad_signature":
            response += "A"
        return x_verify_of(response, salt, self._settings.salt_index)

    def _login(self, fault: Fault | None) -> str:
        settings = self._settings
        login = login_of(settings.webhook_username, settings.webhook_password)
        if login is None:
            raise Misconfigured("PHONEPE_WEBHOOK_USERNAME and PHONEPE_WEBHOOK_PASSWORD are unset.")
        if fault == "old_secret":
            login = f"{settings.webhook_username}:before-{settings.webhook_password}"
        if fault == "bad_signature":
            login = login[::-1]
        return sha256_hex(login.encode())


def _made(event: str, payload: JsonObject) -> MadeEvent:
    legacy = event.upper().replace(".", "_")
    body = json.dumps({"event": event, "type": legacy, "payload": payload}, indent=2).encode()
    return MadeEvent(event, _own_id(event, body), body)


def _callback(content: JsonObject) -> MadeEvent:
    response = base64.b64encode(json.dumps(content).encode()).decode()
    body = json.dumps({"response": response}).encode()
    event = f"callback {content['code']}"
    return MadeEvent(event, _own_id(event, body), body)


def _own_id(event: str, body: bytes) -> str:
    """Return an id for our own list of events: PhonePe has none."""
    return f"{event.replace(' ', '.')}:{digest(body)[:24]}"


def _tamper(payload: dict[str, Any], fault: Fault) -> None:
    if fault == "wrong_amount":
        payload["amount"] += 100
    elif fault == "wrong_currency":
        payload["currency"] = "USD"
    elif fault == "unknown_session":
        for field in ("merchantOrderId", "originalMerchantOrderId", "merchantTransactionId"):
            if field in payload:
                payload[field] = f"stranger-{digest(payload[field])[:24]}"
        for field in ("orderId", "refundId", "transactionId", "merchantRefundId"):
            if field in payload:
                payload[field] = f"{payload[field][:3]}{digest(payload[field])[:22]}"
        if "metaInfo" in payload:
            payload["metaInfo"] = {}
        for attempt in payload.get("paymentDetails", []):
            attempt["transactionId"] = f"OM{digest(attempt['transactionId'])[:22]}"
