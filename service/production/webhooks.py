"""Where webhooks may go in production besides the internet: never to this machine or its cloud."""

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_network

from service.core.errors import FieldProblem

_NEVER = tuple(
    ip_network(one)
    for one in (
        *("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "168.63.129.16/32", "192.0.0.0/24"),
        *("100.100.100.200/32", "::/127", "::ffff:0:0/96", "fe80::/10", "fd00:ec2::254/128"),
    )
)
# The widest that somebody owns alone.
_WIDEST_V4, _WIDEST_V6 = 8, 16


def webhook_problems(networks: tuple[str, ...]) -> Iterator[FieldProblem]:
    """List what is wrong with the private networks that webhooks may go to."""
    found = [ip_network(one) for one in networks]
    if any(_overlaps(one, other) for one in found for other in _NEVER):
        yield FieldProblem(
            "WEBHOOK_NETWORKS",
            "has this machine or the cloud's metadata in it: whoever adds an endpoint would reach "
            "them; name the networks of your receivers alone",
        )
    elif any(one.prefixlen < _widest(one) for one in found):
        yield FieldProblem(
            "WEBHOOK_NETWORKS",
            f"is wider than a /{_WIDEST_V4}, or a /{_WIDEST_V6} of IPv6: name the networks of your "
            "receivers alone",
        )


def _overlaps(one: IPv4Network | IPv6Network, other: IPv4Network | IPv6Network) -> bool:
    if isinstance(one, IPv4Network):
        return isinstance(other, IPv4Network) and one.overlaps(other)
    return isinstance(other, IPv6Network) and one.overlaps(other)


def _widest(network: IPv4Network | IPv6Network) -> int:
    return _WIDEST_V4 if isinstance(network, IPv4Network) else _WIDEST_V6
