"""Post to receivers: limited in time, over connections that are pinned to a checked address."""

import asyncio
import ssl
import time
from collections import deque
from typing import TypeAlias

import httpx
from msgspec import Struct

from service.notifications.endpoints.errors import AddressRefused
from service.notifications.endpoints.operations.addresses import Addresses, Target
from service.notifications.endpoints.sending.connection import Answer, Broken, Connection

ANSWERS_WITHIN_S = 15.0
"""A receiver has so long for everything: its name, the connection, TLS and its answer."""
_IDLE_S = 20.0
# As many to one host as may be under way at once, so that no endpoint there connects anew.
_IDLE_EACH, _IDLE_ALL = 400, 512


_Peer: TypeAlias = tuple[str, int, bool]
"""Whom a connection leads to: the host, the port, and whether it is encrypted."""


class Failed(Exception):
    """There was no answer; the message says why, in words for whoever runs the receiver."""


class _Idle(Struct, frozen=True):
    connection: Connection
    since: float


class Client:
    """Posts to receivers over HTTP/1.1.

    A name is resolved when a connection is opened, and the connection goes to that very number,
    with the certificate checked against the name. A connection that is kept never moves.
    """

    def __init__(self, addresses: Addresses, trust: ssl.SSLContext | None = None) -> None:
        """Trust the usual authorities, or those of `trust`. Nothing is connected."""
        self._addresses = addresses
        self._trust = trust
        self._idle: dict[_Peer, deque[_Idle]] = {}
        self._idle_count = 0

    async def post(self, target: Target, request: bytes) -> Answer:
        """Send a request, and return what is answered within the time. Raises `Failed`."""
        used: list[Connection] = []
        try:
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                answer = await self._ask(target, request, used)
        except TimeoutError as error:
            if used and used[-1].was_answered:  # the rest of it never ends
                return used[-1].answered_so_far()
            raise Failed(f"There was no answer within {ANSWERS_WITHIN_S:g} s.") from error
        except Broken as error:
            raise Failed(f"There was no answer: {error}.") from error
        except AddressRefused as error:
            raise Failed(error.message) from error
        else:
            self._keep(target, used.pop())
            return answer
        finally:
            for one in used:
                one.close()

    def close(self) -> None:
        """Close what is idle."""
        for some in self._idle.values():
            for one in some:
                one.connection.close()
        self._idle.clear()
        self._idle_count = 0

    async def _ask(self, target: Target, request: bytes, used: list[Connection]) -> Answer:
        """Ask over an idle connection, else a new one; one that died idle is replaced once."""
        while (kept := self._take(target)) is not None:
            used.append(kept)
            try:
                return await kept.ask(request)
            except Broken:
                if kept.was_answered:
                    raise
        used.append(await self._connect(target))
        return await used[-1].ask(request)

    async def _connect(self, target: Target) -> Connection:
        """Connect to one of a target's addresses. Raises `Failed`, `AddressRefused`."""
        addresses = await self._addresses.of(target)
        loop = asyncio.get_running_loop()
        trust = self._trusted() if target.encrypted else None
        host = target.host if target.encrypted else None
        for left, ip in enumerate(addresses, 1 - len(addresses)):
            try:
                _, made = await loop.create_connection(
                    Connection, ip, target.port, ssl=trust, server_hostname=host
                )
            except ssl.SSLCertVerificationError as error:
                raise Failed(f"Its certificate is not valid: {error.verify_message}.") from error
            except ssl.SSLError as error:
                raise Failed(f"TLS failed: {error.reason or 'no connection'}.") from error
            except OSError as error:
                if left == 0:
                    raise Failed(
                        f"{target.host} could not be connected to: {_why(error)}."
                    ) from error
            else:
                return made
        raise Failed("It has no address.")

    def _trusted(self) -> ssl.SSLContext:
        if self._trust is None:
            self._trust = httpx.create_ssl_context()
        return self._trust

    def _take(self, target: Target) -> Connection | None:
        """Take an idle connection, the one that was used last."""
        idle = self._idle.get(_peer_of(target))
        while idle:
            one = idle.pop()
            self._idle_count -= 1
            if one.connection.is_open and time.monotonic() - one.since < _IDLE_S:
                return one.connection
            one.connection.close()
        return None

    def _keep(self, target: Target, connection: Connection) -> None:
        """Keep a connection that can be used again, unless there are enough."""
        if not connection.is_open:
            return
        if self._idle_count >= _IDLE_ALL:
            self._drop_old()
        idle = self._idle.setdefault(_peer_of(target), deque())
        if self._idle_count >= _IDLE_ALL or len(idle) >= _IDLE_EACH:
            connection.close()
            return
        idle.append(_Idle(connection, time.monotonic()))
        self._idle_count += 1

    def _drop_old(self) -> None:
        """Close what has been idle for too long."""
        now = time.monotonic()
        for peer, idle in list(self._idle.items()):
            while idle and (now - idle[0].since > _IDLE_S or not idle[0].connection.is_open):
                idle.popleft().connection.close()
                self._idle_count -= 1
            if not idle:
                del self._idle[peer]


def _peer_of(target: Target) -> _Peer:
    return target.host, target.port, target.encrypted


def _why(error: OSError) -> str:
    """Return what the system says; of several addresses that were tried, of the last."""
    return (error.strerror or type(error).__name__).lower()
