"""What figures are made of: facts, marks of what has changed, and how far all of it is."""

from datetime import datetime
from typing import ClassVar

from pydantic import Field, InstanceOf
from pymongo import ASCENDING, IndexModel

from service.analytics.states import Kind
from service.core.strict_json import JsonObject
from service.storage.database import EMPTY_TIME, DatabaseTime
from service.storage.documents import StoredDocument


def _by(*names: str) -> list[tuple[str, int]]:
    return [(name, ASCENDING) for name in names]


class Fact(StoredDocument):
    """One thing that is counted, as its own row stood when it was last read.

    `_id` is the kind and the key of that row, so there is never a second. `at` decides in which
    quarter-hour it counts. `payer` is a hash of the user, of a lead that nobody followed of its
    journey. `tries` are tries after the first, `took_ms` is how long it took until the end, `slot`
    that of a completed session. `source_at` is the row's `writtenAt`. Of a session `code` is how
    far it came, of a lead `state` is (`Reached`), and `provider` that of the session that came
    farthest. A fact stays when its row is purged.
    """

    id: str  # type: ignore[assignment]
    kind: Kind
    merchant_id: str
    at: datetime
    currency: str
    state: str
    amount: int = 0
    provider: str = ""
    item: str = ""
    country: str = ""
    code: str = ""
    payer: str | None = None
    tries: int = 0
    took_ms: int | None = None
    slot: int | None = None
    source_at: InstanceOf[DatabaseTime] = EMPTY_TIME

    money_fields: ClassVar[tuple[str, ...]] = ("amount",)

    class Settings:
        """Collection and indexes."""

        name = "figures_facts"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(_by("merchantId", "at"), name="merchant_at"),
            # For who tried again: few did, and these are counted without being read.
            IndexModel(
                _by("merchantId", "at", "currency", "payer", "tries"),
                name="tried_again_merchant_at_currency_payer",
                partialFilterExpression={"tries": {"$gt": 0}},
            ),
        ]


class DirtyBucket(StoredDocument):
    """A quarter-hour that is to be added up; `n` rises with each change.

    Where it is 0 nothing has changed: the roll-up that is there counts until then. `series` rises
    instead where webhooks or tracked events are to be counted, and a `rebuild` has all of it be.
    """

    merchant_id: str
    bucket: datetime
    n: int
    series: int = 0
    rebuild: bool = False

    class Settings:
        """Collection and indexes."""

        name = "figures_dirty"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(_by("merchantId", "bucket"), name="merchant_bucket", unique=True),
        ]


class FiguresState(StoredDocument):
    """How far a merchant's rows were read, by collection; `_id` is the merchant.

    All that was written before `safe`, by the database's clock, is in the facts. What was written
    before `seen` is there, too, unless it was committed late: so it is read again. `currencies` all
    have something in them, `read_at` is the process's time of the last reading. `zone` is that of
    days and months; where `days_from` is a time, days from there on are still to be made; months
    are up to `months_until`. Rows were read `batches` times, and so many facts `written`. Webhooks
    and events were counted up to `series_until`.
    Days of customers are those before `customers_until`, without `customers_left`, which have
    changed and are to be made anew.
    """

    id: str  # type: ignore[assignment]
    seen: dict[str, InstanceOf[DatabaseTime]] = Field(default_factory=dict)
    safe: dict[str, InstanceOf[DatabaseTime]] = Field(default_factory=dict)
    currencies: list[str] = Field(default_factory=list)
    read_at: datetime
    zone: str | None = None
    days_from: datetime | None = None
    months_until: datetime | None = None
    batches: int = 0
    written: int = 0
    series_until: datetime | None = None
    customers_until: datetime | None = None
    customers_left: list[datetime] = Field(default_factory=list)

    class Settings(StoredDocument.Settings):
        """Collection."""

        name = "figures_state"


class Rebuild(StoredDocument):
    """The rebuild that was begun last, all `buckets` of it marked; done when no mark is left."""

    id: str  # type: ignore[assignment]
    since: datetime
    until: datetime
    buckets: int
    begun_at: datetime

    class Settings(StoredDocument.Settings):
        """Collection."""

        name = "figures_rebuilds"


class CacheState(StoredDocument):
    """When kept answers were last to be computed anew, by a process's clock."""

    id: str  # type: ignore[assignment]
    cleared_at: datetime

    class Settings(StoredDocument.Settings):
        """Collection."""

        name = "figures_cache"


class TrackedEvent(StoredDocument):
    """What a merchant's own server reports beside the ledger; it never adds to money.

    `state` is what happened to a payment, `resource` what was accessed, `payer` a hash.
    """

    id: str  # type: ignore[assignment]
    merchant_id: str
    type: str
    state: str | None = None
    at: datetime
    transaction_id: str | None = None
    resource: str | None = None
    amount: int | None = None
    currency: str | None = None
    payer: str | None = None
    metadata: JsonObject = Field(default_factory=dict)
    purge_at: datetime

    optional_money_fields: ClassVar[tuple[str, ...]] = ("amount",)

    class Settings:
        """Collection and indexes."""

        name = "figures_events"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(_by("merchantId", "at"), name="merchant_at"),
            IndexModel(_by("purgeAt"), name="purgeAt_ttl", expireAfterSeconds=0),
        ]


class UnusualHour(StoredDocument):
    """Something of a merchant's latest hours that is unlike others, of which an alert tells.

    `_id` is made of the merchant, `rule` and `subject`: the provider and the currency.
    """

    id: str  # type: ignore[assignment]
    merchant_id: str
    rule: str
    subject: str
    what: str
    stands_until: datetime

    class Settings:
        """Collection and indexes."""

        name = "figures_unusual"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel(_by("merchantId"), name="merchant"),
            IndexModel(_by("standsUntil"), name="standsUntil_ttl", expireAfterSeconds=0),
        ]


class HoursState(StoredDocument):
    """Until when the hours of a merchant were looked at; `_id` is the merchant."""

    id: str  # type: ignore[assignment]
    looked_until: datetime

    class Settings(StoredDocument.Settings):
        """Collection."""

        name = "figures_hours"


class CohortSums(StoredDocument):
    """When a merchant's customers in one currency first came and first paid, added up by a job.

    `_id` is the merchant and the currency, `cells` are MessagePack, `made_at` is when the rows were
    read that it is of, and `version` how many facts had been written then.
    """

    id: str  # type: ignore[assignment]
    made_at: datetime
    version: int
    cells: bytes

    class Settings(StoredDocument.Settings):
        """Collection."""

        name = "figures_cohorts"
