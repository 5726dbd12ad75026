"""What figures are made of, and what was added up."""

from service.analytics.documents.facts import (
    CacheState,
    CohortSums,
    DirtyBucket,
    Fact,
    FiguresState,
    HoursState,
    Rebuild,
    TrackedEvent,
    UnusualHour,
)
from service.analytics.documents.rollups import (
    CustomerDay,
    DayRollup,
    LongerRollup,
    MonthRollup,
    Rollup,
)

__all__ = [
    "CacheState",
    "CohortSums",
    "CustomerDay",
    "DayRollup",
    "DirtyBucket",
    "Fact",
    "FiguresState",
    "HoursState",
    "LongerRollup",
    "MonthRollup",
    "Rebuild",
    "Rollup",
    "TrackedEvent",
    "UnusualHour",
]
