"""Named queries on who hears what since when."""

from collections.abc import Collection

from msgspec import Struct
from pymongo import UpdateOne

from service.outbox.documents import Birth
from service.storage.database import EMPTY_TIME


class Heard(Struct, frozen=True):
    """A topic that a subscriber hears; `always`: from the first message on."""

    subscriber: str
    topic: str
    always: bool


async def births() -> list[Birth]:
    """Return all births, also of subscribers that this process does not have."""
    rows = await Birth.get_pymongo_collection().find({}).to_list()
    return [Birth.model_validate(row) for row in rows]


async def expect(heard: Collection[Heard]) -> None:
    """Add rows for those that are to be born, where they are not there yet.

    By upserts: in a row that is inserted the database puts its own time for an empty one.
    """
    writes = [_unless_there(one) for one in heard]
    await Birth.get_pymongo_collection().bulk_write(writes, ordered=False)


def _unless_there(heard: Heard) -> UpdateOne:
    given = {
        "_id": f"{heard.subscriber}:{heard.topic}",
        "subscriber": heard.subscriber,
        "topic": heard.topic,
        "bornAt": EMPTY_TIME if heard.always else None,
    }
    row = Birth.new_row(given)
    return UpdateOne({"_id": row.pop("_id")}, {"$setOnInsert": row}, upsert=True)


async def give_birth() -> None:
    """Let those be born now, by the database's time, whose rows are there already."""
    await Birth.get_pymongo_collection().update_many(
        {"bornAt": None}, {"$currentDate": {"bornAt": {"$type": "timestamp"}}}
    )
