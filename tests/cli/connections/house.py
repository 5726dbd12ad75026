"""A house with a door: a tiny application behind real connections, whose time a test moves."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from uvicorn.server import ServerState

from service.cli.connections.connection import Connection
from service.cli.connections.door import Door, Guarded
from service.cli.connections.hosts import Accepts
from service.web.settings import ConnectionSettings
from tests.support.patience import IN_TIME

LIMITS = ConnectionSettings()
GET = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"


async def _until(holds: Callable[[], bool]) -> None:
    """Let others run until something holds."""
    async with asyncio.timeout(IN_TIME):
        while not holds():  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0)


@dataclass
class House:
    """The server's side. `served` are the paths that were answered, with headers and body."""

    door: Door
    port: int
    state: ServerState
    served: list[tuple[str, list[tuple[bytes, bytes]], bytes]] = field(default_factory=list)
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    answer: bytes = b"here"
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def connections(self) -> list[Connection]:
        """Those that are open."""
        return [one for one in self.state.connections if isinstance(one, Connection)]

    async def call(self) -> "Client":
        """Open a connection, and wait until the server has it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=2**23)
        client = Client(reader, writer)
        self.stack.callback(writer.close)
        mine = writer.get_extra_info("sockname")
        await _until(lambda: reader.at_eof() or any(one.client == mine for one in self.connections))
        return client

    async def pass_time(self, seconds: float) -> None:
        """Let time pass for every connection, and have the door look.

        Only this is time to it: what a busy machine takes between two calls is taken back.
        """
        now = asyncio.get_running_loop().time()
        passed, self.door.now = seconds - (now - self.door.now), now
        for one in self.connections:
            one.since -= passed
            if one.stuck_since is not None:
                one.stuck_since -= passed
        if self.door.leaving_at is not None:
            self.door.leaving_at -= passed
        self.door.look()
        self.door.close()  # it would look again by itself

    async def until(self, *stages: Any) -> None:
        """Wait until the connections are in these stages."""
        wanted = sorted(stage.name for stage in stages)
        await _until(lambda: sorted(one.stage.name for one in self.connections) == wanted)

    async def until_busy(self, count: int) -> None:
        """Wait until so many requests are being answered."""
        await _until(lambda: len(self.state.tasks) == count)

    async def application(self, scope: Any, receive: Any, send: Any) -> None:
        """Read the body, wait where told to, answer."""
        body, more = b"", True
        if scope["path"] != "/unread":
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                body += message.get("body", b"")
                more = message.get("more_body", False)
        if scope["path"] == "/held":
            await self.hold.wait()
        self.served.append((scope["path"], scope["headers"], body))
        length = (b"content-length", b"%d" % len(self.answer))
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": self.answer})


@dataclass
class Client:
    """The other side."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        """Send; one whose side is closed already has said what it had to say."""
        try:
            self.writer.write(data)
            await self.writer.drain()
        except ConnectionError:
            pass

    async def told(self) -> tuple[int, bytes]:
        """Read one answer: its status, and its head with the body."""
        async with asyncio.timeout(IN_TIME):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            body = await self.reader.readexactly(length)
        return int(head.split()[1]), head + body

    async def ask(self, data: bytes = GET) -> int:
        """Send a request; return the status."""
        await self.send(data)
        return (await self.told())[0]

    async def left(self) -> bytes:
        """Read to the end; a reset is one."""
        async with asyncio.timeout(IN_TIME):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""


@asynccontextmanager
async def housed(answers_to: Accepts | None = None, **limits: Any) -> AsyncIterator[House]:
    """Serve in this loop; nobody looks at the connections but the test."""
    door = Door(LIMITS.model_copy(update=limits), answers_to)
    state = ServerState()
    house = House(door, 0, state)
    config = Guarded(
        house.application,
        door,
        interface="asgi3",
        proxy_headers=False,
        log_config=None,
        ws="none",
        lifespan="off",
    )
    config.load()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(config, state, {}), "127.0.0.1", 0)
    house.port = server.sockets[0].getsockname()[1]
    try:
        async with house.stack:
            yield house
    finally:
        house.hold.set()
        server.close()
        for one in house.connections:
            one.transport.abort()
        await house.until()
        await server.wait_closed()
        await asyncio.gather(*state.tasks, return_exceptions=True)
        door.close()
