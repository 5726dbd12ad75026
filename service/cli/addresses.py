"""Bind the address that is served, before anything else is started."""

import errno
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from service.core.errors import Misconfigured

# Connections waiting to be accepted: a burst must not be refused.
BACKLOG = 2048


class PortInUse(Misconfigured):
    """Something else listens on the port."""

    code = "port_in_use"


def listen(host: str, port: int) -> socket.socket:
    """Bind the address for this process alone. Raises `PortInUse`, `Misconfigured`."""
    with _refusal_in_words(host, port):
        return socket.create_server((host, port), family=_family(host), backlog=BACKLOG)


def reserve(host: str, port: int) -> socket.socket:
    """Reserve the address for our own processes, which `share` it; this socket never listens.

    No other server can take it while this socket is open. Raises `PortInUse`, `Misconfigured`.
    """
    reserved = _bind(host, port)
    # Only now: a program that shares its port would have let us in. From here on, sockets of
    # this user that ask to share the port may; other servers are refused, even before we listen.
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    return reserved


def share(reserved: socket.socket) -> socket.socket:
    """Bind to a reserved address. The server listens once it is ready: no client waits for it.

    The kernel spreads connections over all listening sockets. With one shared socket, whichever
    process woke first took most: of four processes on two cores, two had 63 of 64 connections.
    """
    host, port = reserved.getsockname()[:2]
    return _bind(host, port, socket.SO_REUSEPORT)


def _bind(host: str, port: int, *options: int) -> socket.socket:
    with _refusal_in_words(host, port), ExitStack() as undo:
        bound = undo.enter_context(socket.socket(_family(host)))
        # Connections that an earlier process left behind don't count; listening sockets do.
        for option in (socket.SO_REUSEADDR, *options):
            bound.setsockopt(socket.SOL_SOCKET, option, 1)
        if bound.family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind((host, port))
        undo.pop_all()
    return bound


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


@contextmanager
def _refusal_in_words(host: str, port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortInUse(
                f"Port {port} of {host} is taken by another program. "
                "Stop it, or choose another with --port."
            ) from error
        raise Misconfigured(f"{host}:{port} can't be listened on: {error.strerror}.") from error
