"""A real Redis on loopback."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.support.patience import IN_TIME


@asynccontextmanager
async def redis_at(port: int) -> AsyncIterator[None]:
    """Run it for as long as the block lasts."""
    binary = shutil.which("redis-server")
    if binary is None:
        pytest.skip("redis-server is not installed")
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    process = await asyncio.create_subprocess_exec(
        binary, *options, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(IN_TIME):
            while b"Ready to accept connections" not in await process.stdout.readline():
                assert process.returncode is None
        yield
    finally:
        process.terminate()
        await process.communicate()
