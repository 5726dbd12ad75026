"""What a month is kept as: the sums of its days, and who tried again in it."""

from collections import defaultdict
from zoneinfo import ZoneInfo

from service.analytics.documents import MonthRollup
from service.analytics.operations.days import is_day, longer_row
from service.analytics.operations.folding import bucket_of
from service.analytics.operations.payers import packed
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
        retried = packed(await facts.who_retried(which, currency, tx)) or b""
        found.append(MonthRollup.new_row(row | {"retried": retried}))
    return found


async def _parts_of(merchant_id: str, month: Span, zone: ZoneInfo, tx: Transaction) -> list[Row]:
    """Return the days of a month, and the quarter-hours that are in none.

    Where the rules of a zone were others when a day was made, it may reach into another month.
    """
    made = await longer.days_of(merchant_id, month, tx)
    days = [one for one in made if is_day((one["bucket"], one["until"]), zone)]
    taken = sorted({(one["bucket"], one["until"]) for one in days})
    wanted = Wanted(merchant_id, apart_from(month, taken), None, [*Part])
    return days + await rollups.within(wanted, tx)
