"""A port for a server that a test starts, and perhaps ends and starts again."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager


@contextmanager
def held_port() -> Iterator[int]:
    """Hold a port of loopback that nobody else gets meanwhile.

    Nobody listens on it but who binds to it by `SO_REUSEADDR`, as servers do: until then a
    connection is refused. One that was only looked for could be another's by the time of the start.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


_FREE: list[tuple[ExitStack, int]] = []


@contextmanager
def usual_port() -> Iterator[int]:
    """Lend a port of this process's own: the one given back last, so that it is mostly the same.

    What an application was built for is then the same for many tests.
    """
    if _FREE:
        holding, port = _FREE.pop()
    else:
        holding = ExitStack()
        port = holding.enter_context(held_port())
    try:
        yield port
    finally:
        _FREE.append((holding, port))
