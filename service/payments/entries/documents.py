"""One booking."""

from datetime import datetime
from typing import ClassVar, Final, Literal, TypeAlias

from pydantic import InstanceOf
from pymongo import ASCENDING, IndexModel

from service.storage.database import EMPTY_TIME, DatabaseTime
from service.storage.documents import StoredDocument, StoredPart

Kind: TypeAlias = Literal["payment", "refund", "dispute"]

UNPOSTED: Final = {"unposted": True}
"""Rows whose entries may lack what was changed last; in the words of their index."""


def unposted_index() -> IndexModel:
    """Make the index that each collection of such rows has: the oldest change is posted first."""
    return IndexModel(
        [("updatedAt", ASCENDING)], name="unposted_updatedAt", partialFilterExpression=UNPOSTED
    )


class Line(StoredPart):
    """What an entry moves on one account, in minor units: positive is debit, negative credit."""

    account: str
    currency: str
    amount: int


class Entry(StoredDocument):
    """A movement of money: lines that add up to nothing in each currency. It is never changed.

    The id is `kind:object:n`, n from 1, so that two who post for one object at once can't both
    do it; `object_id` is the hex of the row's own id. `event_id` is the inbox row, or the act of a
    person, that brought the object to the state that is posted; `posted_at` when that was done, and
    `written_at` the same by the database's time, which rows of before that was kept don't have.
    """

    id: str  # type: ignore[assignment]
    merchant_id: str
    kind: Kind
    object_id: str
    event_id: str
    lines: list[Line]
    posted_at: datetime
    written_at: InstanceOf[DatabaseTime] = EMPTY_TIME

    class Settings:
        """Collection and indexes."""

        name = "entries"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("objectId", ASCENDING)], name="objectId"),
            # For a file of a time.
            IndexModel(
                [("merchantId", ASCENDING), ("postedAt", ASCENDING), ("_id", ASCENDING)],
                name="merchant_postedAt",
            ),
            # For what was posted while a month was held against its entries.
            IndexModel(
                [("merchantId", ASCENDING), ("writtenAt", ASCENDING)], name="merchant_writtenAt"
            ),
        ]
