"""Whose address a request comes from, in a form that may be written down."""

import secrets
from functools import lru_cache

from litestar.types import Scope

from service.core.ids import derive
from service.settings import Settings
from service.web.limits.addresses import Addresses

_ID_LENGTH, _NAME_LENGTH = 4, 22
_MOST_REMEMBERED = 4096


class Clients:
    """Names clients by a keyed hash of their address.

    What one address did can be put together, and an address that is suspected can be looked for by
    who has PII_PEPPER. Nobody reads an address out of it: there are few enough to try them all,
    but not without the key. The part before the dot tells which pepper it was.
    """

    def __init__(self, pepper: str | None, addresses: Addresses) -> None:
        """Keep the key; without a pepper it is one of this process's own."""
        self._key = pepper or secrets.token_urlsafe(32)
        self._key_id = derive(self._key, "client-key-id")[:_ID_LENGTH]
        self._addresses = addresses
        self._name = lru_cache(_MOST_REMEMBERED)(self.name)

    def of(self, scope: Scope) -> str:
        """Return the name of a request's client."""
        return self._name(self._addresses.of(scope))

    def name(self, address: str) -> str:
        """Return the name of an address."""
        return f"{self._key_id}.{derive(self._key, 'client', address)[:_NAME_LENGTH]}"


def clients_of(settings: Settings) -> Clients:
    """Build it from the settings. Raises `Misconfigured` for proxies that are no addresses."""
    return Clients(settings.access.pii_pepper, Addresses(settings.web.trusted_proxies))


def client_of(scope: Scope) -> str | None:
    """Return the name of a request's client, as the edge has put it into the state."""
    found: str | None = scope["state"].get("client")
    return found
