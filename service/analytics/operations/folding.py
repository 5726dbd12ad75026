"""Facts that were added up by quarter-hour, as roll-ups keep them. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, TypeAlias, TypeVar

from msgspec import Struct, msgpack

from service.analytics.documents import Rollup
from service.analytics.operations.deriving import LOST, MADE
from service.analytics.operations.payers import sketch_of
from service.analytics.repository.facts import Group, Paid, Slot
from service.analytics.states import (
    BESIDE,
    MOST_KEYS,
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
Key: TypeAlias = tuple[datetime, str]
Sums: TypeAlias = dict[str, dict[str, int]]
K = TypeVar("K")
_PACK_PARTS: Final = msgpack.Encoder(order="sorted")
_UNPACK_PARTS: Final = msgpack.Decoder(Sums)
_UNPACK_SLOTS: Final = msgpack.Decoder(dict[int, int])


class Added(Struct, frozen=True):
    """What facts come to that were added up."""

    groups: Sequence[Group]
    paid: Sequence[Paid]
    slots: Sequence[Slot]


class Bucket(Struct, frozen=True):
    """A quarter-hour in one currency: what a roll-up keeps, or what was added up just now."""

    at: datetime
    currency: str
    totals: Counts
    parts: Mapping[str, Mapping[str, Counts]]
    slots: Mapping[int, int]
    payers: bytes | None


def added_of(facts: Iterable[Row]) -> Added:
    """Add up facts in memory, as the database does."""
    groups: list[Group] = []
    payers: dict[Key, set[str]] = defaultdict(set)
    slots: Counter[tuple[datetime, str, int]] = Counter()
    for row in facts:
        key = (quarter_of(row["at"]), row["currency"])
        groups.append(_group_of(row, key[0]))
        if row["kind"] == Kind.PAYMENT and row["state"] in _CAME and row["payer"] is not None:
            payers[key].add(row["payer"])
        if row["kind"] == Kind.SESSION and row["slot"] is not None:
            slots[(*key, row["slot"])] += 1
    paid = [Paid(*key, sorted(of)) for key, of in payers.items()]
    return Added(groups, paid, [Slot(*key, n) for key, n in slots.items()])


def _group_of(row: Row, bucket: datetime) -> Group:
    took = row["tookMs"]
    return Group(
        bucket=bucket,
        currency=row["currency"],
        kind=Kind(row["kind"]),
        state=row["state"],
        provider=row["provider"],
        item=row["item"],
        country=row["country"],
        code=row["code"],
        n=1,
        amount=row["amount"],
        tries=row["tries"],
        retried=int(row["tries"] > 0),
        took=int(took is not None),
        took_ms=took or 0,
    )


def fold(*added: Added) -> list[Bucket]:
    """Return the buckets of what was added up, by time and currency."""
    parts: dict[Key, dict[str, Sums]] = defaultdict(dict)
    payers: dict[Key, set[str]] = defaultdict(set)
    slots: dict[Key, Counter[int]] = defaultdict(Counter)
    for one in added:
        for group in one.groups:
            counts, of = counts_of(group), parts[group.bucket, group.currency]
            for part, key in _keys(group):
                add(of.setdefault(part, {}).setdefault(key, {}), counts)
        for paid in one.paid:
            payers[paid.bucket, paid.currency].update(paid.payers)
        for slot in one.slots:
            slots[slot.bucket, slot.currency][slot.slot] += slot.n
    return [_bucket(key, parts[key], slots[key], payers[key]) for key in sorted(parts)]


def add(total: dict[K, int], counts: Mapping[K, int]) -> None:
    """Add counts to a plain dict: `Counter.update`, or adding to a Counter, takes twice as long."""
    known = total.get
    for name, n in counts.items():
        total[name] = known(name, 0) + n


def _bucket(key: Key, parts: dict[str, Sums], slots: Counter[int], payers: set[str]) -> Bucket:
    """Return a bucket. Each group but those of leads has a provider beside an item.

    So all else is sums of these.
    """
    totals: dict[str, int] = {}
    for beside, counts in parts.get(Part.PROVIDER_ITEM, {}).items():
        provider, _, item = beside.partition(BESIDE)
        add(parts.setdefault(Part.PROVIDER, {}).setdefault(provider, {}), counts)
        add(parts.setdefault(Part.ITEM, {}).setdefault(item, {}), counts)
    for part in (Part.PROVIDER, Part.LEAD):
        for counts in parts.get(part, {}).values():
            add(totals, counts)
    largest = {part: _largest(of) for part, of in parts.items()}
    return Bucket(*key, totals, largest, dict(slots), sketch_of(payers) if payers else None)


def counts_of(group: Group) -> dict[str, int]:
    """Return what some like facts add to the counts, by name."""
    kind, state, n, amount = group.kind, group.state, group.n, group.amount
    counts = {kind.value: n, f"{kind}:{state}": n, f"{kind}:{state}:amount": amount}
    if kind is Kind.SESSION:
        counts |= {"retries": group.tries, f"retried:{state}": group.retried}
        counts[f"reached:{group.code}"] = n
        counts |= {f"took:{state}": group.took, f"tookMs:{state}": group.took_ms}
    elif kind is Kind.PAYMENT and state in _CAME:
        counts |= {"paid": n, "gross": amount}
    elif kind is Kind.PAYMENT and state == _FAILED:
        counts["failed"] = n
    elif kind is Kind.REFUND and state == MADE:
        counts |= {"refunds": n, "refunded": amount}
    elif kind is Kind.LOSS and state == LOST:
        counts |= {"losses": n, "lost": amount}
    return {name: value for name, value in counts.items() if value}


def _keys(group: Group) -> Iterable[tuple[str, str]]:
    beside = f"{group.provider}{BESIDE}{group.item}"
    # Apart: what leads are called is up to browsers, and would crowd out what is sold.
    yield (Part.LEAD if group.kind is Kind.LEAD else Part.PROVIDER_ITEM), beside
    if group.kind is Kind.PAYMENT:
        yield Part.COUNTRY, group.country
    if group.kind is Kind.ATTEMPT or (group.kind is Kind.PAYMENT and group.state == _FAILED):
        yield Part.CODE, group.code


def _largest(of: Sums) -> Mapping[str, Counts]:
    """Return the counts of the keys with the most facts, and of all further ones together."""
    if len(of) <= MOST_KEYS:
        return of
    ranked = sorted(of, key=lambda key: (-_size(of[key]), key))
    rest: dict[str, int] = {}
    for key in ranked[MOST_KEYS:]:
        add(rest, of[key])
    return {key: of[key] for key in ranked[:MOST_KEYS]} | {REST: rest}


def _size(counts: Mapping[str, int]) -> int:
    return sum(counts.get(kind, 0) for kind in Kind)


def row_of(merchant_id: str, bucket: Bucket) -> Row:
    """Return a bucket as it is stored: the same bytes in whatever order it was added up."""
    given: Row = {
        "merchantId": merchant_id,
        "bucket": bucket.at,
        "currency": bucket.currency,
        "totals": dict(sorted(bucket.totals.items())),
        "parts": {part: _PACK_PARTS.encode(of) for part, of in sorted(bucket.parts.items())},
        "slots": msgpack.encode(dict(sorted(bucket.slots.items()))),
        "payers": bucket.payers,
    }
    return Rollup.new_row(given)


def bucket_of(row: Row) -> Bucket:
    """Return a roll-up as a bucket, with the parts that were read of it."""
    parts = {part: _UNPACK_PARTS.decode(of) for part, of in row.get("parts", {}).items()}
    slots = _UNPACK_SLOTS.decode(row["slots"])
    return Bucket(row["bucket"], row["currency"], row["totals"], parts, slots, row["payers"])
