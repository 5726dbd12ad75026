"""Where an alert stands, and when it is told of again. Pure."""

from datetime import datetime, timedelta
from typing import Literal, get_args

AlertStatus = Literal["open", "dismissed", "closed"]
"""`dismissed`: a person closed it, and its condition goes on; `closed`: the condition is over."""

STATUSES: tuple[AlertStatus, ...] = get_args(AlertStatus)
STANDING: tuple[AlertStatus, ...] = ("open", "dismissed")
"""The condition goes on: of these there is at most one for each."""

OVER_AFTER = timedelta(minutes=15)
"""A condition is over once it was not seen for so long: what comes and goes is one alert."""

_FIRST_WAITS = (timedelta(hours=1), timedelta(hours=5))
_THEN = timedelta(days=1)


def is_due(times: int, notified_at: datetime, now: datetime) -> bool:
    """Return whether an open alert of which somebody was told so many times is told of again.

    One hour after it was opened, six hours after, then once a day.
    """
    wait = _FIRST_WAITS[times - 1] if times <= len(_FIRST_WAITS) else _THEN
    return now - notified_at >= wait
