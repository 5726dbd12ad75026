"""The wires between the service and the played providers: cut on purpose, and listened to."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from litestar import Litestar
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from service.storage.database import Database
from tillgate_sandbox import repository as books

Cut = Literal["before", "after"]
"""A provider that fails before it has done anything, or once it has: its answer is lost."""

_PAGES = ("/sandbox/pay/", "/sandbox/api/", "/sandbox/chaos")


class Captured(NamedTuple):
    """A capture that was asked for: of which payment, and how its session stood just then.

    `opened_at` tells that session from others of its id; None: there was none by then. `done` tells
    whether the money was taken.
    """

    session_id: str
    payment_id: str
    status: str
    opened_at: datetime | None
    done: bool = False


@dataclass(slots=True)
class Wires:
    """What is cut now, and which captures were done in which state of their session.

    `cuts` counts the calls that met a cut, so that a check can tell their 502 from a fault.
    """

    database: Database
    cut: Cut | None = None
    cuts: int = 0
    captured: list[Captured] = field(default_factory=list)

    async def begin_capture(self, path: str) -> Captured | None:
        """Return a capture that the provider is asked for, as its session stands now."""
        payment_id = path.split("/")[-2]
        checkout = await books.find_by_payment(payment_id)
        if checkout is None:
            return None
        row = await self.database["sessions"].find_one({"sessionId": checkout.session_id})
        if row is None or row["createdAt"] > checkout.created_at:
            return Captured(checkout.session_id, payment_id, "gone", None)
        return Captured(checkout.session_id, payment_id, str(row["status"]), row["createdAt"])


@contextmanager
def listened_to(app: Litestar, wires: Wires) -> Iterator[None]:
    """Put the wires around an application for as long as the block lasts."""
    inner = app.asgi_handler
    app.asgi_handler = _around(inner, wires)
    try:
        yield
    finally:
        app.asgi_handler = inner


def _around(next_app: ASGIApp, wires: Wires) -> ASGIApp:
    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        if not path.startswith("/sandbox/") or path.startswith(_PAGES):
            await next_app(scope, receive, send)
            return
        if wires.cut == "before":
            wires.cuts += 1
            await _refuse(send)
            return
        cut = wires.cut
        capture = await wires.begin_capture(path) if path.endswith("/capture") else None

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start" and capture:
                wires.captured.append(capture._replace(done=message["status"] == 200))
            if cut != "after":
                await send(message)

        await next_app(scope, receive, sending)
        if cut == "after":
            wires.cuts += 1
            await _refuse(send)

    return handle


async def _refuse(send: Send) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"2"),
        (b"stripe-should-retry", b"false"),  # its library would wait for half a second each time
    ]
    await send({"type": "http.response.start", "status": 502, "headers": headers})
    await send({"type": "http.response.body", "body": b"{}", "more_body": False})
