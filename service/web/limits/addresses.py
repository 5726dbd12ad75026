"""Whose address a request comes from, when proxies stand in front."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TypeAlias

from litestar.types import Scope
from msgspec import Struct

from service.core.errors import Misconfigured

NO_ADDRESS = "no address"

# An IPv6 address with a zone, brackets and a port; what is longer is none, and is not remembered.
_LONGEST = 100
# More proxies than anybody has: the rest was written by a stranger, to be read.
_MOST_HOPS = 20

# Addresses whose readings are kept: comparing one with a network takes longer than a signature.
_MOST_REMEMBERED = 4096

Address: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network


class _Hop(Struct, frozen=True):
    address: str
    trusted: bool


class Addresses:
    """Reads the client's address; X-Forwarded-For is believed only from trusted proxies."""

    def __init__(self, trusted_proxies: tuple[str, ...]) -> None:
        """Parse the trusted addresses and networks. Raises `Misconfigured` for anything else."""
        self._trusted = read_networks("TRUSTED_PROXIES", trusted_proxies)
        self._hop = lru_cache(_MOST_REMEMBERED)(self._read)

    def of(self, scope: Scope) -> str:
        """Return the client's address as text; `NO_ADDRESS` on a Unix socket.

        Walks X-Forwarded-For from the right, over our own proxies: what stands to the left of the
        first stranger was written by the stranger.
        """
        client = scope["client"]
        hop = self._hop(client[0]) if client else None
        if hop is None:
            return NO_ADDRESS
        if hop.trusted:
            for entry in _forwarded(scope):
                further = self._hop(entry) if len(entry) <= _LONGEST else None
                if further is None:
                    break
                hop = further
                if not hop.trusted:
                    break
        return hop.address

    def _read(self, text: str) -> _Hop | None:
        address = parse_address(text)
        if address is None:
            return None
        return _Hop(str(address), is_within(address, self._trusted))


def read_networks(variable: str, entries: Iterable[str]) -> tuple[Network, ...]:
    """Read addresses and networks of a variable. Raises `Misconfigured` for anything else."""
    try:
        return tuple(ip_network(entry, strict=False) for entry in entries)
    except ValueError as error:
        raise Misconfigured(
            f"{variable} takes addresses and networks, e.g. 10.0.0.0/8: {error}"
        ) from error


def is_within(address: Address, networks: Iterable[Network]) -> bool:
    """Return whether an address is in one of some networks."""
    return any(address in network for network in networks)


@lru_cache(_MOST_REMEMBERED)
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


def parse_address(text: str) -> Address | None:
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
