"""What a month is kept as: the sums of its days, also by hour, and who tried again in it."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from service.analytics.documents import MonthRollup
from service.analytics.operations.days import hours_of, is_day, longer_row, packed_hours
from service.analytics.operations.folding import Bucket, bucket_of
from service.analytics.operations.payers import packed, union_of
from service.analytics.operations.periods import offsets_within
from service.analytics.operations.spans import apart_from
from service.analytics.repository import facts, longer, rollups
from service.analytics.repository.facts import Span, Which
from service.analytics.repository.rollups import Wanted
from service.analytics.states import Part
from service.storage.database import Row
from service.storage.transaction import Transaction


async def rows_of_month(
    merchant_id: str, month: Span, zone: ZoneInfo, tx: Transaction
) -> list[Row]:
    """Return a month as it is stored, one for each currency. Raises `OverflowError`."""
    of_each: dict[str, list[Row]] = defaultdict(list)
    for one in await _parts_of(merchant_id, month, zone, tx):
        of_each[one["currency"]].append(one)
    which = Which(merchant_id, [month])
    found = []
    for currency, of in of_each.items():
        without = {part for one in of for part in one.get("without", ())}
        row = longer_row(merchant_id, month, [bucket_of(one) for one in of], without)
        row["hours"] = _hours_of_day(month[0], of, zone)
        row["offsets"] = offsets_within(month, zone)
        retried = [packed(some) async for some in facts.who_retried(which, currency, tx)]
        row["retried"] = union_of(one for one in retried if one) or b""
        found.append(MonthRollup.new_row(row))
    return found


def _hours_of_day(begins: datetime, parts: Sequence[Row], zone: ZoneInfo) -> bytes:
    hours: list[Bucket] = []
    for one in parts:
        hours += hours_of(one) if "hours" in one else [bucket_of(one)]
    hours.sort(key=lambda one: one.at)
    return packed_hours(begins, hours, lambda at: at.astimezone(zone).hour)


async def _parts_of(merchant_id: str, month: Span, zone: ZoneInfo, tx: Transaction) -> list[Row]:
    """Return the days of a month, and the quarter-hours that are in none.

    Where the rules of a zone were others when a day was made, it may reach into another month.
    """
    made = await longer.days_of(merchant_id, month, tx)
    days = [one for one in made if is_day((one["bucket"], one["until"]), zone)]
    taken = sorted({(one["bucket"], one["until"]) for one in days})
    wanted = Wanted(merchant_id, apart_from(month, taken), None, [*Part])
    return days + await rollups.within(wanted, tx)
