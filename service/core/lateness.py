"""Rows that are written when their time has been counted already."""

from datetime import datetime, timedelta
from typing import Final

LATE_AFTER: Final = timedelta(minutes=5)
"""From when on whoever writes a row must say that its time is to be counted anew.

Figures count a time ten minutes later than this, so that processes' clocks may differ by as much.
"""


def is_late(at: datetime, now: datetime) -> bool:
    """Return whether the time at which a row counts may have been counted before it is written."""
    return now - at > LATE_AFTER
