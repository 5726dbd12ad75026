"""Requests a minute, for one address and for one key.

Windows begin with the minute, so one increment decides. The two limits count under names of
their own and never share a bucket. An answer carries RateLimit-Limit, -Remaining and -Reset (the
draft of the IETF's httpapi group, in its widely read form), a refused one Retry-After as well.
"""

from collections.abc import Callable

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from service.core.clock import Clock
from service.core.errors import TooManyRequests
from service.settings import WebSettings
from service.web.authentication import principal_of
from service.web.limits.addresses import Addresses, network_of
from service.web.limits.counters import WINDOW_S, Counter, counter
from service.web.principal import Kind
from service.web.problems import problem_of, send_problem
from service.web.security_headers import RawHeaders

# Of a handler that is never limited: signed webhooks, health.
UNLIMITED = "unlimited"

_LIMIT = b"ratelimit-limit"


class RateLimit(ASGIMiddleware):
    """One limit: how many requests a minute one name may make."""

    scopes = (ScopeType.HTTP,)
    exclude_opt_key = UNLIMITED

    def __init__(
        self, limit: int, name_of: Callable[[Scope], str | None], counts: Counter, clock: Clock
    ) -> None:
        """Limit what `name_of` tells apart; None is not limited."""
        self._limit = limit
        self._name_of = name_of
        self._counts = counts
        self._clock = clock

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        """Count the request and let it in, or answer 429."""
        name = self._name_of(scope)
        now = int(self._clock.now().timestamp())
        used = await self._counts.count(name, now // WINDOW_S) if name else 0
        if not used:
            await next_app(scope, receive, send)
            return
        wait = WINDOW_S - now % WINDOW_S
        headers = [
            (_LIMIT, str(self._limit).encode()),
            (b"ratelimit-remaining", str(max(0, self._limit - used)).encode()),
            (b"ratelimit-reset", str(wait).encode()),
        ]
        if used > self._limit:
            message = f"The limit of {self._limit} requests a minute is used up."
            problem = problem_of(TooManyRequests(message, retry_after=wait), scope)
            await send_problem(problem, send, _as_text(headers))
            return
        await next_app(scope, receive, _with_headers(send, headers))


def _as_text(headers: RawHeaders) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in headers}


def _with_headers(send: Send, headers: RawHeaders) -> Send:
    async def sending(message: Message) -> None:
        # A limit further in has told its own, narrower figures.
        if message["type"] == "http.response.start" and not any(
            name == _LIMIT for name, _ in message["headers"]
        ):
            message["headers"] = [*message["headers"], *headers]
        await send(message)

    return sending


def rate_limits(
    settings: WebSettings, addresses: Addresses, clock: Clock
) -> tuple[list[RateLimit], list[RateLimit]]:
    """Build what the settings ask for: the limits before and those behind authentication.

    A limit of 0 is not built at all. Raises `Misconfigured` for a REDIS_URL that can't be used.
    """
    before: list[RateLimit] = []
    behind: list[RateLimit] = []
    if not settings.rate_limit_per_address and not settings.rate_limit_per_key:
        return before, behind
    counts = counter(settings.redis_url, clock)

    def by_address(scope: Scope) -> str | None:
        return f"tillgate/address/{network_of(addresses.of(scope))}"

    def by_key(scope: Scope) -> str | None:
        principal = principal_of(scope)
        if principal is None:
            return None
        name = f"tillgate/key/{principal.key_id}"
        if principal.kind is Kind.PUBLISHABLE:  # all browsers share it
            return f"{name}/{network_of(addresses.of(scope))}"
        return name

    if settings.rate_limit_per_address:
        before.append(RateLimit(settings.rate_limit_per_address, by_address, counts, clock))
    if settings.rate_limit_per_key:
        behind.append(RateLimit(settings.rate_limit_per_key, by_key, counts, clock))
    return before, behind
