"""Whose address a request comes from, when proxies stand in front."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

from litestar.types import Scope

from service.core.errors import Misconfigured

NO_ADDRESS = "no address"

# An IPv6 address with a zone, brackets and a port; what is longer is none, and is not remembered.
_LONGEST = 100
# More proxies than anybody has: the rest was written by a stranger, to be read.
_MOST_HOPS = 20

_Address = IPv4Address | IPv6Address


class Addresses:
    """Reads the client's address; X-Forwarded-For is believed only from trusted proxies."""

    def __init__(self, trusted_proxies: tuple[str, ...]) -> None:
        """Parse the trusted addresses and networks. Raises `Misconfigured` for anything else."""
        try:
            self._trusted = tuple(ip_network(entry, strict=False) for entry in trusted_proxies)
        except ValueError as error:
            raise Misconfigured(
                f"TRUSTED_PROXIES takes addresses and networks, e.g. 10.0.0.0/8: {error}"
            ) from error

    def of(self, scope: Scope) -> str:
        """Return the client's address as text; `NO_ADDRESS` on a Unix socket.

        Walks X-Forwarded-For from the right, over our own proxies: what stands to the left of the
        first stranger was written by the stranger.
        """
        client = scope["client"]
        if not client:
            return NO_ADDRESS
        if not self._trusted:
            return _written(client[0])
        peer = _parse(client[0])
        if peer is None:
            return NO_ADDRESS
        if self._is_trusted(peer):
            for entry in _forwarded(scope):
                hop = _parse(entry) if len(entry) <= _LONGEST else None
                if hop is None:
                    break
                peer = hop
                if not self._is_trusted(peer):
                    break
        return str(peer)

    def _is_trusted(self, address: _Address) -> bool:
        return any(address in network for network in self._trusted)


@lru_cache(4096)
def network_of(address: str) -> str:
    """Return what a limit counts: an IPv4 address, or the /64 that one IPv6 customer has."""
    if ":" not in address:
        return address
    return str(IPv6Network((address, 64), strict=False))


def _forwarded(scope: Scope) -> list[str]:
    """Return the hops of X-Forwarded-For, nearest first."""
    values = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    hops = b",".join(values).decode("latin-1").rsplit(",", _MOST_HOPS) if values else []
    return hops[: -_MOST_HOPS - 1 : -1]


@lru_cache(4096)
def _written(text: str) -> str:
    """Return an address in its usual form."""
    address = _parse(text)
    return NO_ADDRESS if address is None else str(address)


@lru_cache(4096)
def _parse(text: str) -> _Address | None:
    """Read `1.2.3.4`, `1.2.3.4:5678`, `::1`, `[::1]:80`; an IPv4 in IPv6 clothes becomes IPv4."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
