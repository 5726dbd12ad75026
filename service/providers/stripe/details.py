"""What Stripe reports of a payment besides its money: the charge, what it was made with, fees.

An intent names its charge by id, and tells of it only where it was fetched expanded. Failed ones
tell what they were tried with (https://docs.stripe.com/api/payment_intents/object).
"""

from collections.abc import Iterable

from msgspec import structs

from service.core.money import LARGEST_AMOUNT
from service.core.strict_json import JsonObject
from service.providers.facts import Details, MethodDetails
from service.providers.reading import (
    amount,
    country,
    entries,
    inner,
    last_digits,
    masked_vpa,
    sentences,
    text,
    whole,
    word,
)
from service.providers.stripe.reading import moment, reference

# Never `payment_method`, which has the customer's name and address, and the card's fingerprint.
_OF_AN_ERROR = (
    *("type", "code", "decline_code", "network_decline_code", "network_advice_code"),
    *("advice_code", "message", "param", "doc_url"),
)
_NOTHING = Details()
_NO_METHOD = MethodDetails()


def checkout_details(session: JsonObject, customer: JsonObject) -> Details | None:
    """Return what a Checkout session reports, and its intent where that was expanded.

    An invoice that it made of a single payment is named here alone.
    """
    intent, subscribes = session.get("payment_intent"), session.get("mode") == "subscription"
    found = Details(
        country=country(inner(customer, "address")),
        tax=amount(inner(session, "total_details"), "amount_tax"),
        invoice_id=None if subscribes else reference(session, "invoice"),
    )
    if isinstance(intent, dict):
        found = _with_attempt(found, intent)
    return found if found != _NOTHING else None


def intent_details(intent: JsonObject) -> Details | None:
    """Return what an intent reports, of its latest charge or of the one that failed."""
    # Named until 2025-03-31.basil; since then only the invoice knows what paid it.
    found = _with_attempt(Details(invoice_id=reference(intent, "invoice")), intent)
    return found if found != _NOTHING else None


def method_used(intent: JsonObject) -> str | None:
    """Return the kind of method that a payment was made or tried with, where that is reported."""
    method = _method(intent, _charge(intent))
    return word(method, "type") if method else None


def invoice_details(invoice: JsonObject) -> Details | None:
    """Return what an invoice reports; its charge is named until 2025-03-31.basil."""
    found = Details(
        country=country(inner(invoice, "customer_address")),
        tax=_invoice_tax(invoice),
        charge_id=reference(invoice, "charge"),
        attempt_count=whole(invoice, "attempt_count"),
        made_at=moment(inner(invoice, "status_transitions"), "paid_at"),
    )
    return found if found != _NOTHING else None


def invoice_aliases(invoice: JsonObject) -> tuple[str, ...]:
    """Return the intents that paid an invoice, where it names them."""
    intent = reference(invoice, "payment_intent")
    listed = [
        reference(inner(one, "payment"), "payment_intent")
        for one in entries(inner(invoice, "payments"), "data")
    ]
    return tuple(sorted({one for one in (intent, *listed) if one}))


def failure_details(error: JsonObject) -> JsonObject | None:
    """Return what an intent's `last_payment_error` says, but for what names the customer."""
    return sentences(error, _OF_AN_ERROR) if error else None


def _with_attempt(found: Details, intent: JsonObject) -> Details:
    """Add what an intent reports of its last attempt."""
    charge, error = _charge(intent), inner(intent, "last_payment_error")
    found = structs.replace(
        found,
        charge_id=reference(error, "charge") or reference(intent, "latest_charge"),
        method_id=reference(intent, "payment_method") or reference(error, "payment_method"),
    )
    method = _method(intent, charge)
    if not method and not charge:
        return found
    # Which a webhook has as an id: what the payment cost is known by a fetch alone.
    booked = inner(charge, "balance_transaction")
    fee, fee_currency = amount(booked, "fee"), word(booked, "currency")
    priced = fee is not None and fee_currency is not None
    billed = inner(charge or inner(error, "payment_method"), "billing_details", "address")
    return structs.replace(
        found,
        country=found.country or country(billed),
        fee=fee if priced else None,
        fee_currency=fee_currency.upper() if priced and fee_currency else None,
        fee_tax=_total(one for one in entries(booked, "fee_details") if one.get("type") == "tax"),
        method_details=_method_details(method),
        made_at=moment(charge, "created"),
    )


def _charge(intent: JsonObject) -> JsonObject:
    """Return an intent's charge where it is expanded, or listed (until 2022-11-15); else empty."""
    latest = intent.get("latest_charge")
    if isinstance(latest, dict):
        return latest
    listed = entries(inner(intent, "charges"), "data") if "charges" in intent else ()
    return listed[0] if listed else {}


def _method(intent: JsonObject, charge: JsonObject) -> JsonObject:
    """Return what a payment was made with, else what the one that failed was tried with."""
    if charge:
        return inner(charge, "payment_method_details")
    return inner(intent, "last_payment_error", "payment_method")


def _method_details(method: JsonObject) -> MethodDetails | None:
    """Read a method: its own fields stand under its type (`card`, `sepa_debit`, `upi` …)."""
    own = inner(method, text(method, "type") or "")
    found = MethodDetails(
        brand=word(own, "brand"),
        last4=last_digits(own, "last4"),
        exp_month=whole(own, "exp_month"),
        exp_year=whole(own, "exp_year"),
        wallet=word(inner(own, "wallet"), "type"),
        bank=word(own, "bank") or word(own, "bank_name") or word(own, "bank_code"),
        vpa=masked_vpa(text(own, "vpa") or ""),
    )
    return found if found != _NO_METHOD else None


def _total(parts: Iterable[JsonObject]) -> int | None:
    amounts = [amount(one, "amount") for one in parts]
    total = sum(one for one in amounts if one is not None)
    return total if amounts and total <= LARGEST_AMOUNT else None


def _invoice_tax(invoice: JsonObject) -> int | None:
    """Return an invoice's taxes, which 2025-03-31.basil lists one by one."""
    listed = invoice.get("total_taxes")
    if not isinstance(listed, list):
        return amount(invoice, "tax")
    return _total(entries(invoice, "total_taxes")) if listed else 0
