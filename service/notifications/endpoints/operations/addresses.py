"""Where a webhook may go: a public address, resolved once, and connected to by that very number.

Whoever names an address makes this machine connect there (server-side request forgery): to the
cloud's metadata, to the database, to whatever trusts this network. A name may lead elsewhere a
second later, so what was checked is what is connected to.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TypeAlias
from urllib.parse import urlsplit

import structlog
from msgspec import Struct

from service.core.errors import Misconfigured
from service.core.variables import is_web_address
from service.notifications.endpoints.errors import AddressRefused

log = structlog.get_logger(__name__)

LONGEST_URL = 500
RESOLVED_WITHIN_S = 5.0
_PORTS = {"https": 443, "http": 80}
# Those of translators: NAT64, and SIIT (RFC 7915), which has an IPv4 address behind a zero more.
_NAT64 = (
    IPv6Network("64:ff9b::/96"),
    IPv6Network("64:ff9b:1::/48"),
    IPv6Network("::ffff:0:0:0/96"),
)
# A cloud's own services: Azure's wire server, public by its number, and Oracle's, where Python 3.11
# knows only a part of the network to be private.
_METADATA = (IPv4Network("168.63.129.16/32"), IPv4Network("192.0.0.0/24"))
# Not in use any more, and yet routed by some.
_RETIRED = (IPv4Network("192.88.99.0/24"), IPv6Network("fec0::/10"))
_THREADS, _THREADS_OF_SLOW = 16, 4
MOST_SLOW = 1_000
"""How many names are known to be slow: the latest."""

Ip: TypeAlias = IPv4Address | IPv6Address
Network: TypeAlias = IPv4Network | IPv6Network
Resolve: TypeAlias = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses that a host has now. Raises `OSError`."""

LOOPBACK: tuple[str, ...] = ("127.0.0.0/8", "::1/128")


class Target(Struct, frozen=True):
    """The parts of an endpoint's address."""

    host: str
    port: int
    path: str
    encrypted: bool

    @property
    def authority(self) -> str:
        """Return host and port as a request names them; a port that goes without saying isn't."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        usual = _PORTS["https" if self.encrypted else "http"]
        return host if self.port == usual else f"{host}:{self.port}"


def target_of(url: str) -> Target:
    """Read an address. Raises `AddressRefused`."""
    if len(url) > LONGEST_URL or not url.isascii() or not is_web_address(url):
        raise AddressRefused(
            f"must be an http or https address in ASCII of at most {LONGEST_URL} characters"
        )
    parts = urlsplit(url)
    if "@" in parts.netloc or parts.fragment or any(sign in url for sign in "\"'<>`{}|^"):
        raise AddressRefused("must have no user, no fragment, no quotes and no brackets")
    path = parts.path or "/"
    return Target(
        host=(parts.hostname or "").rstrip("."),
        port=parts.port or _PORTS[parts.scheme],
        path=f"{path}?{parts.query}" if parts.query else path,
        encrypted=parts.scheme == "https",
    )


class Addresses:
    """Resolves hosts and refuses what is not public, unless it is in a network that is allowed."""

    def __init__(self, networks: Sequence[str], resolve: Resolve | None = None) -> None:
        """Allow these networks; resolve as the system does, or by `resolve`. Nothing is asked."""
        self._allowed = [_network(one) for one in networks]
        self._resolve = resolve or _by_the_system
        self._asking: dict[tuple[str, int], asyncio.Task[Sequence[str]]] = {}

    async def of(self, target: Target) -> Sequence[str]:
        """Return the addresses of a target, all of them fit. Raises `AddressRefused`.

        One that is not fit spoils all: who has put it there may put it first next time. The number
        is told to the log alone: a name may be one of ours. Over plain http only what is allowed by
        its network may be told.
        """
        found = [ip_address(one.partition("%")[0]) for one in await self._resolved(target)]
        for ip in found:
            if (why := self._unfit(ip)) is not None:
                log.info("webhook address refused", host=target.host, ip=str(ip))
                raise AddressRefused(f"leads to {why}: nothing is sent there")
        if not target.encrypted and not all(map(self._is_allowed, found)):
            raise AddressRefused("must begin with https://, or anybody on the way reads along")
        return [str(ip) for ip in found]

    async def _resolved(self, target: Target) -> Sequence[str]:
        """Ask for a host once, however many want to know at that moment: it may be slow."""
        key = (target.host, target.port)
        asking = self._asking.get(key)
        if asking is None:
            asking = asyncio.ensure_future(_in_time(self._resolve, target))
            self._asking[key] = asking
            asking.add_done_callback(partial(self._asked, key))
        try:
            found = await asyncio.shield(asking)
        except (OSError, UnicodeError, TimeoutError) as error:
            raise AddressRefused(f"has a host that can't be resolved: {target.host}") from error
        if not found:
            raise AddressRefused(f"has a host without an address: {target.host}")
        return found

    def _asked(self, key: tuple[str, int], task: asyncio.Task[Sequence[str]]) -> None:
        self._asking.pop(key, None)
        if not task.cancelled():
            task.exception()  # read here, since whoever asked may be gone

    def _is_allowed(self, ip: Ip) -> bool:
        return _within(ip, self._allowed)

    def _unfit(self, ip: Ip) -> str | None:
        return None if self._is_allowed(ip) else unfit(ip)


def unfit(ip: Ip) -> str | None:
    """Return why an address is none of a receiver in the internet, in words; None where it is."""
    if isinstance(ip, IPv6Address) and (inner := _ipv4_in(ip)) is not None:
        return unfit(inner)
    kinds = (
        (ip.is_loopback, "this machine"),
        (ip.is_link_local or _within(ip, _METADATA), "a link-local or metadata address"),
        (ip.is_unspecified or ip.is_multicast or ip.is_reserved, "no address of one machine"),
        (not ip.is_global or _within(ip, _RETIRED), "a private address"),
    )
    return next((words for holds, words in kinds if holds), None)


def _within(ip: Ip, networks: Sequence[Network]) -> bool:
    return any(ip in network for network in networks)


def _ipv4_in(ip: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address that an IPv6 one leads to: mapped, compatible, 6to4, NAT64, Teredo.

    Of the local-use NAT64 prefix nobody outside knows where it leads: nowhere, then.
    """
    if ip.ipv4_mapped or ip.sixtofour:
        return ip.ipv4_mapped or ip.sixtofour
    if _within(ip, _NAT64) or 1 < int(ip) < 2**32:
        return IPv4Address(int(ip) % 2**32) if ip not in _NAT64[1] else IPv4Address(0)
    return ip.teredo[1] if ip.teredo else None


def _network(text: str) -> Network:
    try:
        return ip_network(text)
    except ValueError as error:
        raise Misconfigured(f"WEBHOOK_NETWORKS names no network: {text!r}") from error


async def _in_time(resolve: Resolve, target: Target) -> Sequence[str]:
    async with asyncio.timeout(RESOLVED_WITHIN_S):
        return await resolve(target.host, target.port)


_threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="tillgate-resolve")
_threads_of_slow = ThreadPoolExecutor(_THREADS_OF_SLOW, thread_name_prefix="tillgate-resolve-slow")
_slow: dict[str, None] = {}


async def _by_the_system(host: str, port: int) -> Sequence[str]:
    """Ask the system, in threads of their own: a slow server of names holds up nobody else.

    A thread that waits for one can't be ended. So names that took too long the last time share a
    few, else whoever has many of these would take those of all others.
    """
    threads = _threads_of_slow if host in _slow else _threads
    loop, has_begun = asyncio.get_running_loop(), asyncio.Event()

    def look_up() -> list[str]:
        loop.call_soon_threadsafe(has_begun.set)
        return _look_up(host, port)

    try:
        found = await loop.run_in_executor(threads, look_up)
    except asyncio.CancelledError:
        if has_begun.is_set():  # else it is others that are slow
            _slow[host] = None
        while len(_slow) > MOST_SLOW:
            del _slow[next(iter(_slow))]
        raise
    _slow.pop(host, None)
    return list(dict.fromkeys(found))


def _look_up(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]
