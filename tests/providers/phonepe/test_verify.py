"""PhonePe's two schemes: the callback of v1 that is signed, the webhook of v2 that is not."""

import base64
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.errors import MalformedBody, SignatureRejected
from service.providers.phonepe.verify import (
    Secrets,
    callback_of,
    login_of,
    read_content,
    verify_webhook,
)
from tests.providers.phonepe.case import (
    CALLBACKS,
    NOON,
    PASSWORD,
    SALT,
    USERNAME,
    WEBHOOKS,
    callback_body,
    sign,
    sign_callback,
)

BOTH = Secrets({"1": SALT}, f"{USERNAME}:{PASSWORD}")
WEBHOOK = WEBHOOKS["checkout.order.completed"]
CALLBACK = CALLBACKS["callback.success"]
LOGIN = hashlib.sha256(f"{USERNAME}:{PASSWORD}".encode()).hexdigest()


def x_verify(body: bytes, salt: str = SALT, index: str = "1") -> str:
    """Sign a callback without the code under test."""
    response = json.loads(body)["response"]
    return f"{hashlib.sha256(f'{response}{salt}'.encode()).hexdigest()}###{index}"


@pytest.mark.parametrize("header", [LOGIN, LOGIN.upper(), f"SHA256 {LOGIN}", f"sha256 {LOGIN}"])
def test_a_webhook_with_our_login_is_accepted(header: str) -> None:
    message = verify_webhook({"authorization": header}, WEBHOOK, BOTH)
    assert message.version == "v2"
    assert read_content(message)["event"] == "checkout.order.completed"


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("", "missing"),
        ("Basic dGlsbGdhdGU6cGFzcw==", "malformed"),
        ("é" * 64, "malformed"),
        ("\ud800" * 64, "malformed"),
        (f"SHA256({LOGIN})", "malformed"),
        (hashlib.sha256(b"tillgate:another").hexdigest(), "mismatch"),
        (hashlib.sha256(b":").hexdigest(), "mismatch"),
    ],
)
def test_a_webhook_with_another_login_is_rejected(header: str, reason: str) -> None:
    with pytest.raises(SignatureRejected) as caught:
        verify_webhook({"authorization": header}, WEBHOOK, BOTH)
    assert caught.value.reason == reason


def test_a_callback_that_our_salt_signed_is_accepted() -> None:
    message = verify_webhook({"x-verify": x_verify(CALLBACK)}, CALLBACK, BOTH)
    assert (message.version, read_content(message)["code"]) == ("v1", "PAYMENT_SUCCESS")


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (x_verify(CALLBACK, salt="another"), "mismatch"),
        (x_verify(CALLBACK, index="2"), "mismatch"),
        (x_verify(CALLBACK, index="one"), "malformed"),
        (x_verify(CALLBACK).partition("#")[0], "malformed"),
        (f"{'é' * 64}###1", "malformed"),
        (f"{'0' * 64}###١", "malformed"),
        ("###", "malformed"),
    ],
)
def test_a_callback_that_another_salt_signed_is_rejected(header: str, reason: str) -> None:
    with pytest.raises(SignatureRejected) as caught:
        verify_webhook({"x-verify": header}, CALLBACK, BOTH)
    assert caught.value.reason == reason


def test_without_a_header_nothing_is_accepted() -> None:
    for body in (WEBHOOK, CALLBACK):
        with pytest.raises(SignatureRejected) as caught:
            verify_webhook({}, body, BOTH)
        assert caught.value.reason == "missing"


def test_a_scheme_that_is_not_set_up_is_not_accepted() -> None:
    with pytest.raises(SignatureRejected):
        verify_webhook(sign(WEBHOOK, NOON), WEBHOOK, Secrets({"1": SALT}, None))
    with pytest.raises(SignatureRejected):
        verify_webhook(sign_callback(CALLBACK, NOON), CALLBACK, Secrets({}, BOTH.webhook_login))


@pytest.mark.parametrize("missing", [None, "", " "])
def test_a_login_is_a_name_and_a_password_or_none_at_all(missing: str | None) -> None:
    assert login_of(USERNAME, PASSWORD) == f"{USERNAME}:{PASSWORD}"
    for username, password in ((missing, PASSWORD), (USERNAME, missing), (missing, missing)):
        assert login_of(username, password) is None


def test_a_login_does_not_vouch_for_a_callback() -> None:
    forged = {"x-verify": x_verify(CALLBACK, salt=""), "authorization": LOGIN}
    with pytest.raises(SignatureRejected):
        verify_webhook(forged, CALLBACK, BOTH)


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff\xfe", b"[" * 50_000, b'{"a": NaN}', b"null"])
def test_a_body_that_makes_no_sense_is_v2_s_and_can_not_be_read(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        read_content(verify_webhook(sign(body, NOON), body, BOTH))
    with pytest.raises(SignatureRejected) as caught:  # nothing in it was signed
        verify_webhook(sign_callback(body, NOON), body, BOTH)
    assert caught.value.reason == "malformed"


@pytest.mark.parametrize("response", ["%%%", "é", "abc", base64.b64encode(b"[1]").decode()])
def test_a_signed_response_that_makes_no_sense_can_not_be_read(response: str) -> None:
    body = json.dumps({"response": response}).encode()
    with pytest.raises(MalformedBody):
        read_content(verify_webhook({"x-verify": x_verify(body)}, body, BOTH))


@pytest.mark.parametrize("between", ["%", "\n", "\t", " "])
def test_a_signed_response_with_strange_letters_between_is_genuine_and_can_not_be_read(
    between: str,
) -> None:
    response = json.loads(CALLBACK)["response"]
    strange = f"{response[:4]}{between}{response[4:]}"
    body = b'{"response": "%s"}' % strange.encode()
    header = f"{hashlib.sha256(f'{strange}{SALT}'.encode()).hexdigest()}###1"
    message = verify_webhook({"x-verify": header}, body, BOTH)
    with pytest.raises(MalformedBody):
        read_content(message)


def test_a_signed_response_that_is_json_but_not_base64_can_not_be_read() -> None:
    body = rb'{"response": "{\u0022code\u0022: \u0022PAYMENT_SUCCESS\u0022}"}'
    message = verify_webhook({"x-verify": x_verify(body)}, body, BOTH)
    with pytest.raises(MalformedBody):
        read_content(message)


def test_a_response_that_is_no_text_is_a_signature_that_does_not_match() -> None:
    body = rb'{"response": "\ud800"}'
    with pytest.raises(SignatureRejected) as caught:
        verify_webhook({"x-verify": f"{'0' * 64}###1"}, body, BOTH)
    assert caught.value.reason == "mismatch"


@pytest.mark.parametrize("response", ["", 7, None, {}])
def test_a_callback_without_a_response_is_rejected(response: object) -> None:
    body = json.dumps({"response": response}).encode()
    with pytest.raises(SignatureRejected) as caught:
        verify_webhook({"x-verify": x_verify(body)}, body, BOTH)
    assert caught.value.reason == "malformed"


@pytest.mark.parametrize(
    "written",
    [
        b'{"response":"%s"}',
        b'{"a": NaN, "response" :\n"%s", "response": "another"}',
        b'{"a": "\\ud800", "response":"%s"',
    ],
)
def test_only_the_response_is_signed_and_nothing_else_is_looked_at(written: bytes) -> None:
    response = json.loads(CALLBACK)["response"]
    # As some libraries write it: a slash and an equals sign by an escape.
    escaped = response.replace("/", "\\/").replace("=", "\\u003d")
    body = written % escaped.encode()
    message = verify_webhook({"x-verify": x_verify(CALLBACK)}, body, BOTH)
    assert read_content(message) == read_content(callback_of(CALLBACK))
    with pytest.raises(SignatureRejected) as caught:
        verify_webhook({"x-verify": x_verify(CALLBACK)}, written % b"bm90aGluZw", BOTH)
    assert caught.value.reason == "mismatch"


@given(st.integers(min_value=0), st.integers(1, 255))
def test_any_changed_byte_is_rejected_or_stands_beside_what_is_signed(
    place: int, flip: int
) -> None:
    genuine = callback_of(CALLBACK)
    changed = bytearray(CALLBACK)
    changed[place % len(CALLBACK)] ^= flip
    try:
        message = verify_webhook(sign_callback(CALLBACK, NOON), bytes(changed), BOTH)
    except SignatureRejected:
        return
    assert message == genuine


@pytest.mark.parametrize("body", [b"[]", b"\xff", callback_body(b"")])
def test_a_stored_callback_without_a_response_can_not_be_read(body: bytes) -> None:
    with pytest.raises(MalformedBody):
        callback_of(body)


def test_secrets_are_not_shown() -> None:
    assert SALT not in repr(BOTH)
    assert PASSWORD not in repr(BOTH)
