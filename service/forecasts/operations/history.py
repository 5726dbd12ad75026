"""Read a merchant's net revenue by day, without gaps: a day on which nothing happened is 0."""

from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from service.analytics.operations.figures import figures_of, total_by
from service.analytics.operations.periods import DAY, day_of, days_between, start_of
from service.analytics.operations.reading import Asked, read
from service.analytics.states import Grain
from service.forecasts.states import MOST
from service.merchants.documents import Merchant


class History(Struct, frozen=True):
    """Net revenue in minor units of each whole day from `since` until before `until`."""

    since: date
    until: date
    values: Sequence[int]


async def history_of(merchant: Merchant, currency: str, now: datetime) -> History:
    """Return the whole days until today, two years at most, from the first with anything on.

    Raises `Unavailable`.
    """
    zone = ZoneInfo(merchant.zone)
    today = day_of(now, zone)
    span = start_of(today - MOST * DAY, zone), start_of(today, zone)
    found = await read(Asked(merchant.id, [span], currency, (), Grain.DAY, merchant.zone))
    buckets = found.buckets[0]
    if not buckets:
        return History(today, today, [])
    by_day = total_by(buckets, lambda one: day_of(one.at, zone))
    days = [*days_between(min(one.at for one in buckets), span[1], zone)]
    return History(days[0], today, [figures_of(by_day.get(day, {})).net_revenue for day in days])
