"""Read just now, and parts of this day, week and month with what they are compared with."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from service.analytics.operations.asking import ask
from service.analytics.operations.folding import Bucket
from service.analytics.operations.naming import with_items
from service.analytics.operations.periods import (
    FIRST_WEEKDAY,
    Comparison,
    this_month,
    this_week,
    today,
)
from service.analytics.operations.services import Shown
from service.analytics.repository import live
from service.analytics.repository.live import Live
from service.analytics.states import Grain
from service.storage.answering import answers_in_time
from service.storage.database import Row

Period: TypeAlias = Literal["today", "week", "month"]

MOST_RECENT: Final = 5


class Now(Struct, frozen=True):
    """The hour that has begun, today until now, what is going on, and the latest payments."""

    hour: Sequence[Bucket]
    today: Sequence[Bucket]
    live: Live
    recent: Sequence[Row]


async def read_now(shown: Shown) -> Now:
    """Return what happens just now. Raises `NoSuchCurrency`, and `Unavailable`."""
    now = shown.as_of
    wall = now.astimezone(shown.zone)
    hour = now - timedelta(minutes=wall.minute, seconds=wall.second, microseconds=wall.microsecond)
    of_hour, of_today = await ask(shown, [(hour, now), today(now, shown.zone).current])
    whose = (shown.merchant.id, shown.currency)
    async with answers_in_time():
        going_on = await live.live_of(*whose, now)
        latest = await live.recent_payments(*whose, MOST_RECENT)
        recent = await with_items(shown.merchant.id, latest)
    return Now(of_hour, of_today, going_on, recent)


def compared(shown: Shown) -> Mapping[Period, Comparison]:
    """Return the parts of this day, week and month until now, with the equal parts before."""
    first = FIRST_WEEKDAY[shown.merchant.language]
    return {
        "today": today(shown.as_of, shown.zone),
        "week": this_week(shown.as_of, shown.zone, first),
        "month": this_month(shown.as_of, shown.zone),
    }


async def read_compared(shown: Shown, *periods: Comparison) -> Sequence[Sequence[Bucket]]:
    """Return the buckets of some times, each followed by those of what it is compared with.

    Raises `NoSuchCurrency`, and `Unavailable`.
    """
    spans = [span for one in periods for span in (one.current, one.previous)]
    return await ask(shown, spans, (), Grain.DAY)
