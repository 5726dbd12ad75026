"""The address that a request comes from, in a form that may be stored."""

import secrets
from functools import lru_cache

from litestar.types import Scope

from service.core.ids import derive
from service.core.peppers import Pepper, read_pepper
from service.web.limits.addresses import Addresses, network_of
from service.web.settings import HttpSettings

_NAME_LENGTH, _WITHIN_LENGTH = 22, 11
_MOST_REMEMBERED = 4096


class Clients:
    """Names clients by a keyed hash of their address.

    The requests of one address can be correlated, and whoever has PII_PEPPER can search for a
    suspected address. Nobody else can recover it: there are few enough addresses to try them all,
    but not without the key. The part before the dot names the pepper. An IPv6 customer has a /64,
    so such an address is named by its network's hash, a slash, and its own.
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
        network = network_of(address)
        name = f"{self._pepper.id}.{self._hash(network)[:_NAME_LENGTH]}"
        if network == address:
            return name
        return f"{name}/{self._hash(address)[:_WITHIN_LENGTH]}"

    def _hash(self, address: str) -> str:
        return derive(self._pepper.secret, "client", address)


def network_in(client: str) -> str:
    """Return the part of a client's name shared by its network: what a limit counts."""
    return client.partition("/")[0]


def clients_of(settings: HttpSettings) -> Clients:
    """Build it from the settings; without a pepper the key is random for this process.

    Raises `Misconfigured` for invalid proxy addresses.
    """
    peppers = settings.access.peppers
    pepper = peppers[0] if peppers else read_pepper(secrets.token_urlsafe(32))
    return Clients(pepper, Addresses(settings.web.trusted_proxies))


def client_of(scope: Scope) -> str | None:
    """Return the name of a request's client, which the edge put into the state."""
    found: str | None = scope["state"].get("client")
    return found
