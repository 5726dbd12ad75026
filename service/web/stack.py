"""The middleware of every application, in its order."""

from litestar.middleware import ASGIMiddleware

from service.core.clock import Clock
from service.core.errors import Misconfigured
from service.settings import Settings
from service.web.authentication import Authentication
from service.web.idempotency.middleware import Idempotency
from service.web.keys.ring import KeyRing
from service.web.keys.tokens import token_reader
from service.web.limits.addresses import Addresses
from service.web.limits.rate_limits import rate_limits


def middleware_of(settings: Settings, clock: Clock) -> list[ASGIMiddleware]:
    """Build it, outermost first: the address's limit, who calls, the key's limit, idempotency.

    Everything is built before anything is served, so that a wrong setting is told at the start.
    Raises `Misconfigured`.
    """
    pepper = settings.access.pii_pepper
    if pepper is None:
        raise Misconfigured("PII_PEPPER is not set: no answer could be kept encrypted.")
    before, behind = rate_limits(settings.web, Addresses(settings.web.trusted_proxies), clock)
    keys = KeyRing(settings.access, clock)
    tokens = token_reader(settings.access, clock)
    return [*before, Authentication(keys, tokens), *behind, Idempotency(pepper, clock)]
