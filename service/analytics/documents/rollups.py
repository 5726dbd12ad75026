"""What was added up: quarter-hours, days and months, and who paid on a day."""

from datetime import datetime
from typing import ClassVar, Final

from pydantic import Field
from pymongo import ASCENDING, IndexModel

from service.storage.documents import StoredDocument


def _by(*names: str) -> list[tuple[str, int]]:
    return [(name, ASCENDING) for name in names]


class Rollup(StoredDocument):
    """A merchant's quarter-hour in one currency, added up.

    `parts` has the counts by each of `Part` (leads have one of their own), at most 200 keys and the
    rest. `slots` are how many completed sessions took how long, by slot. Both are MessagePack: a
    month is thousands of these, and as BSON reading their maps took most of the time of an answer.
    `payers` are some hashes, or a sketch. Webhooks and tracked events have no currency; of these
    `payersBy` are the payers of each resource.
    """

    merchant_id: str
    bucket: datetime
    currency: str
    totals: dict[str, int] = Field(default_factory=dict)
    parts: dict[str, bytes] = Field(default_factory=dict)
    slots: bytes
    payers: bytes | None = None
    payers_by: bytes | None = None

    class Settings:
        """Collection and indexes."""

        name = "rollups"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(
                _by("merchantId", "bucket", "currency"),
                name="merchant_bucket_currency",
                unique=True,
            ),
        ]


_WHICH: Final = _by("merchantId", "bucket", "until", "currency")
_OF_LONGER: Final = [IndexModel(_WHICH, name="merchant_bucket_until_currency", unique=True)]


class LongerRollup(Rollup):
    """A merchant's time of its own zone in one currency: the sum of its roll-ups.

    It is from `bucket` to `until`; `without` are the parts with too many keys to be kept.
    """

    until: datetime
    without: list[str] = Field(default_factory=list)


class DayRollup(LongerRollup):
    """A day; `hours` are the totals of its hours, by the minute of the day, as MessagePack."""

    hours: bytes

    class Settings:
        """Collection and indexes."""

        name = "rollup_days"
        indexes = _OF_LONGER


class MonthRollup(LongerRollup):
    """A month that is over, the sum of its days; it goes with the first of these that changes."""

    hours: bytes  # as of a day, but of hours of the day: by the minute of the month of the first
    offsets: dict[str, int]  # by which rules: `offsets_within`
    retried: bytes  # the payers of sessions in which somebody tried again

    class Settings:
        """Collection and indexes."""

        name = "rollup_months"
        indexes = _OF_LONGER


class CustomerDay(StoredDocument):
    """What a merchant's customers paid on a UTC day, by when each payment was first heard of.

    By currency: `n` are how many payments there were, `paid` who paid each of them and how much, in
    parts (`paying.py`), as MessagePack. It goes with the first of them that changes; of what is not
    kept the payments themselves are read.
    """

    merchant_id: str
    day: datetime
    n: dict[str, int]
    paid: dict[str, list[bytes]]

    class Settings:
        """Collection and indexes."""

        name = "rollup_customers"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(_by("merchantId", "day"), name="merchant_day", unique=True),
        ]
