"""Which calls of Stripe's API are played, and what kind of object each answers with."""

import re
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from msgspec import Struct

from service.core.strict_json import JsonObject
from tillgate_sandbox.base import Sandbox
from tillgate_sandbox.stripe import (
    charges,
    clock_calls,
    event_calls,
    invoices,
    prices,
    refunds,
    sessions,
    subscriptions,
)
from tillgate_sandbox.stripe.refusals import no_such_route

Call: TypeAlias = Callable[[Sandbox, tuple[str, ...], JsonObject], Awaitable[JsonObject]]

_ID = r"([A-Za-z0-9_]{1,255})"
_SESSIONS = "/v1/checkout/sessions"
_INTENTS = "/v1/payment_intents"
_SUBSCRIPTIONS = "/v1/subscriptions"
_CLOCKS = "/v1/test_helpers/test_clocks"
_CLOCK = "test_helpers.test_clock"
_CALLS: tuple[tuple[str, str, Call, str], ...] = (
    ("POST", _SESSIONS, sessions.create, "checkout.session"),
    ("GET", _SESSIONS, sessions.list_all, "checkout.sessions"),
    ("GET", f"{_SESSIONS}/{_ID}", sessions.retrieve, "checkout.session"),
    ("POST", f"{_SESSIONS}/{_ID}", sessions.update, "checkout.session"),
    ("POST", f"{_SESSIONS}/{_ID}/expire", sessions.expire, "checkout.session"),
    ("GET", f"{_SESSIONS}/{_ID}/line_items", sessions.list_line_items, "items"),
    ("GET", _INTENTS, charges.list_intents, "payment_intents"),
    ("GET", f"{_INTENTS}/{_ID}", charges.retrieve_intent, "payment_intent"),
    ("POST", f"{_INTENTS}/{_ID}/capture", charges.capture_intent, "payment_intent"),
    ("GET", "/v1/charges", charges.list_charges, "charges"),
    ("GET", f"/v1/charges/{_ID}", charges.retrieve_charge, "charge"),
    ("POST", "/v1/refunds", refunds.create_refund, "refund"),
    ("GET", "/v1/refunds", refunds.list_refunds, "refunds"),
    ("GET", f"/v1/refunds/{_ID}", refunds.retrieve_refund, "refund"),
    ("GET", "/v1/disputes", refunds.list_disputes, "disputes"),
    ("GET", f"/v1/disputes/{_ID}", refunds.retrieve_dispute, "dispute"),
    ("GET", _SUBSCRIPTIONS, subscriptions.list_subscriptions, "subscriptions"),
    ("GET", f"{_SUBSCRIPTIONS}/{_ID}", subscriptions.retrieve_subscription, "subscription"),
    ("POST", f"{_SUBSCRIPTIONS}/{_ID}", subscriptions.update_subscription, "subscription"),
    ("DELETE", f"{_SUBSCRIPTIONS}/{_ID}", subscriptions.cancel_subscription, "subscription"),
    ("POST", f"{_SUBSCRIPTIONS}/{_ID}/resume", subscriptions.resume_subscription, "subscription"),
    ("GET", "/v1/invoices", invoices.list_invoices, "invoices"),
    ("GET", f"/v1/invoices/{_ID}", invoices.retrieve_invoice, "invoice"),
    ("GET", "/v1/invoice_payments", invoices.list_invoice_payments, "invoice_payments"),
    ("GET", f"/v1/prices/{_ID}", prices.retrieve_price, "price"),
    ("POST", _CLOCKS, clock_calls.create_clock, _CLOCK),
    ("GET", _CLOCKS, clock_calls.list_clocks, f"{_CLOCK}s"),
    ("GET", f"{_CLOCKS}/{_ID}", clock_calls.retrieve_clock, _CLOCK),
    ("POST", f"{_CLOCKS}/{_ID}/advance", clock_calls.advance_clock, _CLOCK),
    ("DELETE", f"{_CLOCKS}/{_ID}", clock_calls.delete_clock, _CLOCK),
    ("GET", "/v1/events", event_calls.list_events, "events"),
    ("GET", f"/v1/events/{_ID}", event_calls.retrieve_event, "event"),
)


class Found(Struct, frozen=True):
    """A call, the ids in its path, and the kind of object that it answers with."""

    call: Call
    ids: tuple[str, ...]
    kind: str


def find_call(method: str, path: str) -> Found:
    """Find a call by its address. Raises `StripeRefused`."""
    for wanted, pattern, call, kind in _CALLS:
        matched = re.fullmatch(pattern, path) if method == wanted else None
        if matched:
            return Found(call, matched.groups(), kind)
    raise no_such_route(method, path)
