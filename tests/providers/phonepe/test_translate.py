"""PhonePe's published messages as facts."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.providers.base import VerifiedEvent
from service.providers.facts import (
    CheckoutExpired,
    CheckoutFailed,
    PaymentFailed,
    PaymentProcessing,
    PaymentSucceeded,
    RefundUpdated,
    Unreadable,
)
from tests.providers.phonepe.case import (
    CALLBACKS,
    MERCHANT,
    NOON,
    WEBHOOKS,
    callback_body,
    provider,
    sign,
    sign_callback,
)

PROVIDER = provider()


def webhook(body: bytes) -> VerifiedEvent:
    """Verify a v2 webhook."""
    return PROVIDER.verify(sign(body, NOON), body, NOON)


def callback(body: bytes) -> VerifiedEvent:
    """Verify a v1 callback."""
    return PROVIDER.verify(sign_callback(body, NOON), body, NOON)


def changed(name: str, **fields: object) -> bytes:
    """Return a webhook with fields of its payload changed; None takes a field away."""
    body = json.loads(WEBHOOKS[name])
    body["payload"].update(fields)
    body["payload"] = {key: value for key, value in body["payload"].items() if value is not None}
    return json.dumps(body).encode()


def content(code: str, **data: object) -> bytes:
    """Return a callback with another code and fields of its data changed."""
    inner = {
        "merchantId": MERCHANT,
        "merchantTransactionId": "ps_sample",
        "amount": 29900,
        **data,
    }
    return callback_body(json.dumps({"success": True, "code": code, "data": inner}).encode())


def test_a_completed_order_is_a_payment_that_waits_for_confirmation() -> None:
    event = webhook(WEBHOOKS["checkout.order.completed"])
    (fact,) = event.facts
    assert isinstance(fact, PaymentSucceeded)
    assert fact.payment.provider_payment_id == "ps_sample"
    assert (fact.payment.amount, fact.payment.currency) == (29900, "INR")
    assert fact.payment.method == "upi_qr"
    assert event.needs_confirmation == "ps_sample"
    assert event.event_id == "checkout.order.completed:ps_sample:COMPLETED"
    assert event.occurred_at == datetime(2024, 8, 28, 17, 39, 53, 837000, UTC)
    assert event.account == "default"
    assert event.live is False


def test_an_order_finds_its_session_by_our_ids() -> None:
    body = changed("checkout.order.completed", merchantOrderId="ps_sample-2")
    subject = webhook(body).subject
    assert subject.checkout_refs == ("ps_sample-2",)
    assert (subject.sent_ids, subject.references) == (("ps_sample",), ("ps_sample-2",))
    assert subject.object_ids[:2] == ("ps_sample-2", "OMO2403282020198641071317")
    assert subject.merchant_id == "default"


def test_a_failed_order_is_over() -> None:
    event = webhook(WEBHOOKS["checkout.order.failed"])
    failed, ended = event.facts
    assert isinstance(failed, PaymentFailed)
    assert (failed.failure_code, failed.failure_message) == ("TXN_NOT_COMPLETED", "TXN_AUTO_FAILED")
    assert ended == CheckoutFailed("ps_sample", "TXN_NOT_COMPLETED")


def test_only_the_root_state_counts() -> None:
    body = changed("checkout.order.completed", state="PENDING")
    assert webhook(body).facts == ()


def test_an_order_that_ran_out_expired() -> None:
    body = changed("checkout.order.failed", errorCode="ORDER_EXPIRED", paymentDetails=None)
    assert webhook(body).facts == (CheckoutExpired("ps_sample"),)


def test_an_attempt_of_an_order_that_ran_out_failed() -> None:
    body = changed("checkout.order.failed", detailedErrorCode="INTENT_EXPIRED")
    assert [type(fact) for fact in webhook(body).facts] == [PaymentFailed, CheckoutExpired]


@pytest.mark.parametrize(
    ("name", "status"),
    [("accepted", "pending"), ("completed", "succeeded"), ("failed", "failed")],
)
def test_a_refund_names_its_order_and_waits_for_confirmation(name: str, status: str) -> None:
    event = webhook(WEBHOOKS[f"pg.refund.{name}"])
    (fact,) = event.facts
    assert isinstance(fact, RefundUpdated)
    assert (fact.provider_refund_id, fact.provider_payment_id) == ("refund_sample", "ps_sample")
    assert (fact.amount, fact.status) == (5000, status)
    assert event.needs_confirmation == "refund_sample"
    assert event.event_id.startswith(f"pg.refund.{name}:refund_sample:")


def test_the_legacy_type_is_read_where_there_is_no_event() -> None:
    body = json.loads(WEBHOOKS["checkout.order.completed"])
    del body["event"]
    assert webhook(json.dumps(body).encode()).type == "checkout.order.completed"


def test_an_unknown_event_is_verified_and_tells_nothing() -> None:
    first = webhook(b'{"event": "settlement.initiated", "payload": {"merchantId": "M1"}}')
    second = webhook(b'{"event": "settlement.initiated", "payload": {"merchantId": "M1", "a": 1}}')
    assert (first.facts, first.needs_confirmation, first.account) == ((), None, "M1")
    assert first.event_id != second.event_id


@pytest.mark.parametrize("event", ["fetch", "callback", "", "a:b.c", "x" * 70 + ".y", 5, None])
def test_no_event_name_makes_the_id_of_another_kind(event: object) -> None:
    body = json.loads(WEBHOOKS["checkout.order.completed"]) | {"event": event, "type": None}
    event_ = webhook(json.dumps(body).encode())
    assert event_.event_id.startswith("unreadable:")
    assert isinstance(event_.facts[0], Unreadable)


@pytest.mark.parametrize(
    "fields",
    [
        {"merchantOrderId": "a/../b"},
        {"merchantOrderId": "x" * 64},
        {"merchantOrderId": None},
        {"state": "COMPLETED:x"},
        {"state": 1},
        {"amount": "29900"},
        {"amount": 299.0},
        {"amount": -5},
        {"merchantId": "a:b"},
    ],
)
def test_an_order_that_can_not_be_read_is_kept_and_asked_about(fields: dict[str, object]) -> None:
    event = webhook(changed("checkout.order.completed", **fields))
    assert [type(fact) for fact in event.facts] == [Unreadable]
    assert event.needs_confirmation == (None if "merchantOrderId" in fields else "ps_sample")
    if "merchantOrderId" not in fields:
        assert PROVIDER.translate_stored(event.event_id, event.payload) == event


def test_another_merchant_is_another_account() -> None:
    assert webhook(changed("checkout.order.completed", merchantId="OTHER")).account == "OTHER"
    assert webhook(changed("checkout.order.completed", merchantId=None)).account == "default"
    unnamed = provider(merchant_id=None)
    body = changed("checkout.order.completed", merchantId="OTHER")
    assert unnamed.verify(sign(body, NOON), body, NOON).account == "default"


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("callback.success", [PaymentSucceeded]),
        ("callback.pending", [PaymentProcessing]),
        ("callback.error", [PaymentFailed, CheckoutFailed]),
    ],
)
def test_a_callback_is_believed_at_once(name: str, kinds: list[type]) -> None:
    event = callback(CALLBACKS[name])
    assert [type(fact) for fact in event.facts] == kinds
    assert event.needs_confirmation is None
    assert event.subject.checkout_refs == ("ps_sample",)
    assert event.event_id.startswith("callback:ps_sample:")


def test_both_versions_know_a_payment_by_the_same_id() -> None:
    (first,) = callback(CALLBACKS["callback.success"]).facts
    (second,) = webhook(WEBHOOKS["checkout.order.completed"]).facts
    assert isinstance(first, PaymentSucceeded)
    assert isinstance(second, PaymentSucceeded)
    assert first.payment.provider_payment_id == second.payment.provider_payment_id


@pytest.mark.parametrize(
    ("code", "state", "kinds"),
    [
        ("PAYMENT_SUCCESS", None, [PaymentSucceeded]),
        ("PAYMENT_SUCCESS", "FAILED", [PaymentFailed, CheckoutFailed]),
        ("PAYMENT_SUCCESS", "PENDING", [PaymentProcessing]),
        ("PAYMENT_ERROR", "COMPLETED", [PaymentProcessing]),
        ("PAYMENT_DECLINED", None, [PaymentFailed, CheckoutFailed]),
        ("TIMED_OUT", None, [PaymentFailed, CheckoutExpired]),
        ("INTERNAL_SERVER_ERROR", None, [PaymentProcessing]),
    ],
)
def test_a_callback_pays_only_where_code_and_state_agree(
    code: str, state: str | None, kinds: list[type]
) -> None:
    event = callback(content(code, **({"state": state} if state else {})))
    assert [type(fact) for fact in event.facts] == kinds


def test_a_genuine_callback_that_can_not_be_read_is_kept() -> None:
    body = callback_body(b'{"success": false, "code": "BAD_REQUEST", "data": null}')
    assert [type(fact) for fact in callback(body).facts] == [Unreadable]


def test_a_stored_callback_reads_as_it_did() -> None:
    event = callback(CALLBACKS["callback.success"])
    assert PROVIDER.translate_stored(event.event_id, event.payload) == event


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**40), 2**60) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["state", "udf1", "timestamp", "transactionId"]), inner)
    ),
    max_leaves=12,
)
FIELDS = st.sampled_from(
    ["merchantOrderId", "state", "amount", "metaInfo", "paymentDetails", "merchantId", "orderId"]
)


@given(st.sampled_from(sorted(WEBHOOKS)), st.dictionaries(FIELDS, JSON))
def test_a_payload_of_any_shape_is_translated_or_kept_unread(
    name: str, fields: dict[str, object]
) -> None:
    event = webhook(changed(name, **fields))
    if event.needs_confirmation is None:
        assert isinstance(event.facts[0], Unreadable)
    elif event.subject.checkout_refs and event.type.startswith("checkout."):
        assert event.needs_confirmation == event.subject.checkout_refs[0]
