"""A loopback HTTP server that answers one status and keeps what it was sent."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(slots=True)
class Answering:
    """`requests` holds (method, path, Authorization header) of each call."""

    status: int
    port: int = 0
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)


@contextmanager
def answering(status: int) -> Iterator[Answering]:
    """Serve on a free port of the loopback until the block ends."""
    told = Answering(status)

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            told.requests.append((self.command, self.path, self.headers["Authorization"]))
            self.send_response(told.status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        do_GET = do_POST = _answer

        def log_message(self, format: str, *args: object) -> None:
            """Keep the test's output clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()
