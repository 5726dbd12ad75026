"""End users' tokens: JWT (RFC 7519) signed by a shared secret or by a key of a key set."""

import math
from datetime import timedelta
from typing import Protocol

import jwt
from jwt import PyJWK
from jwt.exceptions import ExpiredSignatureError, PyJWTError

from service.core.clock import Clock
from service.core.errors import Misconfigured, Unauthenticated
from service.core.ids import digest
from service.core.principal import DEFAULT_MERCHANT, Kind, Principal
from service.web.keys.issuing import KEY_ID_LENGTH
from service.web.keys.key_sets import ALGORITHMS, KeySet
from service.web.keys.token_headers import read_header, rejected
from service.web.settings import AccessSettings

# Clocks of two machines differ a little.
LEEWAY_S = 30
_LONGEST_USER_ID = 255


class TokenReader(Protocol):
    """Reads a user's token."""

    async def __call__(self, token: str) -> Principal:
        """Return the user. Raises `Unauthenticated`, or `Unavailable` without the signer's keys."""
        ...


def looks_like_token(value: str) -> bool:
    """Return whether a credential is a token and not a key: three parts between dots."""
    return value.count(".") == 2


def token_reader(access: AccessSettings, clock: Clock) -> TokenReader:
    """Build the reader for the settings; without a secret or key set it refuses every token.

    Raises `Misconfigured` if both are set: which one counts would be a guess.
    """
    if access.jwt_secret and access.jwt_jwks_url:
        raise Misconfigured("JWT_SECRET and JWT_JWKS_URL are both set; set one.")
    if access.jwt_secret:
        return _SecretReader(access, clock, access.jwt_secret)
    if access.jwt_jwks_url:
        return _KeySetReader(access, clock, KeySet(access.jwt_jwks_url, clock))
    return _refuse


async def _refuse(token: str) -> Principal:
    raise Unauthenticated("This service takes no user tokens.", code="invalid_token")


class _SecretReader:
    def __init__(self, access: AccessSettings, clock: Clock, secret: str) -> None:
        self._access = access
        self._clock = clock
        self._secret = secret

    async def __call__(self, token: str) -> Principal:
        read_header(token)
        return _read(token, self._secret, ["HS256"], self._access, self._clock)


class _KeySetReader:
    def __init__(self, access: AccessSettings, clock: Clock, keys: KeySet) -> None:
        self._access = access
        self._clock = clock
        self._keys = keys

    async def __call__(self, token: str) -> Principal:
        header = read_header(token)
        if header.get("alg") not in ALGORITHMS:
            raise rejected("The token is signed by an algorithm that is not accepted.")
        key_id = header.get("kid")
        key = await self._keys.find(key_id if isinstance(key_id, str) else None)
        return _read(token, key, [str(key.algorithm_name)], self._access, self._clock)


def _read(
    token: str, key: str | PyJWK, algorithms: list[str], access: AccessSettings, clock: Clock
) -> Principal:
    """Check signature and claims; times by our own clock, which a test can stop."""
    required = ["exp", "sub"] + (["iss"] if access.jwt_issuer else [])
    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=algorithms,
            issuer=access.jwt_issuer,
            audience=access.jwt_audience,
            options={
                "require": required + (["aud"] if access.jwt_audience else []),
                "verify_aud": access.jwt_audience is not None,
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
            },
        )
        _check_times(claims, clock.now().timestamp(), timedelta(hours=access.jwt_max_hours))
    except ExpiredSignatureError as error:
        raise Unauthenticated("The token has expired.", code="token_expired") from error
    except (PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise rejected("The token is not valid.") from error
    return _user(claims["sub"], _verified_email(claims))


def _check_times(claims: dict[str, object], now: float, longest: timedelta) -> None:
    """Check the claims against the clock; tokens can't be revoked, so none may live long.

    Raises `Unauthenticated`, `ExpiredSignatureError`, `ValueError`, `TypeError`.
    """
    expires, begins = _seconds(claims["exp"]), _seconds(claims.get("nbf", 0))
    issued = _seconds(claims["iat"]) if "iat" in claims else now + LEEWAY_S
    if max(begins, issued) > now + LEEWAY_S:
        raise ValueError("the token is not valid yet")
    if expires <= now - LEEWAY_S:
        raise ExpiredSignatureError
    if expires - issued > longest.total_seconds():
        raise rejected("The token lives for longer than JWT_MAX_HOURS allows.")


def _seconds(value: object) -> float:
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError("times are numbers of seconds")
    return value


def _verified_email(claims: dict[str, object]) -> str | None:
    """Return the address that is proven to be the user's, by the claims of OpenID Connect."""
    email = claims.get("email")
    return email if isinstance(email, str) and claims.get("email_verified") is True else None


def _user(subject: object, email: str | None) -> Principal:
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_USER_ID:
        raise rejected("The token names no user.")
    if not subject.isprintable():
        raise rejected("The token's user has characters that no user id has.")
    key_id = digest(f"user:{subject}")[:KEY_ID_LENGTH]
    return Principal(Kind.USER, DEFAULT_MERCHANT, key_id, user_id=subject, email=email)
