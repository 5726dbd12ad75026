"""Quarter-hours, latency slots, and the names of what is counted. Pure."""

import math
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias

QUARTER: Final = timedelta(minutes=15)
"""How long a bucket is: the offsets of all zones since 2000 are multiples of it."""

Counts: TypeAlias = Mapping[str, int]
"""What was counted, by name: `payment` and `payment:failed` are numbers, `gross` is minor units."""

NONE: Final = ""
"""The key of what has no provider, item, country or code."""

REST: Final = "\x00rest"
"""The key of all beyond the first 200."""

BESIDE: Final = "\x1f"
"""What stands between a provider and an item, where both make a key."""

MOST_KEYS: Final = 200
MOST_KEYS_OF_A_DAY: Final = 2_000
"""A part with more is not kept of a day or month: what it is the sum of answers instead."""
SERIES: Final = ""
"""The currency of the roll-ups of what has none: webhooks and tracked events."""

UNKNOWN: Final = "unknown"
OTHERS: Final = "other"

_GROWTH: Final = 1.02


class Kind(StrEnum):
    """What a fact is about."""

    SESSION = "session"
    PAYMENT = "payment"
    ATTEMPT = "attempt"
    REFUND = "refund"
    DISPUTE = "dispute"
    LOSS = "loss"
    LEAD = "lead"


class Part(StrEnum):
    """By what the counts of a bucket are told apart."""

    PROVIDER = "provider"
    ITEM = "item"
    PROVIDER_ITEM = "providerItem"
    COUNTRY = "country"
    CODE = "code"
    PROVIDER_CODE = "providerCode"
    LEAD = "lead"
    INCOMING = "incoming"
    OUTGOING = "outgoing"
    TRACKED = "tracked"
    RESOURCE = "resource"


class Reached(StrEnum):
    """How far a lead or a session came, the least first.

    `attempted`: a checkout was opened for it, or somebody tried to pay. `kept`: it was paid, and
    nothing of that was refunded or is taken by a dispute.
    """

    LEFT = "left"
    OPENED = "opened"
    ATTEMPTED = "attempted"
    PAID = "paid"
    KEPT = "kept"


class Grain(StrEnum):
    """Which times are told apart at least: what is coarser is read with less.

    `HOUR_OF_DAY` tells no days apart, only what clocks said.
    """

    QUARTER = "quarter"
    HOUR = "hour"
    HOUR_OF_DAY = "hourOfDay"
    DAY = "day"
    MONTH = "month"


def quarter_of(at: datetime) -> datetime:
    """Return when the quarter-hour of a moment begins."""
    return at.replace(minute=at.minute - at.minute % 15, second=0, microsecond=0)


def next_quarter(at: datetime) -> datetime:
    """Return the first beginning of a quarter-hour that is not before a moment."""
    begins = quarter_of(at)
    return begins if begins == at else begins + QUARTER


def slot_of(milliseconds: int) -> int:
    """Return the number of the slot that a duration falls into; each is 2 % wider than the last."""
    return math.ceil(math.log(max(milliseconds, 1)) / math.log(_GROWTH))


def middle_of(slot: int) -> int:
    """Return the duration that stands for all of a slot, at most 1 % off, in milliseconds."""
    return round(2 * _GROWTH**slot / (1 + _GROWTH))


def named(key: str) -> str:
    """Return how a key is shown: what has none is unknown, all beyond the first 200 are others."""
    return {NONE: UNKNOWN, REST: OTHERS}.get(key, key)
