"""Facts added up by quarter-hour, as roll-ups keep them. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from operator import itemgetter
from typing import Final, TypeAlias, TypeVar

from msgspec import Struct, field, msgpack

from service.analytics.documents import Rollup
from service.analytics.operations.deriving import LOST, MADE
from service.analytics.operations.payers import packed
from service.analytics.states import (
    BESIDE,
    MOST_KEYS,
    QUARTER,
    REST,
    Counts,
    Kind,
    Part,
    quarter_of,
)
from service.payments.payments.states import CAME, PaymentStatus
from service.storage.database import Row

_CAME = frozenset(one.value for one in CAME)
_FAILED = PaymentStatus.FAILED.value
_SESSION, _PAYMENT, _ATTEMPT = Kind.SESSION.value, Kind.PAYMENT.value, Kind.ATTEMPT.value
_LEAD = Kind.LEAD.value
Alike: TypeAlias = tuple[str, str, str, str, str, str, str]
_ALIKE = itemgetter("currency", "kind", "state", "provider", "item", "country", "code")
Sums: TypeAlias = dict[str, dict[str, int]]
K = TypeVar("K")
PACK_PARTS: Final = msgpack.Encoder(order="sorted")
UNPACK_PARTS: Final = msgpack.Decoder(Sums)
_UNPACK_SLOTS: Final = msgpack.Decoder(dict[int, int])
_UNPACK_PAYERS: Final = msgpack.Decoder(dict[str, bytes])


class Quarter(Struct, frozen=True):
    """What was gathered of a quarter-hour, by all that tells facts apart, and by currency.

    Of payers it is how many facts name each.
    """

    groups: dict[Alike, list[int]] = field(default_factory=dict)
    payers: dict[str, dict[str, int]] = field(default_factory=dict)
    slots: dict[str, dict[int, int]] = field(default_factory=dict)


Gathered: TypeAlias = dict[datetime, Quarter]


class Bucket(Struct, frozen=True):
    """A quarter-hour in one currency: what a roll-up keeps, or what was added up just now.

    `payers_by` are those of each resource that tracked events name.
    """

    at: datetime
    currency: str
    totals: Counts
    parts: Mapping[str, Mapping[str, Counts]]
    slots: Mapping[int, int]
    payers: bytes | None
    payers_by: Mapping[str, bytes] = {}


def fold(facts: Iterable[Row]) -> list[Bucket]:
    """Return the buckets of facts, by time and currency."""
    gathered: Gathered = {}
    gather(gathered, facts)
    return buckets_of(gathered)


def gather(into: Gathered, facts: Iterable[Row], sign: int = 1) -> None:
    """Add facts, or take them away (`sign` -1); those of one quarter-hour best come together.

    The database would do it as well, by `$group`: where most facts differ in something, its rows
    are as many, and each costs it and us more than the fact does.
    """
    begins = ends = datetime.max.replace(tzinfo=UTC)
    quarter, groups = Quarter(), {}
    for row in facts:
        at = row["at"]
        if not begins <= at < ends:
            begins = quarter_of(at)
            ends = begins + QUARTER
            if (known := into.get(begins)) is None:
                known = into[begins] = Quarter()
            quarter, groups = known, known.groups
        alike = _ALIKE(row)
        if (sums := groups.get(alike)) is None:
            sums = groups[alike] = [0, 0, 0, 0, 0, 0]
        sums[0] += sign
        sums[1] += sign * row["amount"]
        if alike[1] == _SESSION:
            _gather_session(quarter, sums, row, sign)
        elif alike[1] == _PAYMENT and alike[2] in _CAME and (payer := row["payer"]) is not None:
            payers = quarter.payers.setdefault(alike[0], {})
            payers[payer] = payers.get(payer, 0) + sign


def _gather_session(quarter: Quarter, sums: list[int], row: Row, sign: int) -> None:
    if tries := row["tries"]:
        sums[2] += sign * tries
        sums[3] += sign
    if (took := row["tookMs"]) is not None:
        sums[4] += sign
        sums[5] += sign * took
        if (slot := row["slot"]) is not None:
            slots = quarter.slots.setdefault(row["currency"], {})
            slots[slot] = slots.get(slot, 0) + sign


def copy_of(quarter: Quarter) -> Quarter:
    """Return the same, to add to."""
    return Quarter(
        {alike: [*sums] for alike, sums in quarter.groups.items()},
        {currency: dict(of) for currency, of in quarter.payers.items()},
        {currency: dict(of) for currency, of in quarter.slots.items()},
    )


def buckets_of(gathered: Gathered) -> list[Bucket]:
    """Return the buckets of what was gathered, by time and currency."""
    found = []
    for at, quarter in sorted(gathered.items()):
        for currency, parts in sorted(parts_of(quarter).items()):
            kept = {part: largest(of) for part, of in parts.items()}
            payers, slots = quarter.payers.get(currency, ()), quarter.slots.get(currency, {})
            totals = totals_of(parts)
            found.append(Bucket(at, currency, totals, kept, slots, packed(payers)))
    return found


def parts_of(quarter: Quarter) -> dict[str, dict[str, Sums]]:
    """Return the counts of all keys of each part, by currency.

    Each group but those of leads has a provider beside an item, so what is by one of these is a sum
    of that.
    """
    found: dict[str, dict[str, Sums]] = {}
    for alike, sums in quarter.groups.items():
        _add_group(found.setdefault(alike[0], {}), alike, sums)
    for parts in found.values():
        for beside, counts in parts.get(Part.PROVIDER_ITEM, {}).items():
            provider, _, item = beside.partition(BESIDE)
            _add_to(parts, Part.PROVIDER, provider, counts)
            _add_to(parts, Part.ITEM, item, counts)
    return found


def totals_of(parts: Mapping[str, Sums]) -> dict[str, int]:
    """Return what all parts come to."""
    totals: dict[str, int] = {}
    for part in (Part.PROVIDER, Part.LEAD):
        for counts in parts.get(part, {}).values():
            add(totals, counts)
    return totals


def _add_group(parts: dict[str, Sums], alike: Alike, sums: Sequence[int]) -> None:
    _, kind, state, provider, item, country, code = alike
    reached = code if kind == _SESSION else ""
    counts = {name: sums[place] for name, place in _names(kind, state, reached) if sums[place]}
    # Apart: what leads are called is up to browsers, and would crowd out what is sold.
    beside = Part.LEAD if kind == _LEAD else Part.PROVIDER_ITEM
    _add_to(parts, beside, f"{provider}{BESIDE}{item}", counts)
    if kind == _PAYMENT:
        _add_to(parts, Part.COUNTRY, country, counts)
    if kind == _ATTEMPT or (kind == _PAYMENT and state == _FAILED):
        _add_to(parts, Part.CODE, code, counts)
        _add_to(parts, Part.PROVIDER_CODE, f"{provider}{BESIDE}{code}", counts)


def _add_to(parts: dict[str, Sums], part: Part, key: str, counts: dict[str, int]) -> None:
    of = parts.setdefault(part, {})
    if (total := of.get(key)) is None:
        of[key] = counts.copy()
    else:
        add(total, counts)


def add(total: dict[K, int], counts: Mapping[K, int]) -> None:
    """Add counts to a plain dict: `Counter.update`, or adding to a Counter, takes twice as long."""
    known = total.get
    for name, n in counts.items():
        total[name] = known(name, 0) + n


@cache
def _names(kind: str, state: str, reached: str) -> Sequence[tuple[str, int]]:
    """Return as what the sums of like facts count, and which sum each is."""
    names = [(kind, 0), (f"{kind}:{state}", 0)]
    if kind == _SESSION:
        names += [("retries", 2), (f"retried:{state}", 3), (f"reached:{reached}", 0)]
        names += [(f"took:{state}", 4), (f"tookMs:{state}", 5)]
    elif kind == _PAYMENT:
        names += [(f"{kind}:{state}:amount", 1)]
        names += [("paid", 0), ("gross", 1)] if state in _CAME else []
        names += [("failed", 0)] if state == _FAILED else []
    elif kind == Kind.REFUND.value and state == MADE:
        names += [("refunds", 0), ("refunded", 1)]
    elif kind == Kind.LOSS.value and state == LOST:
        names += [("losses", 0), ("lost", 1)]
    return names


def largest(of: Mapping[str, Counts], most: int = MOST_KEYS) -> Mapping[str, Counts]:
    """Return the counts of the keys with the most facts, and of all further ones together."""
    if len(of) <= most:
        return of
    ranked = sorted(of, key=lambda key: (-_size(of[key]), key))
    rest: dict[str, int] = {}
    for key in ranked[most:]:
        add(rest, of[key])
    return {key: of[key] for key in ranked[:most]} | {REST: rest}


def _size(counts: Counts) -> int:
    return sum(counts.get(kind, 0) for kind in Kind) + counts.get("n", 0)


def row_of(merchant_id: str, bucket: Bucket) -> Row:
    """Return a bucket as it is stored: the same bytes in whatever order it was added up."""
    given: Row = {
        "merchantId": merchant_id,
        "bucket": bucket.at,
        "currency": bucket.currency,
        "totals": dict(sorted(bucket.totals.items())),
        "parts": {part: PACK_PARTS.encode(of) for part, of in sorted(bucket.parts.items())},
        "slots": msgpack.encode(dict(sorted(bucket.slots.items()))),
        "payers": bucket.payers,
        "payersBy": PACK_PARTS.encode(bucket.payers_by) if bucket.payers_by else None,
    }
    return Rollup.new_row(given)


def bucket_of(row: Row) -> Bucket:
    """Return a roll-up as a bucket, with the parts that were read of it."""
    parts = {part: UNPACK_PARTS.decode(of) for part, of in row.get("parts", {}).items()}
    slots = _UNPACK_SLOTS.decode(row["slots"])
    by = _UNPACK_PAYERS.decode(row["payersBy"]) if row.get("payersBy") else {}
    return Bucket(row["bucket"], row["currency"], row["totals"], parts, slots, row["payers"], by)
