"""What a token may not say of itself, how long it may live, and how long its signer's keys do."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest

from service.core.clock import ManualClock
from service.core.errors import Unauthenticated, Unavailable
from service.core.principal import Principal
from service.web.keys import key_sets, token_headers, tokens
from service.web.keys.key_sets import ASKED_AGAIN_AFTER, GOOD_FOR, TRIED_AGAIN_AFTER
from service.web.keys.token_headers import LONGEST_TOKEN
from tests.web.app import JWT_SECRET
from tests.web.tokens import (
    NEW_RSA_KEY,
    RSA_KEY,
    IdentityProvider,
    claims_of,
    keyed,
    reader,
    signed,
)

JWK = jwt.PyJWK(jwt.algorithms.RSAAlgorithm.to_jwk(NEW_RSA_KEY.public_key(), as_dict=True))

STRANGE = [
    {"typ": "logout+jwt"},
    {"typ": "dpop+jwt"},
    {"typ": "JWE"},
    {"typ": ""},
    {"typ": None},
    {"typ": ["JWT"]},
    {"jwk": JWK._jwk_data},
    {"jku": "https://evil.example/jwks"},
    {"x5u": "https://evil.example/cert"},
    {"x5c": ["MIIB"]},
]


def hand_signed(clock: ManualClock, header: dict[str, Any], **claims: object) -> str:
    """Sign with the shared secret, whatever the header says."""
    return signed({"alg": "HS256", **header}, claims_of(clock, **claims), JWT_SECRET.encode())


async def refusal(reading: tokens.TokenReader, token: str) -> str:
    """Read a token that must be refused, and return the words."""
    with pytest.raises(Unauthenticated) as raised:
        await reading(token)
    return raised.value.message


@pytest.mark.parametrize("header", STRANGE)
async def test_a_token_that_is_meant_for_something_else_or_names_its_own_key_is_refused(
    clock: ManualClock, header: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = hand_signed(clock, header)
    assert await refusal(reader(clock), token) != "The token is not valid."
    monkeypatch.setattr(tokens, "read_header", jwt.get_unverified_header)  # the control
    assert await reader(clock)(token)


async def test_a_token_is_taken_up_to_its_longest_and_not_beyond(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = hand_signed(clock, {}, filled="x" * LONGEST_TOKEN)
    assert await refusal(reader(clock), token) == "The token is too long."
    monkeypatch.setattr(token_headers, "LONGEST_TOKEN", len(token))  # the control
    assert await reader(clock)(token)


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"])
async def test_an_access_token_may_say_what_it_is(clock: ManualClock, typ: str) -> None:
    assert await reader(clock)(hand_signed(clock, {"typ": typ}))
    assert await reader(clock)(hand_signed(clock, {}))


@pytest.mark.parametrize("crit", [["exp"], ["b64"], [], "b64", None])
async def test_an_extension_that_must_be_understood_is_refused(
    clock: ManualClock, crit: object
) -> None:
    await refusal(reader(clock), hand_signed(clock, {"crit": crit, "exp": 1, "b64": False}))
    assert await reader(clock)(hand_signed(clock, {"exp": 1}))  # the control


async def test_a_key_that_a_token_brings_along_signs_nothing(
    clock: ManualClock, provider: IdentityProvider
) -> None:
    read = keyed(clock, provider)
    for header in ({"jwk": JWK._jwk_data}, {"jku": provider.url}, {"x5u": provider.url}, {}):
        for key_id in ("rsa", "own"):
            forged = jwt.encode(claims_of(clock), NEW_RSA_KEY, "RS256", {"kid": key_id, **header})
            await refusal(read, forged)
    assert await read(jwt.encode(claims_of(clock), RSA_KEY, "RS256", {"kid": "rsa"}))  # the control


@pytest.mark.parametrize("header", ["[" * 5_000, '{"alg":"RS256","kid":7}', "7", '{"alg":{}}'])
async def test_a_header_that_is_none_is_refused(
    clock: ManualClock, provider: IdentityProvider, header: str
) -> None:
    part = jwt.utils.base64url_encode(header.encode()).decode()
    for read in (reader(clock), keyed(clock, provider)):
        await refusal(read, f"{part}.e30.e30")


@pytest.mark.parametrize(
    ("issued_ago_h", "lives_h", "longest_h"),
    [(0, 24.1, 24), (23, 24.1, 24), (None, 24.1, 24), (0, 1.1, 1), (-1, 2, 24)],
)
async def test_a_token_lives_for_so_long_at_most(
    clock: ManualClock, issued_ago_h: float | None, lives_h: float, longest_h: float
) -> None:
    """Nobody can take a token back. One from the future would get round it: `iat` counts."""
    now = clock.now().timestamp()
    issued = None if issued_ago_h is None else now - issued_ago_h * 3600
    token = hand_signed(clock, {}, iat=issued, exp=(issued or now) + lives_h * 3600)
    await refusal(reader(clock, jwt_max_hours=longest_h), token)
    past = (issued_ago_h or 0) >= 0
    if past:  # the control: the same token, where it may live for longer
        assert await reader(clock, jwt_max_hours=25)(token)
    begins = issued if past else now
    good = hand_signed(clock, {}, iat=begins, exp=(begins or now) + longest_h * 3600)
    assert await reader(clock, jwt_max_hours=longest_h)(good)


@pytest.mark.parametrize("issued", ["now", True, float("nan"), [1]])
async def test_a_time_of_issue_is_a_number(clock: ManualClock, issued: object) -> None:
    await refusal(reader(clock), hand_signed(clock, {}, iat=issued))


def by(key: str, clock: ManualClock) -> str:
    """Sign with the provider's key, under some key id."""
    return jwt.encode(claims_of(clock), RSA_KEY, "RS256", {"kid": key})


async def test_keys_end_an_hour_after_their_address_fell_silent(
    clock: ManualClock, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = keyed(clock, provider)
    assert await read(by("rsa", clock))
    provider.answers = False
    clock.advance(GOOD_FOR - timedelta(seconds=1))
    assert await read(by("rsa", clock))
    clock.advance(timedelta(seconds=1))
    with pytest.raises(Unavailable) as raised:
        await read(by("rsa", clock))
    assert raised.value.retry_after == TRIED_AGAIN_AFTER.total_seconds()
    with monkeypatch.context() as control:
        control.setattr(key_sets, "GOOD_FOR", timedelta(days=1))
        assert await read(by("rsa", clock))
    provider.answers = True
    clock.advance(TRIED_AGAIN_AFTER)
    assert await read(by("rsa", clock))


def test_a_key_for_encryption_signs_nothing() -> None:
    keys = [JWK._jwk_data | {"kid": use, "use": use} for use in ("sig", "enc")]
    body = json.dumps({"keys": [*keys, JWK._jwk_data | {"kid": "any"}]}).encode()
    assert set(key_sets._usable(body)) == {"sig", "any"}


async def test_an_answer_without_keys_takes_none_away(
    clock: ManualClock, provider: IdentityProvider
) -> None:
    read = keyed(clock, provider)
    await read(by("rsa", clock))
    for keys in ([], [{"kty": "nonsense"}], [{"kty": "oct", "k": "AAAA", "kid": "rsa"}]):
        provider.keys = keys
        clock.advance(key_sets.REMEMBERED_FOR)
        assert await read(by("rsa", clock))
    assert provider.asked == 4


async def test_invented_key_ids_push_nothing_out_and_ask_the_address_once_a_minute(
    clock: ManualClock, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = keyed(clock, provider)
    await read(by("rsa", clock))
    clock.advance(ASKED_AGAIN_AFTER)

    async def flood(size: int) -> int:
        before = provider.asked
        calls = [read(by(f"forged-{number}", clock)) for number in range(size)]
        found = await asyncio.gather(*calls, return_exceptions=True)
        assert all(isinstance(one, Unauthenticated) for one in found)
        return provider.asked - before

    assert await flood(200) == 1
    provider.answers = False  # the keys are in memory still
    assert isinstance(await read(by("rsa", clock)), Principal)
    provider.answers = True
    monkeypatch.setattr(key_sets, "ASKED_AGAIN_AFTER", timedelta(0))  # the control
    assert await flood(5) == 5


async def test_while_the_address_hangs_only_one_caller_waits_for_it(
    clock: ManualClock, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    read, entered, hangs = keyed(clock, provider), asyncio.Event(), asyncio.Event()
    await read(by("rsa", clock))
    clock.advance(key_sets.REMEMBERED_FOR)
    answering = key_sets._read

    async def slow(url: str) -> bytes:
        entered.set()
        await hangs.wait()
        return await answering(url)

    monkeypatch.setattr(key_sets, "_read", slow)
    first = asyncio.ensure_future(read(by("rsa", clock)))
    await entered.wait()
    assert await read(by("rsa", clock))
    assert not first.done()  # the control: this one did wait
    hangs.set()
    assert await first


async def test_callers_at_once_after_an_hour_of_rest_wait_for_the_keys(
    clock: ManualClock, provider: IdentityProvider
) -> None:
    read = keyed(clock, provider)
    await read(by("rsa", clock))
    clock.advance(GOOD_FOR)
    assert await asyncio.gather(*(read(by("rsa", clock)) for _ in range(3)))
    assert provider.asked == 2


async def test_a_key_set_is_read_up_to_its_largest_and_not_beyond(
    clock: ManualClock, provider: IdentityProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(key_sets, "_LARGEST", 100)
        with pytest.raises(Unavailable):
            await keyed(clock, provider)(by("rsa", clock))
    assert await keyed(clock, provider)(by("rsa", clock))  # the control
