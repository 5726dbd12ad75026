"""What PhonePe says of a payment besides its money, as far as it may be kept."""

from datetime import UTC, datetime

from service.providers.facts import (
    Details,
    MethodDetails,
    PaymentFailed,
    PaymentProcessing,
    PaymentSucceeded,
    RefundUpdated,
)
from tests.providers.phonepe.case import CALLBACKS, WEBHOOKS
from tests.providers.phonepe.test_translate import callback, changed, content, webhook

AT = datetime(2024, 8, 28, 17, 39, 53, 837000, UTC)


def test_an_order_says_its_attempt_and_when_it_was_made_to_the_millisecond() -> None:
    (fact,) = webhook(WEBHOOKS["checkout.order.completed"]).facts
    assert isinstance(fact, PaymentSucceeded)
    assert fact.payment.aliases == ("OMO2403282020198641071317",)
    assert fact.payment.details == Details(
        charge_id="OM2403282020198651071949",
        method_details=MethodDetails(vpa="12***@ybl"),
        made_at=AT,
    )


def test_a_failed_order_keeps_the_bank_s_word_and_all_that_is_said() -> None:
    (failed, _) = webhook(WEBHOOKS["checkout.order.failed"]).facts
    assert isinstance(failed, PaymentFailed)
    assert failed.decline_code == "ZM"
    codes = {"errorCode": "TXN_NOT_COMPLETED", "detailedErrorCode": "TXN_AUTO_FAILED"}
    assert failed.failure_details == codes
    context = {"source": "CUSTOMER", "stage": "AUTHENTICATION", "description": "x" * 600, "n": 1}
    (failed, _) = webhook(changed("checkout.order.failed", errorContext=context)).facts
    assert isinstance(failed, PaymentFailed)
    said = {"source": "CUSTOMER", "stage": "AUTHENTICATION", "description": "x" * 500}
    assert failed.failure_details == codes | said


def test_a_bank_reference_is_told_by_the_rail_or_by_the_instrument() -> None:
    attempt = {"transactionId": "OM1", "state": "COMPLETED", "timestamp": 1, "paymentMode": "CARD"}
    card = {"rail": {"type": "PG"}, "instrument": {"bankId": "HDFC", "arn": "74567"}}
    body = changed("checkout.order.completed", paymentDetails=[attempt | card])
    (fact,) = webhook(body).facts
    assert isinstance(fact, PaymentSucceeded)
    details = fact.payment.details
    assert details is not None
    assert (details.bank_reference, details.method_details) == ("74567", MethodDetails(bank="HDFC"))
    upi = {"rail": {"type": "UPI", "utr": "416455839594", "vpa": "nishant1@ybl"}}
    split = attempt | {"splitInstruments": [upi | {"instrument": {"arn": "1"}}]}
    (fact,) = webhook(changed("checkout.order.completed", paymentDetails=[split])).facts
    assert fact.payment.details.bank_reference == "416455839594"  # type: ignore[union-attr]


def test_a_callback_names_its_transaction_and_the_bank_s_but_no_time() -> None:
    (fact,) = callback(CALLBACKS["callback.success"]).facts
    assert isinstance(fact, PaymentSucceeded)
    expected = Details(charge_id="T2111221437456190170379", bank_reference="206378866112")
    assert fact.payment.details == expected
    assert fact.payment.aliases == ()
    (failed, _) = callback(CALLBACKS["callback.error"]).facts
    assert isinstance(failed, PaymentFailed)
    assert failed.decline_code == "ZM"
    assert failed.failure_details == {"code": "PAYMENT_ERROR", "message": "Payment Failed"}


def test_details_that_can_not_be_read_are_left_out_and_the_money_is_not() -> None:
    bad = {"transactionId": 7, "paymentInstrument": {"utr": ["x"], "vpa": "nobody"}}
    (fact,) = callback(content("PAYMENT_PENDING", state="PENDING", **bad)).facts
    assert isinstance(fact, PaymentProcessing)
    assert (fact.payment.amount, fact.payment.details) == (29900, None)
    broken = [{"state": "COMPLETED", "timestamp": 2**62, "splitInstruments": [7], "rail": []}]
    (paid,) = webhook(changed("checkout.order.completed", paymentDetails=broken)).facts
    assert isinstance(paid, PaymentSucceeded)
    assert paid.payment.amount == 29900


def test_a_refund_says_when_it_was_made() -> None:
    (fact,) = webhook(WEBHOOKS["pg.refund.completed"]).facts
    assert isinstance(fact, RefundUpdated)
    assert fact.made_at == datetime(2024, 11, 6, 5, 12, 41, 754000, UTC)
    (fact,) = webhook(changed("pg.refund.completed", timestamp=None, paymentDetails=None)).facts
    assert isinstance(fact, RefundUpdated)
    assert fact.made_at is None


def test_a_refund_says_by_which_id_it_was_asked_for_and_why_it_failed() -> None:
    body = changed("pg.refund.failed", merchantRefundId="rf-0123456789abcdef")
    (fact,) = webhook(body).facts
    assert isinstance(fact, RefundUpdated)
    assert (fact.refund_id, fact.payment_ids) == ("rf-0123456789abcdef", ("ps_sample",))
    assert (fact.failure_code, fact.reason) == ("REFUND_FAILED", None)


def test_a_refund_of_the_dashboard_s_has_no_id_of_ours() -> None:
    (fact,) = webhook(WEBHOOKS["pg.refund.completed"]).facts
    assert isinstance(fact, RefundUpdated)
    assert (fact.provider_refund_id, fact.refund_id) == ("refund_sample", None)


def test_a_refund_tells_the_bank_s_number_of_it() -> None:
    part = {"amount": 5000, "rail": {"type": "UPI", "utr": "412345678901"}, "instrument": {}}
    body = changed("pg.refund.completed", paymentDetails=[{"splitInstruments": [part]}])
    (fact,) = webhook(body).facts
    assert isinstance(fact, RefundUpdated)
    assert fact.bank_reference == "412345678901"
