"""What Razorpay says of a payment besides its money, as far as it may be kept."""

import json
from datetime import UTC, datetime

import pytest
from msgspec import structs

from service.providers.facts import Details, MethodDetails, PaymentFailed, PaymentSucceeded
from service.providers.razorpay.entities import payment_of
from tests.providers.razorpay.case import SAMPLES
from tests.providers.razorpay.test_translate import changed, verified

NETBANKING = Details(
    **{"fee": 2, "fee_currency": "INR", "fee_tax": 0, "bank_reference": "0125836177"},
    method_details=MethodDetails(bank="HDFC"),
    made_at=datetime(2019, 9, 5, 9, 9, 59, tzinfo=UTC),
)


def _details(**fields: object) -> Details:
    (fact,) = verified(changed("payment.captured", "payment", **fields)).facts
    assert isinstance(fact, PaymentSucceeded)
    assert fact.payment.details is not None
    return fact.payment.details


def test_a_captured_payment_says_its_fee_its_bank_and_when_it_was_made() -> None:
    assert _details() == NETBANKING


def test_the_fee_of_a_foreign_payment_is_in_the_account_s_currency_or_nobody_s() -> None:
    foreign = {"currency": "USD", "amount": 1000, "base_amount": 83000, "fee": 2490, "tax": 380}
    told = _details(**foreign, base_currency="INR")
    assert (told.fee, told.fee_currency, told.fee_tax) == (2490, "INR", 380)
    told = _details(**foreign)
    assert (told.fee, told.fee_currency, told.fee_tax) == (None, None, None)
    told = _details(currency="MYR", base_amount=None)
    assert (told.fee, told.fee_currency) == (2, "MYR")


def test_a_held_payment_says_no_fee_yet() -> None:
    (fact,) = verified(SAMPLES["payment.authorized"]).facts
    nothing_yet = structs.replace(NETBANKING, fee=None, fee_currency=None, fee_tax=None)
    assert fact.payment.details == nothing_yet  # type: ignore[union-attr]


def test_of_a_card_brand_and_last_digits_are_kept_and_of_an_address_two_characters() -> None:
    card = {"id": "card_1", "name": "Gaurav Kumar", "last4": "0153", "network": "Visa"}
    card |= {"type": "debit", "issuer": "HDFC", "token_iin": "453201"}
    told = _details(card_id="card_1", card=card, bank=None, acquirer_data={"rrn": "1", "arn": "2"})
    assert told.method_details == MethodDetails(brand="Visa", last4="0153")
    assert (told.method_id, told.bank_reference) == ("card_1", "2")
    for secret in ("Gaurav", "453201", "debit"):
        assert secret not in repr(told)
    upi = {"bank": None, "vpa": None, "upi": {"vpa": "gaurav.kumar@okexample"}}
    assert _details(**upi).method_details == MethodDetails(vpa="ga***@okexample")
    wallet = {"bank": None, "wallet": "paytm", "token_id": "token_1"}
    assert _details(**wallet).method_details == MethodDetails(wallet="paytm")


def test_the_order_says_how_often_it_was_tried_and_the_invoice_its_id() -> None:
    (fact,) = verified(SAMPLES["order.paid"]).facts
    assert fact.payment.details == structs.replace(NETBANKING, attempt_count=2)  # type: ignore[union-attr]
    _, paid = verified(SAMPLES["subscription.charged"]).facts
    details = paid.payment.details  # type: ignore[union-attr]
    assert (details.invoice_id, details.method_id) == ("inv_DEXFWVuM6rPqlK", "card_DEXFX0KGtXexrH")


def test_a_failure_keeps_all_that_is_said_of_it() -> None:
    (fact,) = verified(SAMPLES["payment.failed"]).facts
    assert isinstance(fact, PaymentFailed)
    assert fact.decline_code is None  # no word of the bank's own
    assert fact.failure_details == {
        "error_code": "BAD_REQUEST_ERROR",
        "error_description": "Payment failed",
        "error_source": "bank",
        "error_step": "payment_authorization",
        "error_reason": "payment_failed",
    }
    (fact,) = verified(changed("payment.failed", "payment", error_description="x" * 900)).facts
    assert isinstance(fact, PaymentFailed)
    assert fact.failure_details is not None
    assert fact.failure_details["error_description"] == "x" * 500


@pytest.mark.parametrize(
    "fields",
    [
        {"fee": -1, "tax": "1", "acquirer_data": [], "card": "x", "upi": 7, "vpa": "nobody"},
        {"bank": "b" * 256, "fee": 2**60, "created_at": 2**62, "invoice_id": ["x"]},
    ],
)
def test_details_that_can_not_be_read_are_left_out_and_the_money_is_not(
    fields: dict[str, object],
) -> None:
    entity = json.loads(SAMPLES["payment.captured"])["payload"]["payment"]["entity"] | fields
    paid = payment_of(entity)
    assert (paid.amount, paid.currency) == (29900, "INR")
    details = paid.details
    assert details is not None
    assert (details.fee, details.method_details, details.invoice_id) in (
        (None, None, None),
        (None, MethodDetails(bank="HDFC"), None),
    )
