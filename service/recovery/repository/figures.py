"""Named queries that add up what came of sessions that were left."""

from collections.abc import AsyncGenerator
from datetime import datetime

from msgspec import Struct

from service.recovery.documents import Recovery
from service.recovery.states import Arm, RecoveryStatus, Via
from service.storage.answering import answers_in_time
from service.storage.database import Row

_WITHIN_S = 20.0
_AT_ONCE = 500


class ArmSum(Struct, frozen=True):
    """How many sessions of an arm came to what, and by which way those that were paid."""

    arm: Arm
    status: RecoveryStatus
    via: Via | None
    count: int
    reminders: int


async def sum_by_arm(merchant_id: str, since: datetime, until: datetime) -> list[ArmSum]:
    """Return the sums of a merchant's sessions that were left in a time."""
    key = {"arm": "$arm", "status": "$status", "via": "$via"}
    sums = {"count": {"$sum": 1}, "reminders": {"$sum": "$reminders"}}
    stages: list[Row] = [
        {"$match": _within(merchant_id, since, until)},
        {"$group": {"_id": key, **sums}},
    ]
    async with answers_in_time(_WITHIN_S):
        found = await Recovery.get_pymongo_collection().aggregate(
            stages, hint="merchant_enrolledAt"
        )
        rows = await found.to_list()
    return [_sum(row) for row in rows]


async def walk_paid(
    merchant_id: str, since: datetime, until: datetime
) -> AsyncGenerator[list[tuple[Arm, list[str]]], None]:
    """Yield the arms and the payments of those that were paid; close at the end."""
    wanted = {**_within(merchant_id, since, until), "status": RecoveryStatus.PAID.value}
    found = Recovery.get_pymongo_collection().find(
        wanted, {"arm": 1, "paidBy": 1}, hint="merchant_enrolledAt"
    )
    async with found as cursor:
        while True:
            async with answers_in_time(_WITHIN_S):
                rows = await cursor.to_list(_AT_ONCE)
            if not rows:
                return
            yield [(Arm(row["arm"]), row["paidBy"]) for row in rows]


def _within(merchant_id: str, since: datetime, until: datetime) -> Row:
    return {"merchantId": merchant_id, "enrolledAt": {"$gte": since, "$lt": until}}


def _sum(row: Row) -> ArmSum:
    key = row["_id"]
    return ArmSum(
        Arm(key["arm"]),
        RecoveryStatus(key["status"]),
        Via(key["via"]) if key["via"] else None,
        row["count"],
        row["reminders"],
    )
