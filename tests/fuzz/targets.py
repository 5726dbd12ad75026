"""What reads a stranger's bytes, as functions that a fuzzer calls: only typed errors may come out.

Each says more than "no crash": what was read is true of what was given.
"""

import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, TypeAlias

import bson

from service.core.errors import InvalidInput, MalformedBody, SignatureRejected
from service.core.paging import decode_cursor
from service.core.strict_json import parse
from service.providers.facts import Unreadable
from service.web.idempotency.header import LONGEST, read_key
from service.web.limits.addresses import NO_ADDRESS, Addresses, network_of
from tests.providers.phonepe.case import CASE as PHONEPE
from tests.providers.provider_case import ProviderCase
from tests.providers.razorpay.case import CASE as RAZORPAY
from tests.providers.stripe.case import CASE, SECRET

Target: TypeAlias = Callable[[bytes], None]

NOW = datetime(2026, 10, 4, 12, 0, tzinfo=UTC)
_HEADERS: Mapping[str, tuple[str, ...]] = {
    "stripe": ("stripe-signature",),
    "razorpay": ("x-razorpay-signature",),
    "phonepe": ("authorization", "x-verify"),
}
_BEHIND_A_PROXY = Addresses(("10.0.0.0/8", "fd00::/8"))


def _sign_bytes(body: bytes, now: datetime) -> dict[str, str]:
    """Sign as Stripe does: its own library signs text alone, and so no body that is not UTF-8."""
    at = int(now.timestamp())
    digest = hmac.new(SECRET.encode(), b"%d." % at + body, "sha256").hexdigest()
    return {"stripe-signature": f"t={at},v1={digest}"}


STRIPE = replace(CASE, sign=_sign_bytes)


def verifier(case: ProviderCase) -> Target:
    """Return the target of one provider's `verify`.

    An even first byte: the rest is a body that the provider signed. It may be nonsense, but never
    an error, and what it is read as is the same each time. An odd one: a header and a body, split
    at the first NUL, of somebody who knows no secret.
    """

    def target(data: bytes) -> None:
        if data[:1] and data[0] % 2 == 0:
            _verify_signed(case, data[1:])
        else:
            _verify_forged(case, data[1:])

    return target


def _verify_signed(case: ProviderCase, body: bytes) -> None:
    headers = case.sign(body, NOW)
    try:
        event = case.provider.verify(headers, body, NOW)
    except SignatureRejected:
        # PhonePe v1 signs a field of the body: what has none can't be signed at all.
        assert case is PHONEPE
        return
    assert event == case.provider.verify(headers, body, NOW)
    if not any(isinstance(fact, Unreadable) for fact in event.facts):
        stored = case.provider.translate_stored(event.event_id, event.payload)
        assert stored.facts == event.facts


def _verify_forged(case: ProviderCase, data: bytes) -> None:
    header, _, body = data.partition(b"\0")
    text = header.decode("latin-1")
    headers = dict.fromkeys(_HEADERS[case.name], text)
    try:
        case.provider.verify(headers, body, NOW)
    except SignatureRejected:
        return
    raise AssertionError("what nobody signed was taken for genuine")


def read_strict_json(data: bytes) -> None:
    """Parse: what is taken is what the usual parser reads, and MongoDB can keep it."""
    try:
        value = parse(data)
    except MalformedBody:
        return
    assert value == json.loads(data)
    bson.encode({"value": value})


def read_cursor(data: bytes) -> None:
    """Read a cursor: one that is taken says the same when it is written again."""
    try:
        cursor = decode_cursor(data.decode("latin-1"))
    except InvalidInput:
        return
    assert decode_cursor(cursor.encode()) == cursor


def read_idempotency_key(data: bytes) -> None:
    """Read a key: printable ASCII, and within its bounds."""
    try:
        key = read_key([(b"idempotency-key", data)])
    except InvalidInput:
        return
    assert key is not None
    assert key.isascii()
    assert key.isprintable()
    assert 1 <= len(key) <= LONGEST


def read_addresses(data: bytes) -> None:
    """Find the client's address: the peer's own word is never more than text that is an address."""
    peer, _, forwarded = data.partition(b"\0")
    scope: Any = {
        "client": (peer.decode("latin-1"), 1) if peer else ("10.0.0.1", 1),
        "headers": [(b"x-forwarded-for", forwarded)],
    }
    found = _BEHIND_A_PROXY.of(scope)
    if found != NO_ADDRESS:
        network_of(found)


TARGETS: Mapping[str, Target] = {
    "stripe": verifier(STRIPE),
    "razorpay": verifier(RAZORPAY),
    "phonepe": verifier(PHONEPE),
    "strict_json": read_strict_json,
    "cursor": read_cursor,
    "idempotency_key": read_idempotency_key,
    "addresses": read_addresses,
}
