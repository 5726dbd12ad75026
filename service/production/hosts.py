"""What a host is: this machine, a number in any notation, or a public name."""

import socket
import unicodedata
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import unquote, urlsplit

# Names of this machine: RFC 6761, and what Linux puts into /etc/hosts.
_LOCAL_NAMES = frozenset({"localhost", "localdomain", "ip6-localhost", "ip6-loopback"})


def is_loopback(address: str) -> bool:
    """Return whether an address is on this machine, however its host is written."""
    return is_loopback_host(urlsplit(address).hostname or "")


def is_loopback_host(host: str) -> bool:
    """Return whether a host is this machine: by name, or in any notation that a system reads."""
    name = _plain(host)
    if name.rpartition(".")[2] in _LOCAL_NAMES:
        return True
    ip = _numeric(name)
    return ip is not None and (ip.is_loopback or ip.is_unspecified)


def is_number(address: str) -> bool:
    """Return whether an address names its host by a number, in whatever notation."""
    return _numeric(_plain(urlsplit(address).hostname or "")) is not None


def is_public_name(address: str) -> bool:
    """Return whether an address names a host that others may have too, and no user."""
    parts = urlsplit(address)
    host = _plain(parts.hostname or "")
    return "@" not in parts.netloc and host.isascii() and "." in host


def _plain(host: str) -> str:
    """Return a host as a resolver would read it: with plain digits and dots."""
    return unicodedata.normalize("NFKC", unquote(host)).replace("。", ".").lower().rstrip(".")


def _numeric(host: str) -> IPv4Address | IPv6Address | None:
    """Read a numeric host: 127.0.0.1, 2130706433, 0x7f.1, 0177.0.0.1, ::ffff:127.0.0.1 …"""
    try:
        found = ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        try:
            return IPv4Address(socket.inet_aton(host))
        except (OSError, UnicodeEncodeError):
            return None
    return _ipv4_in(found) or found if isinstance(found, IPv6Address) else found


def _ipv4_in(ip: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 one carries: mapped, compatible, 6to4, NAT64, Teredo."""
    if ip.ipv4_mapped or ip.sixtofour:
        return ip.ipv4_mapped or ip.sixtofour
    if ip in IPv6Network("64:ff9b::/96") or (1 < int(ip) < 2**32):
        return IPv4Address(int(ip) % 2**32)
    return ip.teredo[1] if ip.teredo else None
