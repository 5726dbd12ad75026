"""What Stripe says of a payment besides its money, as far as it may be kept."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.providers.facts import (
    Details,
    InvoicePaid,
    MethodDetails,
    PaymentFailed,
    PaymentSucceeded,
)
from service.providers.stripe.details import (
    checkout_details,
    failure_details,
    intent_details,
    invoice_details,
)
from tests.providers.stripe.test_translate import INVOICE, received

# As https://docs.stripe.com/api/charges/object shows it: with what is not to be kept.
CARD = {
    **{"brand": "visa", "last4": "4242", "exp_month": 8, "exp_year": 2031},
    **{"country": "US", "fingerprint": "Xt5EWLLDS7FJjR1c", "funding": "credit", "iin": "424242"},
    "checks": {"cvc_check": "pass"},
    "wallet": {"type": "apple_pay", "dynamic_last4": "4242"},
}
ADDRESS = {"country": "FR", "line1": "1 Rue", "postal_code": "75001"}
BILLED = {"name": "Ada Buyer", "email": "buyer@example.com", "address": ADDRESS}
BOOKED = {
    **{"id": "txn_1", "fee": 117, "currency": "eur", "net": 2882},
    "fee_details": [{"type": "stripe_fee", "amount": 98}, {"type": "tax", "amount": 19}],
}
CHARGE: dict[str, Any] = {
    **{"id": "ch_1", "object": "charge", "created": 1790999997},
    **{"balance_transaction": BOOKED, "billing_details": BILLED},
    "payment_method_details": {"type": "card", "card": CARD},
}
METHOD = MethodDetails(brand="visa", last4="4242", exp_month=8, exp_year=2031, wallet="apple_pay")
WHOLE = Details(
    **{"country": "FR", "fee": 117, "fee_currency": "EUR", "fee_tax": 19, "charge_id": "ch_1"},
    method_id="pm_1SqB2lKd9rTzX4LpCard",
    method_details=METHOD,
    made_at=datetime(2026, 10, 3, 3, 59, 57, tzinfo=UTC),
)


def _succeeded(**changes: object) -> Details:
    (fact,) = received("payment_intent.succeeded", **changes).facts
    assert isinstance(fact, PaymentSucceeded)
    assert fact.payment.details is not None
    return fact.payment.details


def test_an_intent_names_its_charge_and_its_method_alone() -> None:
    named = Details(charge_id="ch_3SqB2mKd9rTzX4Lp1mWq0aRt", method_id="pm_1SqB2lKd9rTzX4LpCard")
    assert _succeeded() == named


def test_an_expanded_charge_says_all_of_it() -> None:
    assert _succeeded(latest_charge=CHARGE) == WHOLE
    listed = {"latest_charge": "ch_1", "charges": {"data": [CHARGE]}}
    assert _succeeded(**listed, invoice="in_9") == msgspec.structs.replace(WHOLE, invoice_id="in_9")


def test_a_balance_transaction_that_is_an_id_says_no_fee() -> None:
    details = _succeeded(latest_charge=CHARGE | {"balance_transaction": "txn_1"})
    assert (details.fee, details.fee_currency, details.fee_tax) == (None, None, None)
    half = _succeeded(latest_charge=CHARGE | {"balance_transaction": {"fee": 1}})
    assert (half.fee, half.fee_currency) == (None, None)


def test_a_checkout_says_where_its_customer_lives_and_what_was_tax() -> None:
    total = {"amount_tax": 479, "amount_discount": 0}
    (fact,) = received("checkout.session.completed", total_details=total, invoice="in_9").facts
    assert isinstance(fact, PaymentSucceeded)
    assert fact.payment.details == Details(country="DE", tax=479, invoice_id="in_9")
    expanded = {"id": "pi_1", "latest_charge": CHARGE, "payment_method": "pm_1"}
    (fact,) = received("checkout.session.completed", payment_intent=expanded).facts
    assert isinstance(fact, PaymentSucceeded)
    assert fact.payment.method == "card"
    assert fact.payment.details == msgspec.structs.replace(
        WHOLE, country="DE", tax=0, method_id="pm_1"
    )


def test_a_declined_card_is_told_by_the_method_that_was_tried() -> None:
    tried = {"id": "pm_9", "type": "card", "card": CARD, "billing_details": BILLED}
    error = {"charge": "ch_9", "code": "card_declined", "payment_method": tried, "message": "No."}
    (fact,) = received("payment_intent.payment_failed", last_payment_error=error).facts
    assert isinstance(fact, PaymentFailed)
    assert fact.payment.details == Details(
        country="FR", charge_id="ch_9", method_id="pm_9", method_details=METHOD
    )
    assert fact.failure_details == {"code": "card_declined", "message": "No."}


def test_a_failure_s_words_are_bounded() -> None:
    assert failure_details({"code": "x" * 9000, "message": 7}) == {"code": "x" * 500}
    assert failure_details({}) is None
    long = {"code": "x", "decline_code": "y" * 256}
    (fact,) = received("payment_intent.payment_failed", last_payment_error=long).facts
    assert isinstance(fact, PaymentFailed)
    assert fact.decline_code is None


def test_other_methods_are_told_in_their_own_words() -> None:
    def method(kind: str, **own: object) -> MethodDetails | None:
        charge = CHARGE | {"payment_method_details": {"type": kind, kind: own}}
        return _succeeded(latest_charge=charge).method_details

    debit = {"bank_code": "37040044", "last4": "3000", "country": "DE", "fingerprint": "x"}
    assert method("sepa_debit", **debit) == MethodDetails(bank="37040044", last4="3000")
    assert method("upi", vpa="gaurav.kumar@okexample") == MethodDetails(vpa="ga***@okexample")
    assert method("ideal", bank="ing", bic="INGBNL2A") == MethodDetails(bank="ing")
    assert method("klarna", preferred_locale="de") is None
    # Whatever stands under that name: four digits, or nothing.
    assert method("card", last4="4242424242424242", brand="x" * 300) is None


def test_an_invoice_says_its_taxes_its_tries_and_by_which_intent_it_was_paid() -> None:
    listed = [{"amount": 400}, {"amount": 79}]
    paid_by = {"data": [{"payment": {"type": "payment_intent", "payment_intent": "pi_1"}}]}
    address = {"customer_address": {"country": "at"}}
    (fact,) = received(
        "invoice.paid", total_taxes=listed, attempt_count=3, payments=paid_by, **address
    ).facts
    assert isinstance(fact, InvoicePaid)
    assert fact.payment.aliases == ("pi_1",)
    details = fact.payment.details
    assert details is not None
    assert (details.tax, details.attempt_count, details.country) == (479, 3, "AT")
    old = {"total_taxes": None, "tax": 479, "charge": "ch_1", "payment_intent": "pi_2"}
    (fact,) = received("invoice.paid", **old).facts
    assert isinstance(fact, InvoicePaid)
    assert fact.payment.provider_payment_id == INVOICE
    assert fact.payment.aliases == ("pi_2",)
    details = fact.payment.details
    assert details is not None
    assert (details.tax, details.charge_id) == (479, "ch_1")


@pytest.mark.parametrize("country", ["Germany", "D", 7, None, "", "1!", "ÄÖ"])
def test_a_country_that_is_none_is_not_kept(country: object) -> None:
    customer = {"address": {"country": country}}
    assert checkout_details({"mode": "payment"}, customer) is None  # type: ignore[dict-item]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    *("latest_charge", "last_payment_error", "payment_method", "data", "type"),
                    *("balance_transaction", "fee_details", "payment_method_details", "card"),
                    *("amount", "fee", "created", "last4", "wallet", "address", "total_taxes"),
                    *("status_transitions", "paid_at", "payments", "customer_address", "charges"),
                ]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["latest_charge", "last_payment_error", "charges"]), JSON))
def test_details_of_any_shape_lose_no_money(found: dict[str, Any]) -> None:
    for read in (intent_details, invoice_details):
        details = read(found)
        stored = json.dumps(msgspec.to_builtins(details))
        assert len(stored) < 20_000


def test_nothing_of_a_card_is_kept_but_brand_digits_and_expiry() -> None:
    details = _succeeded(latest_charge=CHARGE)
    kept = json.dumps(msgspec.to_builtins(details))
    for secret in ("Xt5EWLLDS7FJjR1c", "424242", "credit", "Ada", "buyer@", "75001", "Rue"):
        assert secret not in kept
    assert "4242" in kept
