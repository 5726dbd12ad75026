"""Keyset paging, newest first: a page costs the same wherever it stands in the list."""

from bson import ObjectId
from pymongo.asynchronous.collection import AsyncCollection

from service.core.errors import FieldProblem, InvalidInput
from service.core.paging import Cursor
from service.storage.database import Row


async def newest_first(
    collection: AsyncCollection[Row],
    wanted: Row,
    *,
    by: str,
    limit: int,
    cursor: Cursor | None = None,
    leave_out: tuple[str, ...] = (),
) -> tuple[list[Row], Cursor | None]:
    """Return up to `limit` rows sorted by a time and `_id`, and the cursor of the next page."""
    query = {"$and": [wanted, _after(cursor, by)]} if cursor else wanted
    found = collection.find(query, projection=dict.fromkeys(leave_out, 0) if leave_out else None)
    rows = await found.sort([(by, -1), ("_id", -1)]).limit(limit + 1).to_list()
    more = len(rows) > limit
    rows = rows[:limit]
    following = Cursor(rows[-1][by], _text(rows[-1]["_id"])) if more else None
    return rows, following


def _after(cursor: Cursor, by: str) -> Row:
    row_id = _row_id(cursor.id)
    return {by: {"$lte": cursor.at}, "$or": [{by: {"$lt": cursor.at}}, {"_id": {"$lt": row_id}}]}


def _text(row_id: object) -> str:
    return f"o:{row_id}" if isinstance(row_id, ObjectId) else f"s:{row_id}"


def _row_id(text: str) -> object:
    kind, _, value = text.partition(":")
    if kind == "o" and ObjectId.is_valid(value):
        return ObjectId(value)
    if kind == "s":
        return value
    problem = FieldProblem("cursor", "is not one that this list returned")
    raise InvalidInput("The cursor can't be read.", problems=(problem,))
