"""Stripe's signature: genuine ones pass, everything else is one kind of error."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from stripe import WebhookSignature

from service.core.errors import MalformedBody, SignatureRejected
from service.providers.signing import hmac_sha256_hex
from service.providers.stripe.verify import MOST_SIGNATURES, check_signature, read_event

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
OLD, NEW, FOREIGN = "whsec_old_of_two", "whsec_new_of_two", "whsec_of_somebody"
BODY = '{"id": "evt_1", "type": "a", "name": "Zoë"}'.encode()


def signed(secret: str, body: bytes = BODY, at: int = AT) -> str:
    """Sign as the official library does."""
    return str(WebhookSignature.generate_signature_header(body.decode(), secret, at))


def rejected(header: str | None, body: bytes = BODY, secrets: tuple[str, ...] = (NEW,)) -> str:
    """Return the reason for which a header is rejected."""
    headers = {} if header is None else {"stripe-signature": header}
    with pytest.raises(SignatureRejected) as caught:
        check_signature(headers, body, secrets, NOW)
    return caught.value.reason


def test_a_genuine_event_is_parsed() -> None:
    check_signature({"stripe-signature": signed(NEW)}, BODY, (NEW,), NOW)
    assert read_event(BODY) == {"id": "evt_1", "type": "a", "name": "Zoë"}


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_either_secret_is_accepted_while_one_is_rolled(secret: str) -> None:
    headers = {"stripe-signature": signed(secret)}
    check_signature(headers, BODY, (OLD, NEW), NOW)


def test_any_of_several_signatures_is_enough() -> None:
    foreign = hmac_sha256_hex(FOREIGN, f"{AT}.".encode() + BODY)
    header = f"t={AT},v1={foreign},{signed(NEW).partition(',')[2]}"
    check_signature({"stripe-signature": header}, BODY, (NEW,), NOW)


def test_a_signature_of_the_test_scheme_is_ignored() -> None:
    header = signed(NEW).replace("v1=", "v0=")
    assert rejected(header) == "missing"
    assert rejected(f"{header},v1=00") == "mismatch"


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_an_age_within_five_minutes_is_accepted(seconds: int) -> None:
    headers = {"stripe-signature": signed(NEW, at=AT + seconds)}
    check_signature(headers, BODY, (NEW,), NOW)


@pytest.mark.parametrize(("seconds", "reason"), [(-301, "stale"), (301, "future")])
def test_an_age_beyond_five_minutes_is_rejected(seconds: int, reason: str) -> None:
    assert rejected(signed(NEW, at=AT + seconds)) == reason


def test_the_age_of_a_forgery_is_not_told() -> None:
    assert rejected(signed(FOREIGN, at=1)) == "mismatch"


def test_half_a_second_beyond_the_tolerance_is_too_much() -> None:
    headers = {"stripe-signature": signed(NEW)}
    late = NOW + timedelta(seconds=300, milliseconds=500)
    with pytest.raises(SignatureRejected):
        check_signature(headers, BODY, (NEW,), late)


@pytest.mark.parametrize("header", [None, "", f"t={AT}", f"t={AT},v1=", f"t={AT},v2=00"])
def test_no_signature_is_missing(header: str | None) -> None:
    assert rejected(header) == "missing"


@pytest.mark.parametrize(
    "header",
    [
        "v1=00",
        "garbage",
        f"t={AT},v1=00,",
        f"t={AT},v1=00,garbage",
        f"t={AT},t={AT},v1=00",
        "t=,v1=00",
        "t=soon,v1=00",
        "t=-1,v1=00",
        "t=1.5,v1=00",
        "t=١٢,v1=00",
        f"t={'9' * 400},v1=00",
        f"t={AT},v1=ü",
        f"t={AT},v1=\ud800",
    ],
)
def test_an_unreadable_header_is_malformed(header: str) -> None:
    assert rejected(header) == "malformed"


def test_a_foreign_signature_does_not_match() -> None:
    assert rejected(signed(FOREIGN)) == "mismatch"


def test_without_a_secret_nothing_matches() -> None:
    assert rejected(signed(""), secrets=()) == "mismatch"


def test_the_timestamp_is_part_of_what_is_signed() -> None:
    assert rejected(signed(NEW).replace(f"t={AT}", f"t={AT + 1}")) == "mismatch"
    assert rejected(signed(NEW).replace(f"t={AT}", f"t=0{AT}")) == "mismatch"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'"text"',
        b"{",
        b'{"a": NaN}',
        b'{"a": 1e400}',
        b'{"a": 1, "a": 2}',
        b"\xff\xfe",
        b"[" * 50_000,
        b'{"a": "\\ud800"}',
        b"9" * 5000,
        b'{"id": "%s", "type": "a"}' % (b"e" * 256),
    ],
)
def test_a_signed_body_that_is_no_event_is_genuine_and_can_not_be_read(body: bytes) -> None:
    signature = hmac_sha256_hex(NEW, f"{AT}.".encode() + body)
    check_signature({"stripe-signature": f"t={AT},v1={signature}"}, body, (NEW,), NOW)
    with pytest.raises(MalformedBody):
        read_event(body)
    assert rejected(f"t={AT},v1={signature[::-1]}", body) == "mismatch"


def test_twenty_signatures_are_looked_at_and_one_more_is_a_rejection() -> None:
    assert MOST_SIGNATURES == 20
    foreign = hmac_sha256_hex(FOREIGN, f"{AT}.".encode() + BODY)
    genuine = signed(NEW)
    within = genuine + f",v1={foreign}" * (MOST_SIGNATURES - 1)
    check_signature({"stripe-signature": within}, BODY, (NEW,), NOW)
    assert rejected(f"{within},v1={foreign}") == "malformed"
    assert rejected(genuine + ",v1=0" * 1_000_000) == "malformed"
    assert rejected(genuine + ",v0=0" * 1_000) == "malformed"


def test_forty_entries_and_twelve_digits_are_read_and_no_more() -> None:
    check_signature({"stripe-signature": signed(NEW) + ",v0=0" * 38}, BODY, (NEW,), NOW)
    assert rejected(signed(NEW) + ",v0=0" * 39) == "malformed"
    assert rejected(f"t={'9' * 12},v1=00") == "mismatch"
    assert rejected(f"t={'9' * 13},v1=00") == "malformed"


@pytest.mark.parametrize("name", ["id", "type"])
def test_an_event_has_an_id_and_a_type_of_up_to_255_letters(name: str) -> None:
    event = {"id": "evt_1", "type": "a"}
    for text in ("e", "e" * 255):
        assert read_event(json.dumps(event | {name: text}).encode())[name] == text
    for wrong in ("", "e" * 256, None, 7):
        with pytest.raises(MalformedBody):
            read_event(json.dumps(event | {name: wrong}).encode())


def test_how_far_ahead_of_time_a_signature_is_is_told_without_a_sign() -> None:
    with pytest.raises(SignatureRejected, match=r"is 400 seconds ahead"):
        check_signature({"stripe-signature": signed(NEW, at=AT + 400)}, BODY, (NEW,), NOW)
