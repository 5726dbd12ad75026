"""Where a storm takes place: the application on loopback, with a clock that is moved by hand."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from msgspec import Struct

from service.app import create_app
from service.core.clock import ManualClock
from service.core.ids import new_key
from service.storage.database import Database
from service.wiring import Container
from tillgate_sandbox import repository
from tillgate_sandbox.base import Sandbox
from tillgate_sandbox.delivering import deliver_due
from tillgate_sandbox.extension import SANDBOX
from tillgate_sandbox.storm.preparing import prepare_all
from tillgate_sandbox.storm.served import served
from tillgate_sandbox.storm.settings import storm_settings
from tillgate_sandbox.storm.working import work_off

_BEGIN = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
# Deliveries that are due within this much of each other are posted at once.
_SLICE = timedelta(milliseconds=50)
_AT_ONCE = 40


class Field(Struct, frozen=True):
    """A running application and its sandbox. Webhooks and calls go to it in process.

    The adapters call the played providers over real HTTP.
    """

    http: httpx.AsyncClient
    container: Container
    sandbox: Sandbox
    clock: ManualClock
    database: Database

    async def deliver_all(self) -> None:
        """Move the clock from delivery to delivery until nothing is on its way."""
        while True:
            while await deliver_due(self.sandbox, self.http, _AT_ONCE):
                pass
            if await work_off(self.container):
                continue
            due_at = await repository.next_due_at()
            if due_at is None:
                return
            self.clock.advance(max(due_at - self.clock.now(), timedelta()) + _SLICE)


@asynccontextmanager
async def storm_field(database: Database) -> AsyncIterator[Field]:
    """Serve an application of its own on an empty database until the block ends."""
    await prepare_all(database)
    clock = ManualClock(_BEGIN)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        key = new_key("sk_dev_")
        settings = storm_settings(f"http://127.0.0.1:{listening.getsockname()[1]}", key)
        app = create_app(settings, database, clock=clock, loop=False, extension=SANDBOX)
        asgi: Any = app  # httpx words the types of ASGI in another way
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(asgi, raise_app_exceptions=False),
            base_url=settings.web.public_url,
            headers={"Authorization": f"Bearer {key}"},
        )
        async with served(app, listening), client:
            state = app.state
            yield Field(client, state.container, state.mounted.sandbox, clock, database)
