"""Webhooks and tracked events, added up by quarter-hour beside the ledger. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final

from msgspec import structs

from service.analytics.operations.folding import Bucket, Sums, add, largest
from service.analytics.operations.payers import packed
from service.analytics.states import BESIDE, MOST_KEYS_OF_A_DAY, REST, SERIES, Part
from service.storage.database import Row

TRACKED: Final = frozenset({Part.TRACKED, Part.RESOURCE})
_COUNTED: Final = {
    Part.INCOMING: (("provider", "type", "status"), ("n", "took", "tookMs")),
    Part.OUTGOING: (("type", "status"), ("n", "took", "tookMs")),
}


def nothing(at: datetime) -> Bucket:
    """Return a quarter-hour in which nothing is counted beside the ledger."""
    return Bucket(at, SERIES, {}, {}, {}, None)


def of_webhooks(part: Part, rows: Iterable[Row]) -> dict[datetime, Bucket]:
    """Return the quarter-hours of webhooks in one direction, by their beginnings."""
    names, sums = _COUNTED[part]
    found: dict[datetime, Sums] = defaultdict(dict)
    for row in rows:
        key = BESIDE.join(row[name] for name in names)
        found[row["at"]][key] = {name: int(row[name]) for name in sums}
    return {at: structs.replace(nothing(at), parts={part: of}) for at, of in found.items()}


def of_tracked(rows: Iterable[Row]) -> dict[datetime, Bucket]:
    """Return the quarter-hours of tracked events, by their beginnings."""
    by_quarter: dict[datetime, list[Row]] = defaultdict(list)
    for row in rows:
        by_quarter[row["at"]].append(row)
    return {at: _of_tracked(at, of) for at, of in by_quarter.items()}


def _of_tracked(at: datetime, rows: Iterable[Row]) -> Bucket:
    kinds: Sums = {}
    resources: Sums = {}
    payers: set[str] = set()
    payers_by: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        key = BESIDE.join(row.get(name) or "" for name in ("type", "state", "currency"))
        add(kinds.setdefault(key, {}), {"n": row["n"], "amount": int(row["amount"])})
        payer, resource = row.get("payer"), row.get("resource")
        if resource:
            add(resources.setdefault(resource, {}), {"n": row["n"]})
        if payer:
            payers.add(payer)
            payers_by[resource or ""].add(payer)
    by = {name: packed(of) or b"" for name, of in payers_by.items() if name in resources}
    parts = {part: of for part, of in ((Part.TRACKED, kinds), (Part.RESOURCE, resources)) if of}
    return structs.replace(nothing(at), parts=parts, payers=packed(payers), payers_by=by)


def together(some: Iterable[Mapping[datetime, Bucket]]) -> dict[datetime, Bucket]:
    """Return quarter-hours with the parts of all; payers are those of tracked events."""
    found: dict[datetime, Bucket] = {}
    for buckets in some:
        for at, one in buckets.items():
            known = found.get(at, nothing(at))
            found[at] = structs.replace(
                known,
                parts={**known.parts, **one.parts},
                payers=one.payers or known.payers,
                payers_by=one.payers_by or known.payers_by,
            )
    return found


def unless_purged(known: Bucket, counted: Bucket, parts: Collection[Part]) -> Bucket:
    """Return a quarter-hour as it is counted now, but where some of its rows were purged since.

    Rows come late and change what they are, but none leaves its quarter-hour: there are fewer only
    once some are gone, and then what was counted before stays.
    """
    frozen = {part for part in parts if _count(known, part) > _count(counted, part)}
    kept = {part: (known if part in frozen else counted).parts.get(part, {}) for part in parts}
    of_payers = known if TRACKED & frozen else counted
    return structs.replace(
        counted,
        parts={part: of for part, of in kept.items() if of},
        payers=of_payers.payers,
        payers_by=of_payers.payers_by,
    )


def cut(bucket: Bucket) -> Bucket:
    """Return a quarter-hour as it is kept: with its largest resources, and the rest together."""
    tracked = {part: of for part, of in bucket.parts.items() if part in TRACKED}
    kept = {part: largest(of, MOST_KEYS_OF_A_DAY) for part, of in tracked.items()}
    by = bucket.payers_by
    if Part.RESOURCE in kept:
        by = {name: of for name, of in by.items() if name in kept[Part.RESOURCE]}
    return structs.replace(bucket, parts={**bucket.parts, **kept}, payers_by=by)


def is_cut(bucket: Bucket) -> bool:
    """Return whether a quarter-hour had more resources than are kept."""
    return any(REST in bucket.parts.get(part, {}) for part in TRACKED)


def _count(bucket: Bucket, part: Part) -> int:
    return sum(counts["n"] for counts in bucket.parts.get(part, {}).values())
