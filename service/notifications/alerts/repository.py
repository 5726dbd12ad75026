"""Named queries on alerts, on what the service did by the minute, and on the database itself."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from service.core.clock import Clock
from service.core.paging import Cursor
from service.notifications.alerts.documents import Alert, TrafficMinute
from service.notifications.alerts.states import STANDING, AlertStatus
from service.storage.database import Row, time_of
from service.storage.paging import Walk, read_page
from service.storage.transaction import Transaction

TRAFFIC_KEPT_FOR = timedelta(days=9)
_MOST = 10_000
_STANDING: Row = {"status": {"$in": list(STANDING)}}


async def database_now(clock: Clock) -> datetime:
    """Return the present moment by the database's clock."""
    return await time_of(Alert.get_pymongo_collection().database, clock)


async def standing(rule: str, merchant_ids: Collection[str], tx: Transaction) -> list[Alert]:
    """Return the alerts of a rule and some merchants whose condition is not over."""
    wanted: Row = {"rule": rule, "merchantId": {"$in": [*merchant_ids]}, **_STANDING}
    found = Alert.get_pymongo_collection().find(wanted, session=tx.session)
    return [Alert.model_validate(row) for row in await found.to_list()]


async def insert(rows: Sequence[Row], tx: Transaction) -> None:
    """Insert alerts. Raises `Duplicate` where another transaction was quicker."""
    await tx.insert_new(Alert.get_pymongo_collection(), rows)


async def note_seen(alert: Alert, what: str, now: datetime, *, told: bool, tx: Transaction) -> None:
    """Keep that a condition was seen again, and whether it is told of again."""
    change: Row = {"$set": {"lastSeenAt": now, "what": what}}
    if told:
        change["$set"]["notifiedAt"] = now
        change["$inc"] = {"times": 1}
    await tx.update(Alert.get_pymongo_collection(), {"_id": alert.id}, change)


async def not_seen_since(rule: str, since: datetime, tx: Transaction) -> list[Alert]:
    """Return the alerts of a rule that stand, and whose condition was not seen after a time."""
    wanted: Row = {"rule": rule, "lastSeenAt": {"$lte": since}, **_STANDING}
    found = Alert.get_pymongo_collection().find(wanted, session=tx.session)
    return [Alert.model_validate(row) for row in await found.to_list()]


async def change_open(
    alert_id: str, merchant_id: str, changes: Row, tx: Transaction
) -> Alert | None:
    """Change an alert that is open, and return it as it is then; None where it is not open."""
    wanted = {"_id": {"$eq": alert_id}, "merchantId": merchant_id, "status": "open"}
    done = await Alert.get_pymongo_collection().update_one(
        wanted, {"$set": changes}, session=tx.session
    )
    return await find(alert_id, merchant_id, tx) if done.matched_count else None


async def close(alerts: Sequence[Alert], changes: Row, tx: Transaction) -> None:
    """Change alerts that were read in the same transaction."""
    await Alert.get_pymongo_collection().update_many(
        {"_id": {"$in": [one.id for one in alerts]}}, {"$set": changes}, session=tx.session
    )


async def find(alert_id: str, merchant_id: str | None, tx: Transaction) -> Alert | None:
    """Find an alert of a merchant or, for None, of any."""
    whose = {} if merchant_id is None else {"merchantId": merchant_id}
    row = await Alert.get_pymongo_collection().find_one(
        {"_id": {"$eq": alert_id}, **whose}, session=tx.session
    )
    return Alert.model_validate(row) if row else None


async def page(
    merchant_id: str | None, status: AlertStatus | None, *, cursor: Cursor | None, limit: int
) -> tuple[list[Alert], Cursor | None]:
    """Return a page of the alerts of a merchant or, for None, of all, the newest first."""
    also: Row = {} if merchant_id is None else {"merchantId": merchant_id}
    also |= {} if status is None else {"status": status}
    walk = Walk(wanted={}, by="openedAt", also=also, index="openedAt")
    rows, following = await read_page(
        Alert.get_pymongo_collection(), walk, cursor=cursor, limit=limit
    )
    return [Alert.model_validate(row) for row in rows], following


async def all_open(merchant_id: str | None, limit: int) -> list[Alert]:
    """Return the open alerts of a merchant or, for None, of all, the newest first."""
    whose = {} if merchant_id is None else {"merchantId": merchant_id}
    found = Alert.get_pymongo_collection().find(_STANDING | whose, hint="standing")
    rows = [row for row in await found.limit(_MOST).to_list() if row["status"] == "open"]
    newest = sorted(rows, key=lambda row: row["openedAt"], reverse=True)
    return [Alert.model_validate(row) for row in newest[:limit]]


async def count_open() -> dict[str, int]:
    """Count the open alerts by rule."""
    by = {"rule": "$rule", "status": "$status"}
    found = await Alert.get_pymongo_collection().aggregate(
        [{"$match": _STANDING}, {"$group": {"_id": by, "n": {"$sum": 1}}}], hint="standing"
    )
    rows = await found.to_list()
    return {row["_id"]["rule"]: row["n"] for row in rows if row["_id"]["status"] == "open"}


class Traffic(Struct, frozen=True):
    """What was counted: requests, those that failed, database calls without an answer, webhooks."""

    requests: int = 0
    failed: int = 0
    unanswered: int = 0
    webhooks: dict[str, int] = {}


async def add_traffic(counted: Traffic, now: datetime) -> None:
    """Add what a process counted to the minute of a time."""
    amounts: Row = {
        "requests": counted.requests,
        "failed": counted.failed,
        "unanswered": counted.unanswered,
        **{f"webhooks.{provider}": n for provider, n in counted.webhooks.items()},
    }
    await TrafficMinute.get_pymongo_collection().update_one(
        {"_id": _minute_of(now)},
        {"$inc": amounts, "$setOnInsert": {"purgeAt": now + TRAFFIC_KEPT_FOR}},
        upsert=True,
    )


async def traffic_between(since: datetime, until: datetime) -> Traffic:
    """Add up the minutes from a time on and before another."""
    found = TrafficMinute.get_pymongo_collection().find({"_id": {"$gte": since, "$lt": until}})
    rows = [TrafficMinute.model_validate(row) for row in await found.to_list()]
    webhooks: dict[str, int] = {}
    for row in rows:
        for provider, count in row.webhooks.items():
            webhooks[provider] = webhooks.get(provider, 0) + count
    return Traffic(
        requests=sum(row.requests for row in rows),
        failed=sum(row.failed for row in rows),
        unanswered=sum(row.unanswered for row in rows),
        webhooks=webhooks,
    )


class Disk(Struct, frozen=True):
    """Bytes of the file system on which the database keeps its data."""

    used: int
    total: int


async def disk() -> Disk | None:
    """Return how full the disk of the primary is; None where the database does not tell."""
    stats = await Alert.get_pymongo_collection().database.command("dbStats")
    if not stats.get("fsTotalSize"):
        return None
    return Disk(int(stats["fsUsedSize"]), int(stats["fsTotalSize"]))


async def write_probe(now: datetime) -> None:
    """Have the database acknowledge a write as any other: by a majority, journaled."""
    await TrafficMinute.get_pymongo_collection().update_one(
        {"_id": _minute_of(now)},
        {"$set": {"probedAt": now}, "$setOnInsert": {"purgeAt": now + TRAFFIC_KEPT_FOR}},
        upsert=True,
    )


def _minute_of(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0)
