"""A merchant's receiver for the bench: it answers at once, but for the paths that don't."""

import asyncio
import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvloop

HANGS, FAILS, HEARS = "/hangs", "/fails", "/hook"


class Receiver(asyncio.Protocol):
    """Answers each request as soon as all of it is there."""

    def connection_made(self, transport: Any) -> None:
        """Begin."""
        self._transport, self._read = transport, b""

    def data_received(self, data: bytes) -> None:
        """Answer each whole request; some senders say their lengths in other cases."""
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = self._read[:end].lower()
            length = int(head.rpartition(b"content-length: ")[2].partition(b"\r\n")[0])
            if len(self._read) < end + 4 + length:
                return
            self._read = self._read[end + 4 + length :]
            if head.startswith(f"post {HANGS}".encode()):
                continue
            fails = head.startswith(f"post {FAILS}".encode())
            status = b"500 No" if fails else b"200 OK"
            self._transport.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 2\r\n\r\nok")


@contextmanager
def receiving() -> Iterator[int]:
    """Serve in a process of its own for as long as the block lasts; give its port."""
    told: Any = multiprocessing.Queue()
    process = multiprocessing.Process(target=_serve, args=(told,), daemon=True)
    process.start()
    try:
        yield told.get()
    finally:
        process.terminate()
        process.join(10)


def _serve(told: Any) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", 0)
        told.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(serve())
