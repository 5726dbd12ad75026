"""The gate in front of every handler: limits, who calls, its merchant, and a call made before.

One middleware for all of it, and not one for each: what the framework does around a middleware
costs each request as much as what stands in it.
"""

from litestar.types import ASGIApp, Receive, Scope, Send

from service.core.clock import Clock
from service.core.errors import Forbidden, Misconfigured
from service.core.principal import Kind
from service.web.authentication import PUBLIC, Authentication, CheckMerchant, admit, scopes_needed
from service.web.idempotency.header import LEAST_PROVING, read_key
from service.web.idempotency.middleware import IDEMPOTENT, Idempotency
from service.web.keys.ring import KeyRing
from service.web.keys.tokens import token_reader
from service.web.limits.rate_limits import UNLIMITED, RateLimits, rate_limits
from service.web.settings import HttpSettings


class Gate:
    """Lets requests in, and puts the caller into `scope["state"]["principal"]`, None if anonymous.

    In this order: the address's limit, who calls, the key's limit, its merchant, idempotency.
    """

    def __init__(
        self,
        limits: RateLimits | None,
        authentication: Authentication,
        check_merchant: CheckMerchant,
        idempotency: Idempotency,
    ) -> None:
        """Keep what is asked in turn."""
        self._limits = limits
        self._authentication = authentication
        self._check_merchant = check_merchant
        self._idempotency = idempotency

    def __call__(self, app: ASGIApp) -> ASGIApp:
        """Stand in front of a handler."""

        async def enter(scope: Scope, receive: Receive, send: Send) -> None:
            opt = scope["route_handler"].opt
            limits = None if UNLIMITED in opt else self._limits
            now = limits.now() if limits is not None else 0
            if limits is not None and limits.per_address:
                await limits.count(limits.of_address(scope), limits.per_address, scope, now)
            principal = None
            if PUBLIC not in opt:
                principal = await self._authentication.identify(scope["headers"])
            scope["state"]["principal"] = principal
            if principal is None:
                await app(scope, receive, send)
                return
            if limits is not None and limits.per_key:
                await limits.count(limits.of_key(scope, principal), limits.per_key, scope, now)
            await self._check_merchant(principal)
            key = None
            if IDEMPOTENT in opt:
                proves = principal.kind is Kind.PUBLISHABLE
                key = read_key(scope["headers"], LEAST_PROVING if proves else 1)
            if key is not None:
                admit(scope)  # a stored answer is for those who may ask for it, too
                await self._idempotency.run(key, scope, receive, send, app)
            else:
                await app(scope, receive, send)

        return enter

    async def ask_again(self, scope: Scope) -> None:
        """Ask whether the caller of a long request is let in still: its key may be revoked.

        Raises `Unauthenticated`, `Forbidden`, `Unavailable`.
        """
        principal = await self._authentication.identify(scope["headers"])
        needed = frozenset(scopes_needed(scope["route_handler"].opt))
        if principal is None or not needed <= principal.scopes:
            raise Forbidden("The key may not do this any more.")
        await self._check_merchant(principal)


def gate_of(settings: HttpSettings, clock: Clock, check_merchant: CheckMerchant) -> Gate:
    """Build the gate before anything is served, so that a wrong setting is told at the start.

    `check_merchant` refuses callers whose merchant is suspended.
    Raises `Misconfigured`.
    """
    peppers = settings.access.peppers
    if not peppers:
        raise Misconfigured("PII_PEPPER is not set: no answer could be kept encrypted.")
    authentication = Authentication(
        KeyRing(settings.access, clock), token_reader(settings.access, clock)
    )
    limits = rate_limits(settings.web, clock)
    return Gate(limits, authentication, check_merchant, Idempotency(peppers, clock))
