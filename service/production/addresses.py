"""Where the service is reached, whom it trusts, and where it finds the providers."""

import socket
import unicodedata
from collections.abc import Iterable, Iterator
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    collapse_addresses,
    ip_address,
    ip_network,
)
from urllib.parse import unquote, urlsplit

from service.core.errors import FieldProblem
from service.core.variables import Address
from service.settings import Settings
from service.web.settings import WebSettings

# 10.0.0.0/8 is the widest that somebody owns alone; the networks of the large CDNs are narrower.
_WIDEST_V4, _WIDEST_V6 = 8, 20
_PRIVATE_V6 = IPv6Network("fc00::/7")
_MAPPED = IPv6Network("::ffff:0:0/96")

# Names of this machine: RFC 6761, and what Linux puts into /etc/hosts.
_LOCAL_NAMES = frozenset({"localhost", "localdomain", "ip6-localhost", "ip6-loopback"})

_UNSET_IT = "unset it, which takes the provider's own address"
_ON_THIS_MACHINE = f"is on this machine, where a fake would complete sessions: {_UNSET_IT}"


def web_problems(web: WebSettings) -> Iterator[FieldProblem]:
    """List what is wrong with how the service is reached."""
    home = urlsplit(web.public_url)
    if "public_url" not in web.model_fields_set:
        yield FieldProblem(
            "PUBLIC_URL", "is missing: the https address that customers and providers use"
        )
    elif home.scheme != "https" and not is_loopback(web.public_url):
        yield FieldProblem("PUBLIC_URL", "is not https: put TLS in front, and name that address")
    if any("*" in origin for origin in web.cors_origins):
        yield FieldProblem("CORS_ORIGINS", "holds a *: name the origin of each frontend")
    elif any(not _is_origin(origin) for origin in web.cors_origins):
        yield FieldProblem("CORS_ORIGINS", "takes origins like https://shop.example, comma list")
    yield from _proxies(web.trusted_proxies)
    if web.redis_url and urlsplit(web.redis_url).scheme not in {"redis", "rediss"}:
        yield FieldProblem("REDIS_URL", "takes redis://… or rediss://…")
    yield from _limits(web)


def provider_bases(settings: Settings) -> Iterator[FieldProblem]:
    """List the addresses of providers that no provider has."""
    for provider in settings.providers.values():
        for variable, (base,) in sorted(provider.texts_of(Address).items()):
            if wrong := _no_base(base):
                yield FieldProblem(variable, wrong)


def is_loopback(address: str) -> bool:
    """Tell whether an address is on this machine, however its host is written."""
    return is_loopback_host(urlsplit(address).hostname or "")


def is_loopback_host(host: str) -> bool:
    """Tell whether a host is this machine: by name, or in any notation that a system reads."""
    name = _plain(host)
    if name.rpartition(".")[2] in _LOCAL_NAMES:
        return True
    ip = _numeric(name)
    return ip is not None and (ip.is_loopback or ip.is_unspecified)


def _no_base(base: str) -> str | None:
    if is_loopback(base):
        return _ON_THIS_MACHINE
    parts = urlsplit(base)
    if parts.scheme != "https":
        says = "is not https: anyone on the way could report payments that nobody made"
        return f"{says}; {_UNSET_IT}"
    host = _plain(parts.hostname or "")
    if _numeric(host) is not None:
        return "is a number: name the provider's host, whose certificate is checked"
    if "@" in parts.netloc or not host.isascii() or "." not in host:
        return f"is no public name: {_UNSET_IT}"
    return None


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


def _proxies(entries: tuple[str, ...]) -> Iterator[FieldProblem]:
    try:
        networks = [ip_network(entry, strict=False) for entry in entries]
    except ValueError:
        yield FieldProblem("TRUSTED_PROXIES", "takes addresses and networks like 10.0.0.0/8")
        return
    if _too_wide(networks):
        yield FieldProblem(
            "TRUSTED_PROXIES",
            f"is too wide (more than a /{_WIDEST_V4}, or a /{_WIDEST_V6} of IPv6): anybody in it "
            "may invent the address that a request comes from; name your proxies' own",
        )


def _too_wide(networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    """Look at all together: two halves of everything are everything."""
    v4, v6 = [], []
    for network in networks:
        if isinstance(network, IPv4Network):
            v4.append(network)
        elif network.subnet_of(_MAPPED):
            bits = max(network.prefixlen - _MAPPED.prefixlen, 0)
            v4.append(IPv4Network((int(network.network_address) % 2**32, bits)))
        elif not network.subnet_of(_PRIVATE_V6):
            v6.append(network)
    return any(one.prefixlen < _WIDEST_V4 for one in collapse_addresses(v4)) or any(
        one.prefixlen < _WIDEST_V6 for one in collapse_addresses(v6)
    )


def _limits(web: WebSettings) -> Iterator[FieldProblem]:
    limits = {
        "RATE_LIMIT_PER_KEY": web.rate_limit_per_key,
        "RATE_LIMIT_PER_ADDRESS": web.rate_limit_per_address,
    }
    for variable, limit in limits.items():
        if not limit:
            yield FieldProblem(variable, "is 0, which is no limit: unset it, or set a high one")
    behind_tls = web.public_url.startswith("https:")
    if behind_tls and web.rate_limit_per_address and not web.trusted_proxies:
        yield FieldProblem(
            "TRUSTED_PROXIES",
            "is missing: name the proxy that ends TLS, or all customers share one rate limit",
        )


def _is_origin(text: str) -> bool:
    parts = urlsplit(text)
    return parts.scheme in {"http", "https"} and text == f"{parts.scheme}://{parts.netloc}"
