"""End users' tokens: what is accepted, and every way to forge one."""

from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from service.core.clock import ManualClock
from service.core.errors import Misconfigured, Unauthenticated, Unavailable
from service.core.principal import Kind
from service.web.keys.key_sets import ASKED_AGAIN_AFTER, TRIED_AGAIN_AFTER
from service.web.keys.tokens import token_reader
from tests.web.app import JWT_SECRET, settings_for
from tests.web.tokens import (
    EC_KEY,
    NEW_RSA_KEY,
    RSA_KEY,
    IdentityProvider,
    claims_of,
    keyed,
    reader,
    signed,
)


async def test_a_good_token_is_its_subject(clock: ManualClock) -> None:
    token = jwt.encode(claims_of(clock), JWT_SECRET, "HS256")
    principal = await reader(clock)(token)
    assert (principal.kind, principal.user_id) == (Kind.USER, "user-1")
    assert principal.label == "user:user-1"


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": None},
        {"sub": None},
        {"iss": None},
        {"aud": None},
        {"iss": "https://evil.example"},
        {"aud": "another"},
        {"sub": 7},
        {"sub": ""},
        {"sub": "a\x00b"},
        {"sub": "x" * 256},
        {"exp": "soon"},
        {"exp": 1},
        {"exp": float("inf")},
        {"nbf": 4_000_000_000},
    ],
)
async def test_a_token_with_wrong_claims_is_refused(
    clock: ManualClock, changes: dict[str, object]
) -> None:
    token = jwt.encode(claims_of(clock), JWT_SECRET, "HS256")
    assert await reader(clock)(token)  # the control
    header, payload = {"alg": "HS256", "typ": "JWT"}, claims_of(clock, **changes)
    with pytest.raises(Unauthenticated):
        await reader(clock)(signed(header, payload, JWT_SECRET.encode()))


async def test_a_token_ends_with_its_time(clock: ManualClock) -> None:
    read = reader(clock)
    token = jwt.encode(claims_of(clock), JWT_SECRET, "HS256")
    clock.advance(timedelta(minutes=5, seconds=29))
    assert await read(token)  # clocks differ a little
    clock.advance(timedelta(seconds=1))
    with pytest.raises(Unauthenticated) as raised:
        await read(token)
    assert raised.value.error == "token_expired"


@pytest.mark.parametrize("algorithm", ["HS384", "HS512", "none", "RS256"])
async def test_the_algorithm_is_pinned(clock: ManualClock, algorithm: str) -> None:
    token = signed({"alg": algorithm}, claims_of(clock), JWT_SECRET.encode())
    with pytest.raises(Unauthenticated):
        await reader(clock)(token)


@pytest.mark.parametrize("token", ["..", "a.b.c", "é.é.é", "e30.e30.e30", "x." * 2, "." * 9_000])
async def test_rubbish_is_refused(clock: ManualClock, token: str) -> None:
    with pytest.raises(Unauthenticated):
        await reader(clock)(token)


async def test_without_audience_in_the_settings_any_audience_passes(clock: ManualClock) -> None:
    read = token_reader(settings_for().access, clock)
    assert await read(jwt.encode(claims_of(clock, aud="other"), JWT_SECRET, "HS256"))
    assert await read(jwt.encode(claims_of(clock, aud=None, iss=None), JWT_SECRET, "HS256"))


async def test_without_secret_or_key_set_no_token_is_taken(clock: ManualClock) -> None:
    token = signed({"alg": "HS256"}, claims_of(clock), b"")
    with pytest.raises(Unauthenticated, match="takes no user tokens"):
        await token_reader(settings_for(jwt_secret=None).access, clock)(token)


def test_secret_and_key_set_together_are_refused(clock: ManualClock) -> None:
    with pytest.raises(Misconfigured):
        reader(clock, jwt_jwks_url="http://127.0.0.1:1/jwks")


async def test_tokens_of_both_kinds_of_key_are_read_and_the_set_is_fetched_once(
    clock: ManualClock, provider: IdentityProvider
) -> None:
    read = keyed(clock, provider)
    for _ in range(3):
        assert await read(jwt.encode(claims_of(clock), RSA_KEY, "RS256", {"kid": "rsa"}))
        assert await read(jwt.encode(claims_of(clock), EC_KEY, "ES256", {"kid": "ec"}))
    assert provider.asked == 1


async def test_a_rotated_key_is_found_and_unknown_ones_ask_once_a_minute(
    clock: ManualClock, provider: IdentityProvider
) -> None:
    read = keyed(clock, provider)
    await read(jwt.encode(claims_of(clock), RSA_KEY, "RS256", {"kid": "rsa"}))
    provider.publish(("new", NEW_RSA_KEY))
    token = jwt.encode(claims_of(clock), NEW_RSA_KEY, "RS256", {"kid": "new"})
    with pytest.raises(Unauthenticated):
        await read(token)  # asked a moment ago
    clock.advance(ASKED_AGAIN_AFTER)
    assert await read(token)
    for number in range(5):
        with pytest.raises(Unauthenticated):
            await read(jwt.encode(claims_of(clock), RSA_KEY, "RS256", {"kid": f"forged-{number}"}))
    assert provider.asked == 2


async def test_a_public_key_does_not_serve_as_shared_secret(
    clock: ManualClock, provider: IdentityProvider
) -> None:
    pem = RSA_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    read = keyed(clock, provider)
    for algorithm in ("HS256", "RS256"):
        with pytest.raises(Unauthenticated):
            await read(signed({"alg": algorithm, "kid": "rsa"}, claims_of(clock), pem))


async def test_the_algorithm_must_be_that_of_the_key(
    clock: ManualClock, provider: IdentityProvider
) -> None:
    token = jwt.encode(claims_of(clock), RSA_KEY, "PS256", {"kid": "rsa"})
    with pytest.raises(Unauthenticated):
        await keyed(clock, provider)(token)
    with pytest.raises(Unauthenticated):
        await keyed(clock, provider)(jwt.encode(claims_of(clock), EC_KEY, "ES256", {"kid": "rsa"}))


async def test_a_silent_identity_provider_is_503_until_keys_are_known(
    clock: ManualClock, provider: IdentityProvider
) -> None:
    token = jwt.encode(claims_of(clock), RSA_KEY, "RS256", {"kid": "rsa"})
    provider.keys, published = [], provider.keys
    read = keyed(clock, provider)
    with pytest.raises(Unavailable):
        await read(token)
    provider.keys = published
    clock.advance(TRIED_AGAIN_AFTER)
    assert await read(token)
