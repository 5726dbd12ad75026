"""Which networks are trusted: not so many, nor so wide, that they add up to everybody."""

from collections.abc import Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

from service.core.errors import FieldProblem

# 10.0.0.0/8 is the widest that somebody owns alone; the networks of the large CDNs are narrower,
# and all of one together have fewer addresses than another /8.
_WIDEST_V4, _WIDEST_V6 = 8, 20
_MOST_TOGETHER = 2
_PRIVATE_V6 = IPv6Network("fc00::/7")
_MAPPED = IPv6Network("::ffff:0:0/96")


def proxy_problems(entries: tuple[str, ...]) -> Iterator[FieldProblem]:
    """List what is wrong with whom the service believes about where a request comes from."""
    may = "invent the address that a request comes from; name your proxies' own"
    yield from _network_problems("TRUSTED_PROXIES", entries, may)


def reader_problems(entries: tuple[str, ...]) -> Iterator[FieldProblem]:
    """List what is wrong with the networks that read the measurements without a key."""
    yield from _network_problems("METRICS_FROM", entries, "read /metrics; name Prometheus' own")


def _network_problems(
    variable: str, entries: tuple[str, ...], anybody_may: str
) -> Iterator[FieldProblem]:
    try:
        networks = [ip_network(entry, strict=False) for entry in entries]
    except ValueError:
        yield FieldProblem(variable, "takes addresses and networks like 10.0.0.0/8")
        return
    if _too_wide(networks):
        yield FieldProblem(
            variable,
            f"is too wide (more than a /{_WIDEST_V4}, or a /{_WIDEST_V6} of IPv6, or than two of "
            f"them together): anybody in it may {anybody_may}",
        )


def _too_wide(networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    """Look at all together: two halves of everything are everything, and so are 128 of /8."""
    v4, v6 = [], []
    for network in networks:
        if isinstance(network, IPv4Network):
            v4.append(network)
        elif network.subnet_of(_MAPPED):
            bits = max(network.prefixlen - _MAPPED.prefixlen, 0)
            v4.append(IPv4Network((int(network.network_address) % 2**32, bits)))
        elif not network.subnet_of(_PRIVATE_V6):
            v6.append(network)
    lengths_v4 = [one.prefixlen for one in collapse_addresses(v4)]
    lengths_v6 = [one.prefixlen for one in collapse_addresses(v6)]
    return _add_up_to(lengths_v4, _WIDEST_V4) or _add_up_to(lengths_v6, _WIDEST_V6)


def _add_up_to(lengths: list[int], widest: int) -> bool:
    """Return whether one is wider than `widest`, or all together than two of that width."""
    together = sum(2.0 ** (widest - length) for length in lengths)
    return together > _MOST_TOGETHER or any(length < widest for length in lengths)
