"""A quarter-hour that was added up, as what has changed since makes it. Pure."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import TypeVar

from msgspec import Struct

from service.analytics.operations.folding import (
    Bucket,
    Quarter,
    Sums,
    add,
    largest,
    parts_of,
    totals_of,
)
from service.analytics.operations.payers import packed, union_of
from service.analytics.states import REST, Counts, Part

K = TypeVar("K")


class Shown(Struct, frozen=True):
    """What is read of buckets: one currency, or all, and some parts."""

    currency: str | None
    parts: Collection[Part]


def joined(
    stored: Mapping[str, Bucket], at: datetime, change: Quarter, of: Shown
) -> list[Bucket] | None:
    """Return the buckets of a quarter-hour: what is stored, by currency, and what has changed.

    None where that takes all facts: a payer who leaves can't be taken out of a sketch, nor a key
    out of the rest.
    """
    found = dict(stored)
    for currency, parts in parts_of(change).items():
        if of.currency not in {None, currency}:
            continue
        known = stored.get(currency, Bucket(at, currency, {}, {}, {}, None))
        made = _joined(known, change, parts, of.parts)
        if made is None:
            return None
        found[currency] = made
    return [one for one in found.values() if one.totals]


def _joined(
    known: Bucket, change: Quarter, parts: Mapping[str, Sums], shown: Collection[Part]
) -> Bucket | None:
    payers = change.payers.get(known.currency, {})
    if any(n < 0 for n in payers.values()):
        return None
    kept: dict[str, Mapping[str, Counts]] = {}
    for part in shown:
        if (of := _part(known.parts.get(part, {}), parts.get(part, {}))) is None:
            return None
        if of:
            kept[part] = of
    totals = _sum(known.totals, totals_of(parts))
    slots = _sum(known.slots, change.slots.get(known.currency, {}))
    new = packed([one for one, n in payers.items() if n])
    all_payers = union_of([one for one in (known.payers, new) if one is not None])
    return Bucket(known.at, known.currency, totals, kept, slots, all_payers)


def _part(known: Mapping[str, Counts], change: Sums) -> Mapping[str, Counts] | None:
    if REST in known:
        return None
    found = {key: dict(counts) for key, counts in known.items()}
    for key, counts in change.items():
        found[key] = _sum(found.get(key, {}), counts)
    return largest({key: counts for key, counts in found.items() if counts})


def _sum(known: Mapping[K, int], change: Mapping[K, int]) -> dict[K, int]:
    """Return sums without those that came to nothing."""
    found = dict(known)
    add(found, change)
    return {name: n for name, n in found.items() if n}
