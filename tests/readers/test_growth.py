"""Whatever strangers send is read in proportion to its size: nobody stops a worker with one call.

Each reader gets 10 kB and 250 kB. Not the clock tells, but counted calls and processor time.
"""

import asyncio
import base64
import json
import re
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

import pytest

from service.core import strict_json
from service.core.clock import ManualClock
from service.core.errors import MalformedBody
from service.core.paging import decode_cursor
from service.providers.razorpay.verify import verify_link_callback
from service.sessions.operations.changing.merge import merge_metadata
from service.web.authentication import Authentication
from service.web.forms import read_cookies, read_form
from service.web.idempotency.header import read_key
from service.web.keys.ring import KeyRing
from service.web.keys.tokens import token_reader
from service.web.limits.addresses import Addresses
from service.web.logs.masking import mask_text
from service.web.logs.request_ids import request_id_of
from service.web.parameters import moment_parameter
from service.web.problems import instance_of
from tests.providers.cases import HEARD
from tests.providers.phonepe.case import CALLBACK_CASE, callback_body
from tests.providers.provider_case import ProviderCase
from tests.readers import growth
from tests.readers.growth import Reader, complaint
from tests.web.app import settings_for

NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
CLOCK = ManualClock(NOON)

# Bodies of about a size, each hard on another part of a parser. The part of an event that providers
# send stands before it, so that what is signed is translated too.
SHAPES: dict[str, Callable[[int], str]] = {
    "many keys": lambda n: ",".join(f'"k{i}":1' for i in range(n // 9)),
    "many keys, one twice": lambda n: ",".join(f'"k{i}":1' for i in range(n // 9)) + ',"k0":1',
    "one key, ever again": lambda n: ",".join(['"k":1'] * (n // 6)),
    "two long keys": lambda n: f'"{"k" * (n // 2)}":1,"{"k" * (n // 2)}":2',
    "small objects": lambda n: '"a":[' + ",".join(['{"b":1}'] * (n // 8)) + "]",
    "objects below a long key": lambda n: (
        f'"{"k" * (n // 2)}":[' + ",".join(['{"b":"\\u00e4"}'] * (n // 32)) + "]"
    ),
    "deep lists": lambda n: '"a":' + "[" * (n // 2) + "]" * (n // 2),
    "deep objects": lambda n: '"a":' + '{"a":' * (n // 6) + "1" + "}" * (n // 6),
    "a long text": lambda n: f'"a":"{"x" * n}"',
    "escapes": lambda n: '"a":"' + "\\u00e4" * (n // 6) + '"',
    "quoted quotes": lambda n: '"a":"' + '\\"' * (n // 2) + '"',
    "halves of pairs": lambda n: '"a":"' + "\\ud83d" * (n // 6) + '"',
    "a long number": lambda n: '"a":' + "9" * n,
    "a long fraction": lambda n: '"a":0.' + "1" * n,
    "a long exponent": lambda n: '"a":1e-' + "1" * n,
    "long numbers": lambda n: '"a":[' + ",".join(["9" * 4000] * (n // 4000)) + "]",
    "numbers of 64 bits": lambda n: '"a":[' + ",".join(["9" * 19] * (n // 20)) + "]",
    "fractions": lambda n: '"a":[' + ",".join(["1.5"] * (n // 4)) + "]",
    "space": lambda n: " " * n + '"a":1',
    "no end of a text": lambda n: '"a":"' + "x" * n,
    "responses": lambda n: '"response":' * (n // 11) + "1",
    "open responses": lambda n: '"response" : "' * (n // 14),
}

# All providers read by strict JSON: of these it is their own search that could be slow.
TRANSLATED = ("one key, ever again", "small objects", "escapes", "responses", "open responses")


def _scope(*headers: tuple[bytes, bytes]) -> Any:
    return {"headers": list(headers), "client": ("10.0.0.1", 1), "path": "/"}


def _header(name: bytes, value: Callable[[int], bytes]) -> Callable[[int], Any]:
    return lambda n: _scope((name, value(n)))


def _times(piece: str | bytes) -> Callable[[int], Any]:
    return lambda n: piece * (n // len(piece))


def _awaited(work: Coroutine[Any, Any, object]) -> object:
    with asyncio.Runner() as runner:
        return runner.run(work)


def _bodies() -> list[Reader]:
    """Strict JSON, and each provider's verification and translation of what it signed."""
    found = [
        Reader(
            f"json, {name}", lambda n, shape=shape: f"{{{shape(n)}}}".encode(), strict_json.parse
        )
        for name, shape in SHAPES.items()
    ]
    for case in (*HEARD, CALLBACK_CASE):
        if not case.samples:
            continue
        sample = next(iter(case.samples.values()))
        found += [_delivery(case, sample, name, SHAPES[name]) for name in TRANSLATED]
    return found


def _delivery(case: ProviderCase, sample: bytes, name: str, shape: Callable[[int], str]) -> Reader:
    def made(n: int) -> tuple[dict[str, str], bytes]:
        if case is CALLBACK_CASE:
            content = json.loads(base64.b64decode(json.loads(sample)["response"]))
            body = callback_body(_within(content, shape(n)))
        else:
            body = _within(json.loads(sample), shape(n))
        return case.sign(body, NOON), body

    def read(given: tuple[dict[str, str], bytes]) -> object:
        return case.provider.verify(*given, NOON)

    return Reader(f"{case.name}, {name}", made, read)


def _within(event: dict[str, Any], more: str) -> bytes:
    return f"{json.dumps(event)[:-1]},{more}}}".encode()


def _unsigned(case: ProviderCase, header: str, piece: str) -> Reader:
    def read(value: str) -> object:
        return case.provider.verify({header: value}, b"{}", NOON)

    return Reader(f"{case.name}, {header} of {piece!r}", _times(piece), read)


STRIPE, RAZORPAY, PHONEPE = HEARD
SIGNATURES = [
    *(
        _unsigned(STRIPE, "stripe-signature", piece)
        for piece in (",", "v1=a,", "t=1,", "=", "t=1,v1=0,", "\u00e4", "v1=" + "0" * 64 + ",")
    ),
    *(_unsigned(RAZORPAY, "x-razorpay-signature", piece) for piece in ("0", ",", "\u00e4")),
    *(_unsigned(PHONEPE, "x-verify", piece) for piece in ("0", "#", "0" * 64 + "###1", "###")),
    *(_unsigned(PHONEPE, "authorization", piece) for piece in ("0", "SHA256 ", " ")),
    Reader(
        "razorpay, an unsigned body of responses",
        _times(b'"response":"'),
        lambda body: RAZORPAY.provider.verify({"x-razorpay-signature": "0" * 64}, body, NOON),
    ),
    *(
        Reader(
            f"phonepe, an unsigned body of {piece!r}",
            _times(piece),
            lambda body: PHONEPE.provider.verify({"x-verify": "0" * 64 + "###1"}, body, NOON),
        )
        for piece in (b'"response"', b'"response" ', b'"response":"', b'"response":"\\', b" ", b'"')
    ),
    Reader(
        "razorpay, a link's callback",
        _times("|"),
        lambda text: verify_link_callback(text, text, text, text, "0" * 64, "secret"),
    ),
]

_AUTHENTICATION = Authentication(
    KeyRing(settings_for().access, CLOCK), token_reader(settings_for().access, CLOCK)
)
_TRUSTING = Addresses(("10.0.0.0/8", "fd00::/8"))

_SIGNED = "eyJhbGciOiJIUzI1NiJ9."
TOKENS = [
    Reader(
        f"token, {piece!r}",
        lambda n, piece=piece: ((b"authorization", f"Bearer {_SIGNED}{piece * n}.a".encode()),),
        lambda headers: _awaited(_AUTHENTICATION.identify(headers)),
    )
    for piece in ("a", "=", "/")
] + [
    Reader(
        "many keys",
        lambda n: tuple((b"x-api-key", b"k%d" % i) for i in range(n // 16)),
        lambda headers: _awaited(_AUTHENTICATION.identify(headers)),
    ),
    Reader(
        "bearers",
        lambda n: ((b"authorization", b"Bearer " * (n // 7)),),
        lambda headers: _awaited(_AUTHENTICATION.identify(headers)),
    ),
]

HEADERS = [
    Reader("cookies", _header(b"cookie", _times(b"a=b; ")), lambda it: read_cookies(it["headers"])),
    Reader(
        "a quoted cookie",
        _header(b"cookie", lambda n: b'a="' + b'\\"' * (n // 2) + b'"'),
        lambda scope: read_cookies(scope["headers"]),
    ),
    Reader(
        "semicolons as cookies",
        _header(b"cookie", _times(b";")),
        lambda scope: read_cookies(scope["headers"]),
    ),
    Reader(
        "idempotency key",
        _header(b"idempotency-key", _times(b'"')),
        lambda scope: read_key(scope["headers"]),
    ),
    Reader("request id", _header(b"x-request-id", _times(b"a")), request_id_of),
    Reader("proxies", _header(b"x-forwarded-for", _times(b"10.0.0.1, ")), _TRUSTING.of),
    Reader(
        "ever other proxies",
        lambda n: _scope(
            (
                b"x-forwarded-for",
                b",".join(b"10.%d.%d.1" % (i // 250, i % 250) for i in range(n // 10)),
            )
        ),
        _TRUSTING.of,
    ),
    Reader("commas for proxies", _header(b"x-forwarded-for", _times(b",")), _TRUSTING.of),
    Reader("brackets for proxies", _header(b"x-forwarded-for", _times(b"[")), _TRUSTING.of),
]

TEXTS = [
    *(
        Reader(f"cursor, {piece!r}", _times(piece), decode_cursor)
        for piece in ("A", "-", "=", "MTo")
    ),
    *(
        Reader(f"form, {piece!r}", _times(piece), read_form)
        for piece in (b"a=b&", b"&", b"%", b"%61", b"+", b"=")
    ),
    *(
        Reader(f"moment, {piece!r}", _times(piece), lambda text: moment_parameter("from", text))
        for piece in ("2026", "-", "2026-11-21T")
    ),
    *(
        Reader(f"masked, {piece!r}", _times(piece), mask_text)
        for piece in (
            "eyJ-",
            "eyJa.",
            "a@",
            "@",
            "a.",
            "://",
            "://a",
            "bearer ",
            "bearer",
            "sk_",
            "sk_" * 5,
            " ",
            "basic \t",
            "_" * 12,
            "sk_aaaaaaaaaaaa-",
        )
    ),
    Reader("a path", _times("/ä"), lambda path: instance_of({"path": path})),  # type: ignore[typeddict-item]
    Reader(
        "metadata",
        lambda n: {f"k{i}": i for i in range(n // 12)},
        lambda patch: merge_metadata(dict(patch), list(patch), patch, trusted=True),
    ),
    Reader(
        "guarded metadata",
        lambda n: {f"k{i}": i for i in range(n // 12)},
        lambda patch: merge_metadata(dict(patch), list(patch), patch, trusted=False),
    ),
]


READERS = {
    "bodies": _bodies(),
    "signatures": SIGNATURES,
    "tokens": TOKENS,
    "headers": HEADERS,
    "texts": TEXTS,
}


@pytest.mark.parametrize("kind", READERS)
def test_every_reader_takes_time_in_proportion_to_what_it_reads(kind: str) -> None:
    assert [said for said in map(complaint, READERS[kind]) if said] == []


def _keys_by_counting(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Look for repeated keys as strict JSON once did."""
    names = [key for key, _ in pairs]
    if any(names.count(key) > 1 for key in names):
        raise MalformedBody("A key stands twice.")
    return dict(pairs)


def _by_calls(text: str) -> int:
    """Look at all that stands before, for each letter: in Python, so that it can be counted."""
    return sum(text.startswith(letter) for place in range(len(text)) for letter in text[:place])


QUADRATIC = [
    Reader(
        "repeated keys",
        lambda n: "{" + SHAPES["many keys"](n) + "}",
        json.JSONDecoder(object_pairs_hook=_keys_by_counting).decode,
    ),
    Reader("letter by letter", _times("a"), lambda text: _by_calls(text[:1000])),
    Reader(
        "tokens, each from its beginning",
        _times("eyJ-"),
        re.compile(r"\beyJ[A-Za-z0-9_-]*\.").findall,
    ),
]


@pytest.mark.parametrize("reader", QUADRATIC, ids=lambda reader: reader.name)
def test_control_a_quadratic_reader_is_complained_of(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At a twenty-fifth of the size, where it takes no seconds yet."""
    for name in ("SMALL", "LARGE", "FEW", "MANY"):
        monkeypatch.setattr(growth, name, getattr(growth, name) // 25)
    assert complaint(reader)
