"""Read what becomes of sessions."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from msgspec import Struct

from service.analytics.operations.asking import ask
from service.analytics.operations.folding import Bucket
from service.analytics.operations.periods import last_days, today
from service.analytics.operations.retrying import count_who_retried
from service.analytics.operations.services import Shown
from service.analytics.repository import live
from service.analytics.repository.facts import Span
from service.analytics.states import Grain, Part
from service.storage.answering import answers_in_time

_WEEK: Final = 7
_HOUR: Final = timedelta(hours=1)


class Health(Struct, frozen=True):
    """How many sessions wait to be paid for longer than an hour."""

    pending_older_than_hour: int


class Sessions(Struct, frozen=True):
    """The sessions of some days, of the last seven, and of today."""

    buckets: Sequence[Bucket]
    week_span: Span
    week: Sequence[Bucket]
    today: Sequence[Bucket]
    users_who_retry: int
    health: Health


async def read_sessions(shown: Shown, days: int) -> Sessions:
    """Return what becomes of sessions. Raises `NoSuchCurrency`, and `Unavailable`."""
    span = last_days(days, shown.as_of, shown.zone)
    week = last_days(_WEEK, shown.as_of, shown.zone)
    totals_of = [week, today(shown.as_of, shown.zone).current]
    # No month is in a week: that one comes as its days.
    of_days, of_week, of_today = await ask(shown, [span], [Part.ITEM], Grain.MONTH, totals_of)
    retried = await count_who_retried(shown, span)
    async with answers_in_time():
        waiting = await live.pending_since(
            shown.merchant.id, shown.currency, shown.as_of - _HOUR, shown.as_of
        )
    return Sessions(of_days, week, of_week, of_today, retried, Health(waiting))
