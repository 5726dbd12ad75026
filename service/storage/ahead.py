"""Read many rows, the next of them while those before are used."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

from bson import CodecOptions
from pymongo.asynchronous.cursor import AsyncCursor

from service.storage.answering import answers_in_time
from service.storage.database import Collection, Row


def without_zones(collection: Collection) -> Collection:
    """Return a collection whose times are read as UTC without saying so, in half the time."""
    codec: CodecOptions[Row] = CodecOptions(tz_aware=False)
    return collection.with_options(codec)


async def read_ahead(
    found: AsyncCursor[Row], at_once: int, within_s: float
) -> AsyncGenerator[list[Row], None]:
    """Yield what a query finds, some rows at a time; close at the end. Raises `Unavailable`."""
    async with found.batch_size(at_once) as cursor:

        async def following() -> list[Row]:
            async with answers_in_time(within_s):
                return await cursor.to_list(at_once)

        async with aclosing(lists_ahead(following)) as lists:
            async for rows in lists:
                yield rows


async def lists_ahead(
    following: Callable[[], Awaitable[list[Row]]],
) -> AsyncGenerator[list[Row], None]:
    """Yield what `following` returns, again and again until it is nothing; close at the end."""
    reading = asyncio.ensure_future(following())
    try:
        while rows := await reading:
            # The database reads on while these are used: the task has asked it by then.
            reading = asyncio.ensure_future(following())
            await asyncio.sleep(0)
            yield rows
    finally:
        reading.cancel()
        await asyncio.wait({reading})
