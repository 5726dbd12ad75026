"""A small HTTP load: many kept-alive connections on the loopback, each one request at a time."""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class Measured:
    """How a run went: operations a second, and latencies in milliseconds."""

    operations: int
    per_second: float
    p50_ms: float
    p99_ms: float


def request(method: str, path: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    """Write a request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join((*lines, "", "")).encode() + body


async def measure(port: int, requests: Iterable[bytes], expected: int) -> Measured:
    """Send all requests over `CONNECTIONS` connections; each answer must have the status."""
    waiting, took = iter(requests), []
    began = time.perf_counter()
    await asyncio.gather(*(_connection(port, waiting, expected, took) for _ in range(CONNECTIONS)))
    elapsed = time.perf_counter() - began
    took.sort()
    return Measured(
        operations=len(took),
        per_second=len(took) / elapsed,
        p50_ms=took[len(took) // 2] * 1000,
        p99_ms=took[len(took) * 99 // 100] * 1000,
    )


async def _connection(
    port: int, waiting: Iterator[bytes], expected: int, took: list[float]
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for message in waiting:
        began = time.perf_counter()
        writer.write(message)
        head = await reader.readuntil(b"\r\n\r\n")
        _, _, rest = head.lower().partition(b"content-length: ")
        body = await reader.readexactly(int(rest.partition(b"\r\n")[0]))
        took.append(time.perf_counter() - began)
        if int(head[9:12]) != expected:
            raise RuntimeError(f"{head[:12].decode()} instead of {expected}: {body.decode()}")
    writer.close()
    await writer.wait_closed()
