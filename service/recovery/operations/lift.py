"""What reminders bring: who was reminded against who was held out, and the money that came."""

import math
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from service.payments.history import repository as history
from service.recovery import repository
from service.recovery.operations.services import RecoveryServices
from service.recovery.repository import ArmSum
from service.recovery.states import Arm, RecoveryStatus, Via
from service.storage.answering import answers_in_time

_Z: Final = 1.959963984540054  # of an interval of 95 %
_AT_ONCE = 200


class ArmCount(Struct, frozen=True):
    """What came of an arm's customers whose outcome is known; `waiting` are the others.

    `rate` is the share that paid, None of nobody.
    """

    waiting: int
    counted: int
    paid: int
    reminders: int

    @property
    def rate(self) -> float | None:
        """Return the share that paid."""
        return self.paid / self.counted if self.counted else None


class Money(Struct, frozen=True):
    """What an arm paid in one currency, in minor units; `net` is without what went back of it."""

    arm: Arm
    currency: str
    payments: int
    paid: int
    refunded: int
    net: int


class Difference(Struct, frozen=True):
    """The share that paid of those reminded less that of those held out, with its 95 % interval."""

    by: float
    low: float
    high: float


class Lift(Struct, frozen=True):
    """What reminders brought in a time."""

    since: datetime
    until: datetime
    reminded: ArmCount
    held_out: ArmCount
    difference: Difference | None
    via: dict[str, int]
    money: Sequence[Money]


async def lift(merchant_id: str, days: int, services: RecoveryServices) -> Lift:
    """Return what reminders brought of the sessions that were left in the last days.

    Raises `Unavailable`.
    """
    until = services.clock.now()
    since = until - timedelta(days=days)
    sums = await repository.sum_by_arm(merchant_id, since, until)
    reminded, held_out = _count(sums, Arm.REMINDED), _count(sums, Arm.HELD_OUT)
    via = Counter[str]()
    for one in sums:
        if one.arm is Arm.REMINDED and one.status is RecoveryStatus.PAID:
            via[one.via or Via.OTHER] += one.count
    return Lift(
        since=since,
        until=until,
        reminded=reminded,
        held_out=held_out,
        difference=difference(reminded.paid, reminded.counted, held_out.paid, held_out.counted),
        via={one.value: via[one] for one in Via},
        money=await _money(merchant_id, repository.walk_paid(merchant_id, since, until)),
    )


def difference(paid: int, of: int, paid_without: int, of_without: int) -> Difference | None:
    """Return the difference of two shares, with its interval; None where one is of nobody.

    Newcombe's method 10 (https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>):
    it holds for few customers too, and for shares near nothing.
    """
    if not of or not of_without:
        return None
    one, other = paid / of, paid_without / of_without
    (low, high), (low_without, high_without) = _wilson(paid, of), _wilson(paid_without, of_without)
    by = one - other
    return Difference(
        by=by,
        low=by - math.hypot(one - low, high_without - other),
        high=by + math.hypot(high - one, other - low_without),
    )


def _wilson(paid: int, of: int) -> tuple[float, float]:
    share, squared = paid / of, _Z * _Z
    centre = 2 * of * share + squared
    around = _Z * math.sqrt(squared + 4 * of * share * (1 - share))
    return (centre - around) / (2 * (of + squared)), (centre + around) / (2 * (of + squared))


def _count(sums: Sequence[ArmSum], arm: Arm) -> ArmCount:
    by_status: Counter[RecoveryStatus] = Counter()
    reminders = 0
    for one in sums:
        if one.arm is arm:
            by_status[one.status] += one.count
            reminders += one.reminders
    paid, waiting = by_status[RecoveryStatus.PAID], by_status[RecoveryStatus.WAITING]
    return ArmCount(waiting, paid + by_status[RecoveryStatus.UNPAID], paid, reminders)


async def _money(
    merchant_id: str, walk: AsyncGenerator[list[tuple[Arm, list[str]]], None]
) -> Sequence[Money]:
    """Add the payments up, each once: two sessions of a customer may have come to one payment."""
    sums: dict[tuple[Arm, str], Counter[str]] = defaultdict(Counter)
    counted: set[str] = set()
    async with aclosing(walk) as lists:
        async for rows in lists:
            arms = {key: arm for arm, keys in rows for key in keys if key not in counted}
            counted |= arms.keys()
            keys = list(arms)
            for begin in range(0, len(keys), _AT_ONCE):
                async with answers_in_time():
                    some = keys[begin : begin + _AT_ONCE]
                    found = await history.payments_by_keys(merchant_id, some)
                for one in found:
                    sums[arms[str(one.id)], one.currency].update(
                        payments=1, paid=one.amount, refunded=one.refunded
                    )
    return [
        Money(
            arm,
            currency,
            one["payments"],
            one["paid"],
            one["refunded"],
            one["paid"] - one["refunded"],
        )
        for (arm, currency), one in sorted(sums.items())
    ]
