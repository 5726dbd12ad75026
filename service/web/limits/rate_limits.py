"""Requests a minute, for one address and for one key.

Windows start on the minute, so one increment decides. The two limits count under separate names
and never share a bucket. An answer carries RateLimit-Limit, -Remaining and -Reset (the draft of the
IETF's httpapi group, in its widely supported form), a refusal Retry-After as well.
"""

from litestar.types import Scope
from msgspec import Struct

from service.core.clock import Clock
from service.core.errors import TooManyRequests
from service.core.principal import Kind, Principal
from service.web.limits.addresses import Addresses, network_of
from service.web.limits.counters import WINDOW_S, Counter, counter
from service.web.settings import WebSettings

# Opt of a handler that is never limited: signed webhooks, health.
UNLIMITED = "unlimited"


class RateLimits(Struct, frozen=True):
    """How many requests a minute one address and one key may make; 0: unlimited."""

    per_address: int
    per_key: int
    addresses: Addresses
    counts: Counter
    clock: Clock

    def of_address(self, scope: Scope) -> str:
        """Return the name under which a request is counted for its address."""
        return f"tillgate/address/{network_of(self.addresses.of(scope))}"

    def of_key(self, scope: Scope, principal: Principal) -> str:
        """Return the name under which a request is counted for its caller's key."""
        if principal.kind is Kind.PUBLISHABLE:  # all browsers share it
            network = network_of(self.addresses.of(scope))
            return f"tillgate/key/{principal.key_id}/{network}"
        return f"tillgate/key/{principal.key_id}"

    def now(self) -> int:
        """Return the second in which a request is counted."""
        return int(self.clock.now().timestamp())

    async def count(self, name: str, limit: int, scope: Scope, now: int) -> None:
        """Count a request under a name. Raises `TooManyRequests`."""
        used = await self.counts.count(name, now // WINDOW_S)
        if not used:
            return
        wait = WINDOW_S - now % WINDOW_S
        # The edge adds them to the answer. The key's limit comes later and is narrower, so it is
        # the one that is shown.
        scope["state"]["limit_headers"] = (
            (b"ratelimit-limit", b"%d" % limit),
            (b"ratelimit-remaining", b"%d" % max(0, limit - used)),
            (b"ratelimit-reset", b"%d" % wait),
        )
        if used > limit:
            message = f"The limit of {limit} requests a minute is used up."
            raise TooManyRequests(message, retry_after=wait)


def rate_limits(settings: WebSettings, clock: Clock) -> RateLimits | None:
    """Build the limits for the settings, None if both are off.

    Raises `Misconfigured` for invalid addresses or an invalid REDIS_URL.
    """
    addresses = Addresses(settings.trusted_proxies)
    per_address, per_key = settings.rate_limit_per_address, settings.rate_limit_per_key
    if not per_address and not per_key:
        return None
    counts = counter(settings.redis_url, clock)
    return RateLimits(per_address, per_key, addresses, counts, clock)
