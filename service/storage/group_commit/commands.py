"""One plain command, bounded in time: the first try of a group, and of a lone caller."""

import asyncio

from service.core.errors import Unavailable
from service.storage.database import Collection, Row


async def say(collection: Collection, words: Row, seconds: float) -> Row:
    """Send a command to a collection's database, and give what is answered.

    The driver's methods send the same words, and may send them again; with its own way of limiting
    them they take a fifth more instructions. Here nothing is tried again: who calls does that, and
    asks what is told of rows. Raises what the driver raises, and `Unavailable` after the seconds;
    the server gives up by itself at the same time.
    """
    words["maxTimeMS"] = int(seconds * 1000)
    try:
        async with asyncio.timeout(seconds):
            return await collection.database.command(words, codec_options=collection.codec_options)
    except TimeoutError as error:
        raise Unavailable("The database did not answer in time.") from error
