"""A token's header, read before its signature is checked (RFC 7515, RFC 8725)."""

from collections.abc import Mapping

import jwt
from jwt.exceptions import PyJWTError

from service.core.errors import Unauthenticated

LONGEST_TOKEN = 8_192

# RFC 7519 (5.1) and RFC 9068 (2.1), without the `application/` that both may leave out. An id token
# of another kind, a logout token (`logout+jwt`) or a DPoP proof is signed by the same keys.
_TYPES = frozenset({"jwt", "at+jwt"})
# With these a token would contain, or point to, the key that verifies it.
_OWN_KEY = ("jwk", "jku", "x5u", "x5c")


def read_header(token: str) -> Mapping[str, object]:
    """Read the header. Raises `Unauthenticated` for one that no token for this service has.

    PyJWT itself refuses critical extensions (`crit`).
    """
    if len(token) > LONGEST_TOKEN:
        raise rejected("The token is too long.")
    try:
        header: dict[str, object] = jwt.get_unverified_header(token)
    except (PyJWTError, ValueError, RecursionError) as error:
        raise rejected("The token can't be read.") from error
    if any(name in header for name in _OWN_KEY):
        raise rejected("The token names a key of its own; keys come from the settings alone.")
    if "typ" in header and not _is_access_token(header["typ"]):
        raise rejected("The token's typ is neither JWT nor at+jwt: it is meant for something else.")
    return header


def _is_access_token(typ: object) -> bool:
    return isinstance(typ, str) and typ.lower().removeprefix("application/") in _TYPES


def rejected(message: str) -> Unauthenticated:
    """Make the error for a token that is refused."""
    return Unauthenticated(message, code="invalid_token")
