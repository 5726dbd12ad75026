"""Whose address a request comes from, in a form that may be written down."""

import secrets
from functools import lru_cache

from litestar.types import Scope

from service.core.ids import derive
from service.core.peppers import Pepper, read_pepper
from service.settings import Settings
from service.web.limits.addresses import Addresses

_NAME_LENGTH = 22
_MOST_REMEMBERED = 4096


class Clients:
    """Names clients by a keyed hash of their address.

    What one address did can be put together, and an address that is suspected can be looked for by
    who has PII_PEPPER. Nobody reads an address out of it: there are few enough to try them all,
    but not without the key. The part before the dot tells which pepper it was.
    """

    def __init__(self, pepper: Pepper, addresses: Addresses) -> None:
        """Keep the key."""
        self._pepper = pepper
        self._addresses = addresses
        self._name = lru_cache(_MOST_REMEMBERED)(self.name)

    def of(self, scope: Scope) -> str:
        """Return the name of a request's client."""
        return self._name(self._addresses.of(scope))

    def name(self, address: str) -> str:
        """Return the name of an address."""
        derived = derive(self._pepper.secret, "client", address)
        return f"{self._pepper.id}.{derived[:_NAME_LENGTH]}"


def clients_of(settings: Settings) -> Clients:
    """Build it from the settings; without a pepper the key is one of this process's own.

    Raises `Misconfigured` for proxies that are no addresses.
    """
    peppers = settings.access.peppers
    pepper = peppers[0] if peppers else read_pepper(secrets.token_urlsafe(32))
    return Clients(pepper, Addresses(settings.web.trusted_proxies))


def client_of(scope: Scope) -> str | None:
    """Return the name of a request's client, as the edge has put it into the state."""
    found: str | None = scope["state"].get("client")
    return found
