"""Keyset paging: a page costs the same wherever it stands in the list."""

from datetime import UTC, datetime
from typing import Final

from bson import ObjectId, Timestamp
from msgspec import Struct
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection

from service.core.errors import FieldProblem, InvalidInput
from service.core.paging import Cursor
from service.storage.database import Row

EXAMINED: Final = 5_000
"""How many entries of its index a page with filters looks at, at most."""
# The database's own time has 32 bits of seconds.
_LAST_SECOND: Final = 2**32 - 1


class Walk(Struct, frozen=True, kw_only=True):
    """What a list shows, and in which order: by a time, then by `_id`.

    `wanted` and the order are served by one index. `also` are filters that it does not serve: each
    row is read to find out. With these `index` names it, since the database might prefer one that
    serves a filter, and sort all that it finds.
    """

    wanted: Row
    by: str
    also: Row = {}
    index: str | None = None
    ascending: bool = False
    leave_out: tuple[str, ...] = ()

    @property
    def order(self) -> list[tuple[str, int]]:
        """Return the order as the database takes it."""
        sign = 1 if self.ascending else -1
        return [(self.by, sign), ("_id", sign)]


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
    walk = Walk(wanted=wanted, by=by, leave_out=leave_out)
    return await read_page(collection, walk, cursor=cursor, limit=limit)


async def read_page(
    collection: AsyncCollection[Row],
    walk: Walk,
    *,
    cursor: Cursor | None,
    limit: int,
    session: AsyncClientSession | None = None,
) -> tuple[list[Row], Cursor | None]:
    """Return up to `limit` rows of a walk, and the cursor of the next page.

    With filters that no index serves it looks at `EXAMINED` entries at most: a page may then have
    fewer rows than its limit, or none, and yet not be the last. The end of what it looks at is
    found first, so that the next page begins exactly there.
    """
    bounds = [walk.wanted, *([_beyond(cursor, walk)] if cursor else [])]
    edge = await _edge(collection, walk, bounds, session) if walk.also else None
    if edge is not None:
        bounds.append(_until(edge, walk))
    query = {"$and": [*bounds, *([walk.also] if walk.also else [])]}
    found = collection.find(query, _shown(walk), hint=walk.index, session=session)
    rows = await found.sort(walk.order).limit(limit + 1).to_list()
    if len(rows) > limit:
        return rows[:limit], _cursor(rows[limit - 1], walk)
    return rows, edge


async def _edge(
    collection: AsyncCollection[Row],
    walk: Walk,
    bounds: list[Row],
    session: AsyncClientSession | None,
) -> Cursor | None:
    """Return the last entry that a page looks at; None where it reaches the end."""
    found = collection.find({"$and": bounds}, {walk.by: 1}, hint=walk.index, session=session)
    rows = await found.sort(walk.order).skip(EXAMINED - 1).limit(2).to_list()
    return _cursor(rows[0], walk) if len(rows) == 2 else None


def _shown(walk: Walk) -> Row | None:
    return dict.fromkeys(walk.leave_out, 0) if walk.leave_out else None


def _beyond(cursor: Cursor, walk: Walk) -> Row:
    less, least = ("$gt", "$gte") if walk.ascending else ("$lt", "$lte")
    return _bound(cursor, walk.by, least, (less, less))


def _until(cursor: Cursor, walk: Walk) -> Row:
    less, least = ("$lt", "$lte") if walk.ascending else ("$gt", "$gte")
    return _bound(cursor, walk.by, least, (less, least))


def _bound(cursor: Cursor, by: str, least: str, then: tuple[str, str]) -> Row:
    """Return a bound of the index; at its moment the `_id` decides."""
    less, of_id = then
    at, row_id = _place(cursor)
    return {by: {least: at}, "$or": [{by: {less: at}}, {"_id": {of_id: row_id}}]}


def _cursor(row: Row, walk: Walk) -> Cursor:
    at, text = row[walk.by], _text(row["_id"])
    if isinstance(at, Timestamp):
        return Cursor(at.as_datetime().astimezone(UTC), f"t:{at.inc}:{text}")
    return Cursor(at, text)


def _place(cursor: Cursor) -> tuple[datetime | Timestamp, object]:
    kind, _, rest = cursor.id.partition(":")
    if kind != "t":
        return cursor.at, _row_id(cursor.id)
    within, _, text = rest.partition(":")
    # Of the digits of another script `isdigit` says yes as well.
    if not (within.isascii() and within.isdigit()) or len(within) > 9:
        raise _unreadable()
    seconds = int(cursor.at.timestamp())
    if seconds > _LAST_SECOND:
        raise _unreadable()
    return Timestamp(seconds, int(within)), _row_id(text)


def _text(row_id: object) -> str:
    return f"o:{row_id}" if isinstance(row_id, ObjectId) else f"s:{row_id}"


def _row_id(text: str) -> object:
    kind, _, value = text.partition(":")
    if kind == "o" and ObjectId.is_valid(value):
        return ObjectId(value)
    if kind == "s":
        return value
    raise _unreadable()


def _unreadable() -> InvalidInput:
    problem = FieldProblem("cursor", "is not one that this list returned")
    return InvalidInput("The cursor can't be read.", problems=(problem,))
