"""Who is signed in at the shop: each browser is a customer of its own, by a cookie.

A shop of yours has a login. What follows it is the same: its server signs a token for the customer
(HS256 with JWT_SECRET, or by a key of JWT_JWKS_URL), and the page reads and changes with that what
is the customer's own.
"""

import re
import secrets
from datetime import datetime, timedelta

import jwt
from litestar.datastructures import Cookie
from msgspec import Struct

from service.core.clock import Clock
from service.core.errors import Conflict
from service.core.ids import digest
from service.settings import Settings
from service.web.authentication import AnyRequest

COOKIE = "lantern_member"
LASTS = timedelta(minutes=15)
_KNOWN = re.compile(r"[0-9a-f]{32}")
_STAYS_S = 180 * 86_400


class NoTokens(Conflict):
    """The service takes the tokens of another login than this shop's."""

    code = "no_tokens"


class Member(Struct, frozen=True, rename="camel"):
    """A customer, and the token by which the page reads and changes what is theirs."""

    user_id: str
    token: str
    expires_at: datetime


def known_or_new(request: AnyRequest) -> str:
    """Return the secret of a browser's cookie; a new one where it has none of ours."""
    sent = request.cookies.get(COOKIE) or ""
    return sent if _KNOWN.fullmatch(sent) else secrets.token_hex(16)


def cookie_of(secret: str, settings: Settings) -> Cookie:
    """Make the cookie that no script sees, and that no other site's request carries."""
    secure = settings.web.public_url.startswith("https:")
    return Cookie(
        key=COOKIE,
        value=secret,
        path="/shop",
        max_age=_STAYS_S,
        secure=secure,
        httponly=True,
        samesite="lax",
    )


def sign_in(secret: str, settings: Settings, clock: Clock) -> Member:
    """Sign a token for the customer of a browser. Raises `NoTokens`."""
    access = settings.access
    if access.jwt_secret is None:
        raise NoTokens("This shop can't sign customers in: the service takes no JWT_SECRET.")
    # Who reads the id somewhere must not become the customer by it.
    user_id, expires = f"member_{digest(secret)[:24]}", clock.now() + LASTS
    claims: dict[str, object] = {"sub": user_id, "exp": int(expires.timestamp())}
    if access.jwt_issuer:
        claims["iss"] = access.jwt_issuer
    if access.jwt_audience:
        claims["aud"] = access.jwt_audience
    return Member(user_id, jwt.encode(claims, access.jwt_secret, "HS256"), expires)
