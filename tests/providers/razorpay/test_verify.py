"""Razorpay's signatures, the webhook's and the checkout's."""

import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.errors import MalformedBody, SignatureRejected
from service.providers.razorpay.verify import (
    check_signature,
    named_in,
    read_event,
    verify_checkout_callback,
    verify_link_callback,
)
from tests.providers.razorpay.case import (
    KEY_SECRET,
    NOON,
    OLD_SECRET,
    SAMPLES,
    SECRET,
    provider,
    sign,
)

BODY = SAMPLES["payment.captured"]
SECRETS = (OLD_SECRET, SECRET)


def hexed(secret: str, message: bytes) -> str:
    """Sign without the code under test."""
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


@pytest.mark.parametrize("secret", SECRETS)
def test_every_secret_of_a_roll_is_accepted(secret: str) -> None:
    check_signature({"x-razorpay-signature": hexed(secret, BODY)}, BODY, SECRETS)
    body = read_event(BODY)
    assert body["event"] == "payment.captured"


def test_a_secret_that_was_retired_is_refused() -> None:
    with pytest.raises(SignatureRejected, match="another secret"):
        check_signature({"x-razorpay-signature": hexed(OLD_SECRET, BODY)}, BODY, (SECRET,))


def test_without_any_secret_even_the_empty_one_is_refused() -> None:
    with pytest.raises(SignatureRejected):
        check_signature({"x-razorpay-signature": hexed("", BODY)}, BODY, ())


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, "missing"),
        ("", "missing"),
        ("deadbeef", "malformed"),
        ("é" * 64, "malformed"),
        ("\ud800" * 64, "malformed"),
        (f"{hexed(SECRET, BODY)}, {hexed(SECRET, BODY)}", "malformed"),
        (f"{hexed(SECRET, BODY)}\n", "malformed"),
        (hexed("not the secret", BODY), "mismatch"),
    ],
)
def test_a_header_that_is_no_signature_of_ours_is_rejected(header: str | None, reason: str) -> None:
    headers = {} if header is None else {"x-razorpay-signature": header}
    with pytest.raises(SignatureRejected) as caught:
        check_signature(headers, BODY, SECRETS)
    assert caught.value.reason == reason


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"event": 5}', b'{"event": null}', b"\xff\xfe{}", b"[" * 50_000, b"NaN"],
)
def test_a_signed_body_that_is_no_event_is_genuine_and_can_not_be_read(body: bytes) -> None:
    check_signature(sign(body, NOON), body, SECRETS)
    with pytest.raises(MalformedBody):
        read_event(body)
    with pytest.raises(SignatureRejected):
        check_signature({"x-razorpay-signature": hexed("not the secret", body)}, body, SECRETS)


@given(st.integers(min_value=0), st.integers(1, 255))
def test_any_changed_byte_breaks_the_signature(place: int, flip: int) -> None:
    changed = bytearray(BODY)
    changed[place % len(BODY)] ^= flip
    with pytest.raises(SignatureRejected):
        check_signature(sign(BODY, NOON), bytes(changed), SECRETS)


ODD = ("", "fetch:order_1:paid:-:-", "a b", "é", "x" * 65, "a\n")


@pytest.mark.parametrize("named", ["EVoLs0bFv6QIn2", *ODD])
def test_the_event_id_is_the_hash_of_what_was_signed_whatever_the_header_says(named: str) -> None:
    headers = {**sign(BODY, NOON), "x-razorpay-event-id": named}
    event = provider().verify(headers, BODY, NOON)
    assert event.event_id == hashlib.sha256(BODY).hexdigest()
    assert event.provider_event_id == (None if named in ODD else named)


def test_a_checkout_callback_is_signed_with_the_key_secret() -> None:
    signature = hexed(KEY_SECRET, b"order_1|pay_1")
    verify_checkout_callback("order_1", "pay_1", signature, KEY_SECRET)
    with pytest.raises(SignatureRejected):
        verify_checkout_callback("order_2", "pay_1", signature, KEY_SECRET)
    with pytest.raises(SignatureRejected):
        verify_checkout_callback("order_1", "pay_1", signature, SECRET)


def test_a_link_callback_is_signed_with_the_key_secret() -> None:
    signature = hexed(KEY_SECRET, b"plink_1|ps_1|paid|pay_1")
    verify_link_callback("plink_1", "ps_1", "paid", "pay_1", signature, KEY_SECRET)
    with pytest.raises(SignatureRejected):
        verify_link_callback("plink_1", "ps_1", "created", "pay_1", signature, KEY_SECRET)


def test_a_bar_in_an_id_can_not_shift_what_was_signed() -> None:
    signature = hexed(KEY_SECRET, b"plink_1|ps_1|paid|pay_1")
    with pytest.raises(SignatureRejected):
        verify_checkout_callback("plink_1|ps_1|paid", "pay_1", signature, KEY_SECRET)
    with pytest.raises(SignatureRejected) as caught:
        verify_checkout_callback("order_1", "pay|1", signature, KEY_SECRET)
    assert caught.value.reason == "malformed"


def test_an_id_that_is_no_text_is_a_signature_that_does_not_match() -> None:
    with pytest.raises(SignatureRejected) as caught:
        verify_checkout_callback("order_1", "\ud800", "0" * 64, KEY_SECRET)
    assert caught.value.reason == "mismatch"


def test_an_event_has_a_name_of_up_to_200_letters() -> None:
    for name in ("e", "e" * 200):
        assert read_event(json.dumps({"event": name}).encode()) == {"event": name}
    for wrong in ("", "e" * 201, None, 7):
        with pytest.raises(MalformedBody):
            read_event(json.dumps({"event": wrong}).encode())


def test_an_event_that_the_header_does_not_name_has_no_name_there() -> None:
    assert named_in({}) is None
