"""What is read off the wire of a call, whatever stands in it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.providers.registry import ProviderName
from tillgate_sandbox.calls.reading import CallDetails, Exchange, read_api, read_wire
from tillgate_sandbox.stripe.form import encode_form


def exchange(path: str = "/", **fields: Any) -> Exchange:
    """An exchange with nothing in it but the given."""
    empty: dict[str, Any] = {
        "parameters": {},
        "query": b"",
        "headers": {},
        "body": b"",
        "status": 200,
        "answer": b"",
    }
    return Exchange(path=path, **empty | fields)


def as_json(**fields: Any) -> bytes:
    """A JSON body."""
    return json.dumps(fields).encode()


@pytest.mark.parametrize(
    ("provider", "path", "found"),
    [
        ("stripe", "/v1/checkout/sessions", ()),
        ("stripe", "/v1/checkout/sessions/cs_test_1", ("cs_test_1",)),
        ("stripe", "/v1/checkout/sessions/cs_test_1/expire", ("cs_test_1",)),
        ("stripe", "/v1/payment_intents/pi_1/capture", ("pi_1",)),
        ("stripe", "/v1/refunds", ()),
        ("razorpay", "/v1/orders", ()),
        ("razorpay", "/v1/orders/order_1/payments", ("order_1", "plink_1")),
        ("razorpay", "/v1/payment_links/plink_1/cancel", ("plink_1",)),
        ("razorpay", "/v1/payments/pay_1/refund", ("pay_1",)),
        ("phonepe", "/v1/oauth/token", ()),
        ("phonepe", "/checkout/v2/order/ps_1/status", ("ps_1",)),
        ("phonepe", "/payments/v2/refund/r_1/status", ("r_1",)),
        ("phonepe", "/pg/v1/status/MERCHANT/ps_1", ("ps_1",)),
    ],
)
def test_id_in_a_path_is_found(provider: ProviderName, path: str, found: tuple[str, ...]) -> None:
    assert read_wire(provider, exchange(path)).ids == found


@pytest.mark.parametrize(
    ("provider", "asked"),
    [
        ("stripe", {"metadata": {"sessionId": "ps_1"}, "client_reference_id": "other"}),
        ("stripe", {"client_reference_id": "ps_1"}),
        ("razorpay", {"notes": {"sessionId": "ps_1"}, "receipt": "ps_1-2"}),
        ("razorpay", {"receipt": "ps_1", "notes": []}),
        ("razorpay", {"reference_id": "ps_1"}),
        ("phonepe", {"merchantOrderId": "ps_1-2", "metaInfo": {"udf1": "ps_1"}}),
    ],
)
def test_session_of_a_new_checkout_is_found(provider: ProviderName, asked: Any) -> None:
    form = "&".join(f"{name}={value}" for name, value in encode_form(asked)).encode()
    body = form if provider == "stripe" else as_json(**asked)
    assert read_wire(provider, exchange(body=body)).session_id == "ps_1"


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        ({"error": {"code": "resource_missing", "type": "invalid"}}, "resource_missing"),
        ({"error": {"type": "api_error", "message": "no"}}, "api_error"),
        ({"error": {"code": "BAD_REQUEST_ERROR", "description": "No such id"}}, "No such id"),
        ({"success": False, "code": "ORDER_NOT_FOUND"}, "ORDER_NOT_FOUND"),
        ({"error": "session_not_found", "status": 404}, "session_not_found"),
        ([], None),
    ],
)
def test_word_for_what_is_wrong_is_found(answer: Any, word: str | None) -> None:
    refused = exchange(status=400, answer=json.dumps(answer).encode())
    assert read_api(refused).error == word
    assert read_api(exchange(status=200, answer=refused.answer)).error is None


def test_session_in_the_answer_outweighs_the_one_that_was_asked_for() -> None:
    asked = exchange(
        body=as_json(sessionId="cs_test_1"), answer=as_json(session={"sessionId": "a"})
    )
    assert read_api(asked).session_id == "a"
    assert read_api(exchange(answer=as_json(sessionId="b"))).session_id == "b"
    refused = exchange(query=b"sessionId=c&x=y", status=404)
    assert read_api(refused) == CallDetails(None, ("c",), "c")


def test_token_is_named_alike_where_it_is_given_out_and_where_it_is_used() -> None:
    given_out = read_wire("phonepe", exchange(answer=as_json(access_token="a-token")))
    used = read_wire("phonepe", exchange(headers={b"authorization": b"O-Bearer a-token"}))
    assert given_out.grant == used.grant
    assert len(used.grant or "") == 12


@given(st.binary(max_size=60), st.binary(max_size=60), st.text(max_size=40), st.integers(100, 599))
def test_whatever_goes_over_the_wire_is_read_without_an_error(
    body: bytes, answer: bytes, path: str, status: int
) -> None:
    odd = exchange(f"/v1/{path}", body=body, answer=answer, status=status, query=body)
    for provider in ("stripe", "razorpay", "phonepe"):
        read_wire(provider, odd)  # type: ignore[arg-type]
    read_api(odd)
