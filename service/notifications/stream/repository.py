"""What comes into the outbox, as the database tells it to whoever watches."""

import re
from collections.abc import Collection

from msgspec import Struct
from pymongo.asynchronous.change_stream import AsyncChangeStream
from pymongo.errors import OperationFailure

from service.core.ids import digest
from service.notifications.stream.errors import PlaceLost, place_among_others, unreadable_place
from service.outbox.documents import OutboxMessage
from service.storage.answering import NO_ANSWER_CODES
from service.storage.database import Row

LOOK_EVERY_S = 1.0
"""How long the database waits for something before it answers that nothing came."""

# A place among these events of this merchant, and where that is for the database.
_PLACE = re.compile(r"([0-9a-f]{16})\.([0-9A-F]{2,2000})")
# The oplog does not reach back so far; what it knows of is somewhere else.
_LOST = frozenset({280, 286})


class Came(Struct, frozen=True):
    """A message, None where none came for a while, and the place behind it in the stream."""

    message: OutboxMessage | None
    place: str | None


class Source:
    """Messages of a merchant as they are committed, from a place on."""

    def __init__(self, stream: AsyncChangeStream[Row], among: str) -> None:
        """Read from a change stream; `among` is what its places begin with."""
        self._stream = stream
        self._among = among

    async def next(self) -> Came:
        """Return the next message, or after `LOOK_EVERY_S` none. Raises what the driver raises."""
        change = await self._stream.try_next()
        token = self._stream.resume_token
        place = None if token is None else f"{self._among}.{token['_data']}"
        if change is None:
            return Came(None, place)
        return Came(OutboxMessage.model_validate(change["fullDocument"]), place)

    async def close(self) -> None:
        """Let the database forget about it."""
        await self._stream.close()


async def watch(merchant_id: str, topics: Collection[str], place: str | None) -> Source:
    """Begin to watch, behind a place that was told before; None: from now on.

    The database finds a place only where what happened there is watched, and says so when the next
    message comes: so a place says what it is among. Raises `InvalidInput` and `PlaceLost` for one
    that can't be found, and what the driver raises.
    """
    among = digest("\0".join([merchant_id, *sorted(topics)]))[:16]
    token = _token_of(place, among) if place is not None else None
    wanted = {
        "operationType": "insert",
        "fullDocument.merchantId": merchant_id,
        "fullDocument.topic": {"$in": sorted(topics)},
    }
    outbox = OutboxMessage.get_pymongo_collection()
    try:
        stream = await outbox.watch(
            [{"$match": wanted}],
            resume_after=None if token is None else {"_data": token},
            max_await_time_ms=int(LOOK_EVERY_S * 1000),
        )
    except OperationFailure as error:
        if place is None or error.code in NO_ANSWER_CODES:
            raise
        raise (PlaceLost() if error.code in _LOST else unreadable_place()) from error
    return Source(stream, among)


def _token_of(place: str, among: str) -> str:
    said = _PLACE.fullmatch(place)
    if said is None:
        raise unreadable_place()
    if said[1] != among:
        raise place_among_others()
    return said[2]
