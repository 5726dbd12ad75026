"""Who calls: determined once per request, before anything else reads it."""

from collections.abc import Iterable, Mapping
from typing import Any, NoReturn, Protocol, TypeAlias

from litestar.connection import ASGIConnection, Request
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from litestar.types import Scope
from msgspec.structs import replace

from service.core.errors import Forbidden, Unauthenticated
from service.core.principal import BUNDLES, AccessScope, Kind, Principal
from service.web.keys.ring import KeyRing
from service.web.keys.tokens import TokenReader, looks_like_token
from service.web.logs.clients import client_of

# Opt of a handler that checks its caller itself, or that everybody may call.
PUBLIC = "public"
# Opt of a handler that reads X-Client-Secret. It is not declared as a parameter: for that the
# framework would copy all headers into a mapping.
PROVEN = "proven"
# Opt of a handler that may be called without a credential where this function of the scope says so.
LETS_IN = "lets_in"
# The key in a handler's `opt` for the scopes that a caller needs.
_NEEDED = "needed"

_LONGEST_KEY = 256

_NAMES = {
    Kind.PUBLISHABLE: "a publishable key",
    Kind.SECRET: "a secret key",
    Kind.ADMIN: "an admin key",
    Kind.JOBS: "a jobs key",
    Kind.USER: "a user's token",
}

Connection: TypeAlias = ASGIConnection[Any, Any, Any, Any]  # of every kind of handler
AnyRequest: TypeAlias = Request[Any, Any, Any]

CurrentPrincipal = NamedDependency[SkipValidation[Principal]]
"""Annotation of a handler's parameter `principal`: the caller that `requires` admitted."""


class CheckMerchant(Protocol):
    """Refuses callers of a suspended merchant; a room above knows the merchants."""

    async def __call__(self, principal: Principal) -> None:
        """Return if the caller is accepted. Raises `Forbidden`, and `Unavailable`."""
        ...


async def accept_every_merchant(principal: Principal) -> None:
    """Accept all callers: for an application without merchants."""


class Authentication:
    """Identifies the caller.

    A wrong credential is refused at once, whatever the route requires: a caller who sends one
    means it. Handlers with the opt `public` are skipped, so a webhook's own headers do no harm.
    """

    def __init__(self, keys: KeyRing, tokens: TokenReader) -> None:
        """Use these to turn a credential into a principal."""
        self._keys = keys
        self._tokens = tokens

    async def identify(self, headers: Iterable[tuple[bytes, bytes]]) -> Principal | None:
        """Return the caller, None for an anonymous one.

        Raises `Unauthenticated` for an unknown credential.
        """
        credential = _credential(headers)
        if credential is None:
            return None
        if looks_like_token(credential):
            return await self._tokens(credential)
        if not 0 < len(credential) <= _LONGEST_KEY:
            _refuse("An API key has 1 to 256 characters.")
        return await self._keys.identify(credential)


def _credential(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    bearers, keys, other = [], [], False
    for name, value in headers:
        if name == b"authorization":
            scheme, _, rest = value.partition(b" ")
            if scheme.lower() == b"bearer":
                bearers.append(rest.strip().decode("latin-1"))
            else:
                other = True
        elif name == b"x-api-key":
            keys.append(value.strip().decode("latin-1"))
    found = bearers + keys
    if len(set(found)) > 1:
        _refuse("Send one credential: Authorization or X-API-Key.")
    if not found and other:
        _refuse("Authorization takes the scheme Bearer.")
    return found[0] if found else None


def _refuse(message: str) -> NoReturn:
    raise Unauthenticated(message, code="invalid_credential")


def principal_of(scope: Scope) -> Principal | None:
    """Return the caller of a request, None for an anonymous one."""
    found: Principal | None = scope["state"].get("principal")
    return found


def actor_of(scope: Scope) -> Principal | None:
    """Return the caller and where the call comes from, for the audit."""
    found = principal_of(scope)
    return replace(found, client=client_of(scope)) if found is not None else None


def requires(*needed: AccessScope) -> dict[str, frozenset[AccessScope]]:
    """Make a handler's `opt` that lets in only callers with these scopes; else 401 or 403.

    Not a framework guard: for each guard of each request the whole handler would be copied.
    """
    return {_NEEDED: frozenset(needed)}


def scopes_needed(opt: Mapping[str, Any]) -> list[AccessScope]:
    """Return the names of the scopes that a handler with this `opt` needs; empty if none."""
    return sorted(opt.get(_NEEDED, ()))


def admit(scope: Scope) -> None:
    """Admit a caller with the scopes of the handler's `requires`, else raise.

    Raises `Unauthenticated`, `Forbidden`. Runs after the limits have counted the call: forbidden
    calls use up the limit, too.
    """
    needed: frozenset[AccessScope] | None = scope["route_handler"].opt.get(_NEEDED)
    principal = principal_of(scope)
    if needed is None or (principal is not None and needed <= principal.scopes):
        return
    let_in = scope["route_handler"].opt.get(LETS_IN)
    if principal is None and let_in is not None and let_in(scope):
        return
    wanted = " or ".join(name for kind, name in _NAMES.items() if needed <= BUNDLES[kind])
    if principal is None:
        raise Unauthenticated(f"This takes {wanted}.")
    require(principal, *needed, taken=wanted)


def require(principal: Principal, *needed: AccessScope, taken: str = "an operator's key") -> None:
    """Refuse a caller that lacks one of these scopes. Raises `Forbidden`, which names those."""
    missing = sorted({*needed} - principal.scopes)
    if missing:
        lacks = f"{_NAMES[principal.kind]} without the scope {' and '.join(missing)}"
        raise Forbidden(f"This takes {taken}, not {lacks}.")


def on_behalf_of(principal: Principal, merchant_id: str | None) -> Principal:
    """Return the caller as acting for a merchant: its own, or any other if it is an operator.

    The audit trail of that merchant tells the operator from its own keys. Raises `Forbidden`.
    """
    if merchant_id in {None, principal.merchant_id}:
        return principal
    require(principal, AccessScope.OPERATOR)
    name = f"operator:{principal.name or principal.key_id}"
    return replace(principal, merchant_id=merchant_id, name=name)


async def provide_principal(request: AnyRequest) -> Principal:
    """Return the caller to a handler that `requires` one. Raises `Unauthenticated` without one."""
    principal = actor_of(request.scope)
    if principal is None:
        raise Unauthenticated("This takes a key or a user's token.")
    return principal
