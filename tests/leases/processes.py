"""Processes that hold leases, and do one line after another as they are told."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.support.patience import IN_TIME


class Talking:
    """A process that answers each line with a line."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def heard(self) -> str:
        """Return its next line."""
        assert self.process.stdout is not None
        return (await self.process.stdout.readline()).decode().strip()

    async def told(self, line: str) -> None:
        """Tell it a line."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n".encode())
        await self.process.stdin.drain()

    async def asked(self, line: str) -> str:
        """Tell it a line, and return what it answers."""
        await self.told(line)
        return await self.heard()


@asynccontextmanager
async def talking_to(module: str, *given: str) -> AsyncIterator[Talking]:
    """Start a module as a process of its own, and end it after the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, *given),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(IN_TIME):
            yield Talking(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
