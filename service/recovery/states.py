"""Who is reminded, when, and who is held out. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from service.core.ids import digest
from service.sessions.states import Status

MOST_REMINDERS: Final = 3
"""How often a session is reminded of at most."""

LEFT_FOR: Final = timedelta(hours=1)
"""How long nothing has happened to a session before its customer is taken to have left."""

WINDOW: Final = timedelta(hours=24)
"""How long after a session's end it is still reminded of."""

APART: Final = timedelta(hours=6)
"""How long a customer is left alone after a reminder of anything, whatever the schedule says."""

OUTCOME_AFTER: Final = timedelta(hours=72)
"""After what time what came of a session is counted."""

_QUARTER: Final = timedelta(minutes=15)
_DAY_AND_MORE: Final = 4 * 26


class Arm(StrEnum):
    """Whether a customer is reminded, or held out so that the difference can be measured."""

    REMINDED = "reminded"
    HELD_OUT = "held_out"


class RecoveryStatus(StrEnum):
    """What came of a session that was left: `waiting` is still looked at, the others are ends."""

    WAITING = "waiting"
    PAID = "paid"
    UNPAID = "unpaid"


class Via(StrEnum):
    """How the payment came: by our link, in a checkout that Stripe recovered, or otherwise."""

    LINK = "link"
    PROVIDER = "provider"
    OTHER = "other"


class Hours(Struct, frozen=True):
    """When reminders go out: hours after a session was left, and no reminder in the quiet ones.

    The quiet hours are of the day in the customer's zone, from the first up to the second; equal
    ones are none.
    """

    after: Sequence[int]
    quiet_from: int
    quiet_until: int


class Left(Struct, frozen=True, kw_only=True):
    """A session that was left: when, how often its customer was reminded, and last when."""

    at: datetime
    reminders: int = 0
    reminded_at: datetime | None = None
    until: datetime
    """When what came of it is counted."""


class Now(Struct, frozen=True, kw_only=True):
    """How a session stands when it is looked at, as its reader sees it.

    `paid`: it was paid, or its customer paid for the same thing otherwise. `under_way`: such money
    may be. `unwanted`: its customer has begun anew, has unsubscribed, or has not agreed to mail.
    """

    status: Status
    changed_at: datetime
    expires_at: datetime
    paid: bool = False
    under_way: bool = False
    unwanted: bool = False


class Remind(Struct, frozen=True):
    """A reminder is due now: the `number`th. `by_hand`: somebody wants it, whatever the hour."""

    number: int
    by_hand: bool = False


class Wait(Struct, frozen=True):
    """Nothing is due before a moment."""

    until: datetime


class End(Struct, frozen=True):
    """What came of it is known."""

    status: RecoveryStatus


Step = Remind | Wait | End


def arm_of(merchant_id: str, user_id: str, held_out_percent: int) -> Arm:
    """Return a customer's arm: by their id alone, so that it is the same for all they begin."""
    place = int(digest(f"recovery-arm\n{merchant_id}\n{user_id}")[:8], 16) % 100
    return Arm.HELD_OUT if place < held_out_percent else Arm.REMINDED


def is_left(status: Status) -> bool:
    """Return whether somebody may have left a session so: it is open or expired, and unpaid."""
    return status in {Status.PENDING, Status.EXPIRED}


def next_step(left: Left, now_is: Now, arm: Arm, hours: Hours, zone: str, now: datetime) -> Step:
    """Return what becomes of a session that was left, at a moment."""
    if now_is.paid:
        return End(RecoveryStatus.PAID)
    if now >= left.until:
        return End(RecoveryStatus.UNPAID)
    if arm is Arm.HELD_OUT or now_is.unwanted or left.reminders >= len(hours.after):
        return Wait(left.until)
    if now_is.under_way:
        return Wait(min(now + LEFT_FOR, left.until))
    if not is_left(now_is.status):
        return Wait(left.until)
    due = due_at(left, now_is, hours, zone, now)
    if due > now_is.expires_at + WINDOW or due >= left.until:
        return Wait(left.until)
    return Remind(left.reminders + 1) if due <= now else Wait(due)


def due_at(left: Left, now_is: Now, hours: Hours, zone: str, now: datetime) -> datetime:
    """Return when the next reminder may go out: not before now, and not in the quiet hours."""
    planned = left.at + timedelta(hours=hours.after[left.reminders])
    at = max(planned, now_is.changed_at + LEFT_FOR, now)
    if left.reminded_at is not None:
        at = max(at, left.reminded_at + APART)
    return after_quiet(at, zone, hours)


def after_quiet(at: datetime, zone: str, hours: Hours) -> datetime:
    """Return a moment, or the first one after it that is not in the quiet hours of a zone.

    What clocks on the wall show decides, whatever they are put forward or back: all offsets and
    their changes are multiples of a quarter of an hour.
    """
    there, found = ZoneInfo(zone), at
    for _ in range(_DAY_AND_MORE):
        if not _is_quiet(found.astimezone(there).hour, hours):
            return found
        found = _next_quarter(found)
    return found


def _is_quiet(hour: int, hours: Hours) -> bool:
    begin, end = hours.quiet_from, hours.quiet_until
    if begin <= end:
        return begin <= hour < end
    return hour >= begin or hour < end


def _next_quarter(at: datetime) -> datetime:
    since = timedelta(minutes=at.minute, seconds=at.second, microseconds=at.microsecond) % _QUARTER
    return at - since + _QUARTER
