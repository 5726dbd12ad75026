"""How the facts about one payment add up, whatever order they arrive in."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeAlias

from service.core.clock import EARLIEST
from service.core.json_text import to_json_in_order


class PaymentStatus(StrEnum):
    """Where a payment stands. Wire values of the reference document, and two of ours.

    `authorized`: the money is held. `abandoned`: it was under way, and nobody could report it for
    so long, or a person decided so, that nothing waits for it any more.
    """

    PENDING = "pending"
    AUTHORIZED = "authorized"
    FAILED = "failed"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"
    REFUNDED = "refunded"
    ABANDONED = "abandoned"
    REVERSED = "reversed"


HAND = "hand:"
"""What the key of a payment begins with that was entered by hand."""

CAME = frozenset({PaymentStatus.SUCCEEDED, PaymentStatus.REFUNDED})
"""The money of these has come, whatever went back of it since."""

# Also what an entry by hand said so of, in whose place another payment stands: what the double
# entry is about.
POSTED = CAME | {PaymentStatus.REVERSED}

LIVE = frozenset({PaymentStatus.PENDING, PaymentStatus.AUTHORIZED})

# Money that moved outranks everything. Below that an attempt may fail and come back (Razorpay
# authorizes a failed payment up to days later; a Stripe intent is tried again after a decline), so
# live and failed share a rank and the later one stands.
_RANK = {
    PaymentStatus.PENDING: 1,
    PaymentStatus.AUTHORIZED: 1,
    PaymentStatus.FAILED: 1,
    PaymentStatus.CANCELED: 2,
    PaymentStatus.ABANDONED: 2,
    PaymentStatus.SUCCEEDED: 3,
    PaymentStatus.REFUNDED: 4,
    # Only an entry by hand, in whose place the real payment stands now.
    PaymentStatus.REVERSED: 5,
}
# Providers report whole seconds. Within one, the more final word wins, and a provider's over ours.
_WITHIN_A_SECOND = {
    PaymentStatus.PENDING: 0,
    PaymentStatus.AUTHORIZED: 1,
    PaymentStatus.FAILED: 2,
    PaymentStatus.ABANDONED: 1,
}


# In a place's number ranks count more than all milliseconds there are, and these more than what
# decides within a second.
_MILLISECONDS, _WITHIN = 10**15, 4


# The rank of a failure after which the payment can't be tried again: above all that may come back.
_FINAL = 2


UNSAID = -1
"""The place of what no fact has said yet."""

Place: TypeAlias = tuple[int, datetime, int]
"""A place in the total order of the facts about one payment."""


def standing(status: PaymentStatus, occurred_at: datetime, *, final: bool = False) -> Place:
    """Return the place of a fact in the total order in which the greatest one stands.

    The greatest of a set is the same in whatever order its members come: that is why the ledger
    converges. `final`: a failure that ended the whole checkout, so nothing of it can come back,
    whatever the times say (PhonePe's callbacks contain none).
    """
    rank = max(_RANK[status], _FINAL) if final else _RANK[status]
    return rank, occurred_at, _WITHIN_A_SECOND.get(status, 3)


def as_number(place: Place) -> int:
    """Return a place in the order as a number of 64 bits that compares as it does."""
    rank, at, within = place
    return (rank * _MILLISECONDS + round(at.timestamp() * 1000)) * _WITHIN + within


def moment_of(number: int) -> datetime:
    """Return the provider's time of a place's number."""
    return datetime.fromtimestamp(number // _WITHIN % _MILLISECONDS / 1000, UTC)


# The details that differ from attempt to attempt, by their stored names.
_OF_AN_ATTEMPT = frozenset(
    {
        *("chargeId", "bankReference", "methodId", "methodDetails", "madeAt"),
        *("fee", "feeCurrency", "feeTax"),
    }
)
_OF_MONEY = as_number((_RANK[PaymentStatus.SUCCEEDED], EARLIEST, 0))


def details_after(
    known: Mapping[str, object],
    places: Mapping[str, int],
    reported: Mapping[str, object],
    place: int,
    stands: int,
) -> tuple[dict[str, object], dict[str, int]]:
    """Return the details of a payment once a fact has reported some, and the places of all.

    The same for a set of facts in whatever order they come. A detail's place is the number of that
    of the fact that it is of. `place` is this fact's, `stands` the greatest yet, this one included.

    A detail of the payment is what the greatest fact says that says anything of it. Those of an
    attempt are never mixed with another's: of a payment that was paid they are what those facts say
    that report the money; else they are all of one fact, the greatest that says anything of them.
    """
    after, kept = dict(known), dict(places)
    attempt = {name: reported[name] for name in reported if name in _OF_AN_ATTEMPT}
    others = [name for name in places if name in _OF_AN_ATTEMPT]
    if stands >= _OF_MONEY:
        gone = [name for name in others if places[name] < _OF_MONEY]
        taken = place >= _OF_MONEY
    else:
        before = max((places[name] for name in others), default=-1)
        taken = bool(attempt) and _is_greater(
            (place, attempt), (before, {name: known[name] for name in others})
        )
        gone = others if taken else []
    for name in gone:
        del after[name], kept[name]
    for name, value in reported.items():
        if taken or name not in attempt:
            _take(after, kept, name, value, place)
    return after, kept


def said_by_the_greatest(
    known: Mapping[str, object],
    places: Mapping[str, int],
    said: Mapping[str, object],
    place: int,
) -> tuple[dict[str, object], dict[str, int]]:
    """Return the fields of a row once a fact has said some, and the places of all.

    Each is as the greatest of all facts has it that says anything of it, in whatever order they
    come; where two stand in one place, the greater value. What has no place yet gives way.
    """
    after, kept = dict(known), {**dict.fromkeys(known, UNSAID), **places}
    for name, value in said.items():
        if value is not None:
            _take(after, kept, name, value, place)
    return after, {name: kept[name] for name in kept if kept[name] != UNSAID}


def _take(
    after: dict[str, object], kept: dict[str, int], name: str, value: object, place: int
) -> None:
    """Take a detail from the greater fact.

    What stands there without a place is of before there were places: it stays.
    """
    before = after.get(name)
    if before is not None:
        other = kept.get(name)
        if other is None or not _is_greater((place, value), (other, before)):
            return
    after[name], kept[name] = value, place


def _is_greater(one: tuple[int, object], other: tuple[int, object]) -> bool:
    """Compare what two facts say: by their places, in one place by the content."""
    if one[0] != other[0] or one[1] == other[1]:
        return one[0] > other[0]
    first, second = (to_json_in_order(said[1]) for said in (one, other))
    return first > second
