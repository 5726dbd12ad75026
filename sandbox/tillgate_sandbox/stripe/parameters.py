"""What a Checkout session is created with, checked as Stripe checks it.

https://docs.stripe.com/api/checkout/sessions/create. Products and prices are not kept: a price id
carries its own amount, `price_sandbox_999_usd_basic`.
"""

import re
from datetime import datetime, timedelta

from msgspec import Struct

from service.core.clock import from_unix
from service.core.money import LARGEST_AMOUNT, currency_exists
from service.core.strict_json import JsonObject, JsonValue
from service.providers.money import to_major
from service.providers.reading import entries, inner, text
from tillgate_sandbox.stripe.refusals import StripeRefused, missing

SHORTEST, LONGEST = timedelta(minutes=30), timedelta(hours=24)

SANDBOX_PRICE = re.compile(r"price_sandbox_(\d{1,12})_([a-z]{3})(?:_\w{1,60})?")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_MODES = ("payment", "setup", "subscription")
_MOST_METADATA = 50

# The least that a charge may be, in minor units (https://docs.stripe.com/currencies, "Minimum and
# maximum charge amounts"). Elsewhere it goes by an exchange rate, which the sandbox does not have.
_LEAST = {
    **dict.fromkeys("AUD BRL CAD CHF EUR INR JPY NZD SGD USD".split(), 50),
    **dict.fromkeys("AED MYR PLN RON".split(), 200),
    **dict.fromkeys("MXN THB".split(), 1000),
    **dict.fromkeys("NOK SEK".split(), 300),
    "BGN": 100,
    "CZK": 1500,
    "DKK": 250,
    "GBP": 30,
    "HKD": 400,
    "HUF": 17500,
}

# All that Stripe takes; what the sandbox has no use for changes nothing.
_TAKEN = frozenset(
    """adaptive_pricing after_expiration allow_promotion_codes automatic_tax
    billing_address_collection branding_settings cancel_url client_reference_id consent_collection
    currency custom_fields custom_text customer customer_account customer_creation customer_email
    customer_update discounts excluded_payment_method_types expand expires_at integration_identifier
    invoice_creation line_items locale managed_payments metadata mode name_collection
    optional_items origin_context payment_intent_data payment_method_collection
    payment_method_configuration payment_method_data payment_method_options payment_method_types
    permissions phone_number_collection redirect_on_completion return_url
    saved_payment_method_options setup_intent_data shipping_address_collection shipping_options
    submit_type subscription_data success_url tax_id_collection ui_mode wallet_options""".split()
)


class NewSession(Struct, frozen=True):
    """A Checkout session that may be created. `amount` is what is due now, in minor units."""

    amount: int
    currency: str
    mode: str
    expires_at: datetime
    success_url: str
    cancel_url: str | None
    session_id: str


def read_new_session(given: JsonObject, now: datetime) -> NewSession:
    """Check the parameters of a new session. Raises `StripeRefused` for the first that is wrong."""
    refuse_unknown(given, _TAKEN)
    mode = given.get("mode")
    if mode not in _MODES:
        raise missing("mode") if mode is None else _wrong("mode", f"must be one of {_MODES}")
    success_url = text(given, "success_url")
    if success_url is None:
        raise missing("success_url")
    metadata = inner(given, "metadata")
    check_metadata(given.get("metadata"))
    _check_email(text(given, "customer_email"))
    amount, currency = _total(given)
    if mode == "subscription" and inner(given, "subscription_data").get("trial_period_days"):
        amount = 0
    if mode == "payment":
        _check_minimum(amount, currency)
    return NewSession(
        amount=amount,
        currency=currency,
        mode=str(mode),
        expires_at=_expires_at(given, now),
        success_url=success_url,
        cancel_url=text(given, "cancel_url"),
        session_id=text(metadata, "sessionId") or text(given, "client_reference_id") or "",
    )


def refuse_unknown(given: JsonObject, taken: frozenset[str]) -> None:
    """Refuse parameters that the call does not take."""
    for name in given:
        if name not in taken:
            message = f"Received unknown parameter: {name}"
            raise StripeRefused(message, code="parameter_unknown", param=name)


def read_whole(given: JsonObject, name: str, param: str | None = None) -> int | None:
    """Read an integer, None where it is not given."""
    value = given.get(name)
    if value is None:
        return None
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,18}", value):
        return int(value)
    message = f"Invalid integer: {value}"
    raise StripeRefused(message, code="parameter_invalid_integer", param=param or name)


def check_metadata(given: JsonValue) -> None:
    """Refuse metadata beyond Stripe's limits (https://docs.stripe.com/api/metadata)."""
    if given is None or given == "":
        return
    if not isinstance(given, dict):
        raise StripeRefused("Invalid object", param="metadata")
    if len(given) > _MOST_METADATA:
        raise StripeRefused(f"Metadata can have up to {_MOST_METADATA} keys.", param="metadata")
    for key, value in given.items():
        where = f"metadata[{key[:40]}]"
        if len(key) > 40:
            raise StripeRefused("Metadata keys can have up to 40 characters.", param=where)
        if not isinstance(value, str) or len(value) > 500:
            raise StripeRefused("Metadata values can have up to 500 characters.", param=where)


def merged_metadata(kept: JsonObject, given: JsonValue) -> JsonObject:
    """Merge metadata as Stripe does: an empty value takes its key away, an empty text all of it."""
    check_metadata(given)
    if given == "":
        return {}
    merged = kept | (given if isinstance(given, dict) else {})
    return {key: value for key, value in merged.items() if value != ""}


def _check_email(email: str | None) -> None:
    if email is not None and not _EMAIL.fullmatch(email):
        message = f"Invalid email address: {email}"
        raise StripeRefused(message, code="email_invalid", param="customer_email")


def _expires_at(given: JsonObject, now: datetime) -> datetime:
    seconds = read_whole(given, "expires_at")
    if seconds is None:
        return now + LONGEST
    at = from_unix(seconds)
    start = now.replace(microsecond=0)  # Stripe counts whole seconds
    if at < start + SHORTEST:
        raise _wrong("expires_at", "must be at least 30 minutes from Checkout Session creation")
    if at > start + LONGEST:
        raise _wrong("expires_at", "must be less than 24 hours from Checkout Session creation")
    return at


def _total(given: JsonObject) -> tuple[int, str]:
    items = entries(given, "line_items")
    if not items:
        raise missing("line_items")
    total, currencies = 0, []
    for place, item in enumerate(items):
        where = f"line_items[{place}]"
        amount, currency = _price(item, where)
        quantity = read_whole(item, "quantity", f"{where}[quantity]")
        if quantity is None:
            raise missing(f"{where}[quantity]")
        if quantity < 1:
            raise _wrong(f"{where}[quantity]", "must be at least 1")
        total += amount * quantity
        currencies.append(currency)
    if len(set(currencies)) > 1:
        raise StripeRefused("All line items must have the same currency.", param="line_items")
    if total > LARGEST_AMOUNT:
        raise StripeRefused("The total amount is too large.", code="amount_too_large")
    return total, currencies[0].upper()


def _check_minimum(amount: int, currency: str) -> None:
    """Refuse what is too little to charge; nothing at all is free, and may be."""
    least = _LEAST.get(currency, 0)
    if 0 < amount < least:
        message = (
            "The Checkout Session's total amount due must add up to at least "
            f"{to_major(least, 'stripe', currency)} {currency.lower()}"
        )
        raise StripeRefused(message, code="amount_too_small")


def _price(item: JsonObject, where: str) -> tuple[int, str]:
    price = text(item, "price")
    if price is not None:
        matched = SANDBOX_PRICE.fullmatch(price)
        if matched is None:
            message = f"No such price: '{price}'. The sandbox's are like price_sandbox_999_usd_name"
            raise StripeRefused(message, code="resource_missing", param=f"{where}[price]")
        return int(matched[1]), matched[2]
    data = inner(item, "price_data")
    if not data:
        raise missing(f"{where}[price]")
    where = f"{where}[price_data]"
    currency = text(data, "currency")
    if currency is None:
        raise missing(f"{where}[currency]")
    if not currency_exists(currency.upper()):
        message = f"Invalid currency: {currency}"
        raise StripeRefused(message, param=f"{where}[currency]")
    if text(inner(data, "product_data"), "name") is None and text(data, "product") is None:
        raise missing(f"{where}[product_data][name]")
    amount = read_whole(data, "unit_amount", f"{where}[unit_amount]")
    if amount is None:
        raise missing(f"{where}[unit_amount]")
    if amount < 0:
        message = "Invalid non-negative integer"
        raise StripeRefused(
            message, code="parameter_invalid_integer", param=f"{where}[unit_amount]"
        )
    return amount, currency


def _wrong(param: str, what: str) -> StripeRefused:
    return StripeRefused(f"The `{param}` {what}.", param=param)
