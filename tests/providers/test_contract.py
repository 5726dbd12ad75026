"""What every provider must keep, whatever its wire format is."""

import ast
import configparser
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

import service.providers
from service.core.errors import SignatureRejected
from service.providers.base import (
    OWN_ACCOUNT,
    AnswersFetches,
    AnswersHints,
    Captures,
    ChecksCallbacks,
    ClosesCheckouts,
    KnowsCheckouts,
    Provider,
    SendsWebhooks,
)
from service.providers.facts import Fact, Subject, Unreadable
from service.providers.refunding import Refunds
from service.providers.registry import REGISTRY, ProviderName
from tests.providers.cases import CASES, HEARD
from tests.providers.provider_case import ProviderCase

NOW = datetime(2026, 10, 4, 12, 0, tzinfo=UTC)
FOLDER = Path(service.providers.__file__).parent

ALL = [(case, kind, body) for case in CASES for kind, body in case.samples.items()]
on_every_sample = pytest.mark.parametrize(
    ("case", "body"),
    [(case, body) for case, _, body in ALL],
    ids=[f"{case.name}-{kind}" for case, kind, _ in ALL],
)
on_every_covered_sample = pytest.mark.parametrize(
    ("case", "body"),
    [(case, body) for case, _, body in ALL if case.covers_body],
    ids=[f"{case.name}-{kind}" for case, kind, _ in ALL if case.covers_body],
)
HEADER_NAMES = ("stripe-signature", "x-razorpay-signature", "x-verify", "authorization")
# Scraps of real headers and bodies reach further into a verifier than noise alone does.
SCRAPS = (
    "t=",
    "v1=",
    ",",
    "=",
    "###",
    "1",
    "1791000000",
    "9" * 400,
    "٣",
    "\ud800",
    "ä",
    "\0",
    "0x",
)
HEADER_VALUES = st.one_of(st.text(), st.lists(st.sampled_from(SCRAPS)).map("".join))
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
BODIES = st.one_of(
    st.binary(),
    st.sampled_from(
        [b"[]", b"null", b"{}", b"[" * 50_000, b'{"a":' * 40, b"\xff\xfe", b"9" * 5000]
    ),
    JUNK.map(msgspec.json.encode),
)


# Session-wide, since hypothesis does not take fixtures that are made anew for each test.
@pytest.fixture(scope="session", params=HEARD, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> ProviderCase:
    found = request.param
    assert isinstance(found, ProviderCase)
    return found


@given(body=BODIES, headers=st.dictionaries(st.sampled_from(HEADER_NAMES), HEADER_VALUES))
def test_garbage_is_always_rejected_and_nothing_else(
    case: ProviderCase, body: bytes, headers: dict[str, str]
) -> None:
    with pytest.raises(SignatureRejected) as caught:
        case.provider.verify(headers, body, NOW)
    assert caught.value.reason.isascii()
    assert caught.value.reason.islower()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"id": 1, "id": 2}',
        b'{"event": {}, "payload": []}',
        b'{"id": "evt_1", "type": "x", "created": NaN, "data": {"object": {}}}',
        b"[" * 50_000,
        b'{"a":' * 40 + b"1" + b"}" * 40,
    ],
)
def test_a_body_that_is_signed_but_makes_no_sense_is_kept_unread(
    case: ProviderCase, body: bytes
) -> None:
    if case.name == "phonepe-v1":  # signs no such body
        with pytest.raises(SignatureRejected):
            case.provider.verify(case.sign(body, NOW), body, NOW)
        return
    event = case.provider.verify(case.sign(body, NOW), body, NOW)
    assert [type(fact) for fact in event.facts] == [Unreadable]
    assert event.payload == body
    again = case.provider.verify(case.sign(body, NOW), body, NOW)
    assert again.inbox_id == event.inbox_id  # a copy of it is no second event


@given(junk=JUNK)
def test_signed_junk_tells_nothing(case: ProviderCase, junk: object) -> None:
    body = msgspec.json.encode(junk)
    try:
        event = case.provider.verify(case.sign(body, NOW), body, NOW)
    except SignatureRejected:
        return
    assert all(isinstance(fact, Unreadable) for fact in event.facts)


@on_every_sample
@settings(max_examples=25)
@given(data=st.data())
def test_an_event_with_a_strange_field_is_read_or_rejected(
    case: ProviderCase, body: bytes, data: st.DataObject
) -> None:
    event = msgspec.json.decode(body)
    holder, key = data.draw(st.sampled_from(list(_fields(event))))
    if data.draw(st.booleans()):
        del holder[key]
    else:
        holder[key] = data.draw(JUNK)
    changed = msgspec.json.encode(event)
    try:
        read = case.provider.verify(case.sign(changed, NOW), changed, NOW)
    except SignatureRejected:
        return
    assert read.payload == changed
    msgspec.json.encode((read.subject, read.facts))


@on_every_sample
def test_a_genuine_event_is_accepted(case: ProviderCase, body: bytes) -> None:
    event = case.provider.verify(case.sign(body, NOW), body, NOW)
    assert event.provider == case.name
    assert event.payload == body
    assert event.event_id
    assert event.type
    assert event.occurred_at.tzinfo is UTC
    assert event.inbox_id.startswith(f"{case.name}:{event.account}:")


@on_every_sample
def test_facts_survive_being_stored(case: ProviderCase, body: bytes) -> None:
    event = case.provider.verify(case.sign(body, NOW), body, NOW)
    stored = msgspec.json.encode((event.subject, event.facts))
    kept = msgspec.json.decode(stored, type=tuple[Subject, tuple[Fact, ...]])
    assert kept == (event.subject, event.facts)


@on_every_sample
def test_a_stored_event_reads_as_it_did_when_it_came(case: ProviderCase, body: bytes) -> None:
    event = case.provider.verify(case.sign(body, NOW), body, NOW)
    event = structs.replace(event, provider_event_id=None)  # the row keeps it, the bytes don't
    assert case.provider.translate_stored(event.event_id, event.payload) == event


@on_every_covered_sample
@settings(max_examples=25)
@given(place=st.integers(min_value=0), flip=st.integers(1, 255))
def test_a_body_with_one_changed_byte_is_rejected_or_tells_the_same(
    case: ProviderCase, body: bytes, place: int, flip: int
) -> None:
    changed = bytearray(body)
    changed[place % len(body)] ^= flip
    try:
        event = case.provider.verify(case.sign(body, NOW), bytes(changed), NOW)
    except SignatureRejected:
        return
    assert case.name == "phonepe-v1"  # it signs a part, and what is around it is never looked at
    genuine = case.provider.verify(case.sign(body, NOW), body, NOW)
    assert event == structs.replace(genuine, payload=bytes(changed))


@on_every_sample
def test_an_event_is_not_accepted_by_another_provider(case: ProviderCase, body: bytes) -> None:
    headers = case.sign(body, NOW)
    for other in HEARD:
        if other.name != case.name:
            with pytest.raises(SignatureRejected):
                other.provider.verify(headers, body, NOW)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_provider_keeps_the_protocol(case: ProviderCase) -> None:
    provider: Provider = case.provider
    assert isinstance(provider, Provider)
    assert provider.name == case.name
    assert provider.account == OWN_ACCOUNT
    assert provider.live in {True, False, None}
    hears = isinstance(provider, SendsWebhooks)
    assert (hears and provider.receives_webhooks) is bool(case.samples)
    # Whoever reports nothing can't be asked either; a person says that the money came.
    assert hears is isinstance(provider, AnswersFetches) is not REGISTRY[case.name].traits.manual


ABILITIES = {
    "stripe": {SendsWebhooks, AnswersFetches, ClosesCheckouts, Captures, KnowsCheckouts, Refunds},
    "razorpay": {
        *(SendsWebhooks, AnswersFetches, ClosesCheckouts, Captures, KnowsCheckouts),
        *(ChecksCallbacks, Refunds),
    },
    "phonepe": {SendsWebhooks, AnswersFetches, ClosesCheckouts, AnswersHints, Refunds},
    "upi": set(),
}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_provider_has_the_abilities_that_it_can_keep_and_no_others(case: ProviderCase) -> None:
    every = set().union(*ABILITIES.values())
    has = {ability for ability in every if isinstance(case.provider, ability)}
    assert has == ABILITIES[case.name]


def test_every_provider_has_a_case() -> None:
    assert {case.name for case in CASES} == set(get_args(ProviderName))


def test_the_import_contracts_list_every_provider() -> None:
    """One that they don't list may import another, or be imported by anybody, unnoticed."""
    contracts = configparser.ConfigParser()
    contracts.read(FOLDER.parents[1] / ".importlinter")
    modules = {f"service.providers.{name}" for name in get_args(ProviderName)}
    for contract, row in (("providers", "modules"), ("adapters", "protected_modules")):
        listed = contracts[f"importlinter:contract:{contract}"][row].split()
        assert set(listed) == modules, contract


def test_no_provider_imports_another() -> None:
    names = set(get_args(ProviderName))
    for name in names:
        for path in (FOLDER / name).rglob("*.py"):
            foreign = {f"service.providers.{other}" for other in names - {name}}
            reached = {
                module
                for module in _imports(path)
                if any(f"{module}.".startswith(f"{package}.") for package in foreign)
            }
            assert not reached, f"{path} imports {reached}"


def _fields(value: Any) -> Iterator[tuple[Any, Any]]:
    """Return every place of a JSON value as its holder and its key or index."""
    places = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in list(places):
        yield value, key
        if isinstance(item, dict | list):
            yield from _fields(item)


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found
