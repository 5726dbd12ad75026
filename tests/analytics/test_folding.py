"""What is added up of facts is each fact once, in any order, also beyond the first 200 keys."""

import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from service.analytics.operations.folding import (
    Bucket,
    Gathered,
    Quarter,
    bucket_of,
    fold,
    gather,
    row_of,
)
from service.analytics.operations.joining import Shown, joined
from service.analytics.states import BESIDE, MOST_KEYS, REST, Part
from service.storage.database import Row
from tests.conftest import NOON

ITEMS = MOST_KEYS + 40


def _fact(draw: random.Random, n: int) -> Row:
    paid = draw.random() < 0.7
    return {
        "_id": f"payment:{n}",
        "kind": "payment",
        "at": NOON + timedelta(seconds=draw.randrange(900)),
        "currency": "USD",
        "state": "succeeded" if paid else "failed",
        "amount": draw.randrange(1000),
        "provider": draw.choice(["stripe", "razorpay"]),
        "item": f"plan-{n % ITEMS if n < 2 * ITEMS else 0}",
        "country": draw.choice(["DE", "IN"]),
        "code": "" if paid else "bank_timeout",
        "payer": f"user-{n % 7}",
        "tries": 0,
        "tookMs": None,
        "slot": None,
    }


def _facts() -> list[Row]:
    draw = random.Random(1)  # noqa: S311 - no secret
    return [_fact(draw, n) for n in range(3 * ITEMS)]


def _stored(rows: list[Row]) -> Row:
    [bucket] = fold(rows)
    row = row_of("default", bucket)
    row.pop("_id", None)
    return row


def _keys_of(row: Row) -> dict[Part, str]:
    keys = {part: row[part.value] for part in (Part.PROVIDER, Part.ITEM, Part.COUNTRY)}
    return keys | {Part.PROVIDER_ITEM: f"{row['provider']}{BESIDE}{row['item']}"}


def _gross(bucket: Bucket, part: Part) -> dict[str, int]:
    return {key: counts.get("gross", 0) for key, counts in bucket.parts[part].items()}


@pytest.mark.parametrize("part", [Part.PROVIDER, Part.ITEM, Part.PROVIDER_ITEM, Part.COUNTRY])
def test_each_part_is_one_pass_and_comes_to_the_totals(part: Part) -> None:
    rows = _facts()
    bucket = bucket_of(_stored(rows))
    paid = [row for row in rows if row["state"] == "succeeded"]
    expected: Counter[str] = Counter()
    for row in paid:
        expected[_keys_of(row)[part]] += row["amount"]
    found = _gross(bucket, part)
    rest = found.pop(REST, 0)
    assert found.items() <= expected.items() | {(key, 0) for key in found}
    assert len(found) == min(len({_keys_of(row)[part] for row in rows}), MOST_KEYS)
    assert sum(found.values()) + rest == sum(row["amount"] for row in paid)
    assert bucket.totals["gross"] == sum(row["amount"] for row in paid)
    assert bucket.totals["payment"] == len(rows)


def test_the_stored_bytes_are_the_same_in_any_order() -> None:
    rows = _facts()
    shuffled: list[Any] = random.Random(2).sample(rows, len(rows))  # noqa: S311 - no secret
    assert _stored(shuffled) == _stored(rows)


def test_control_one_fact_less_are_other_bytes() -> None:
    rows = _facts()
    assert _stored(rows[1:])["parts"] != _stored(rows)["parts"]


def _changed(before: list[Row], after: list[Row]) -> Quarter:
    change: Gathered = {}
    gather(change, after)
    gather(change, before, -1)
    return change.get(NOON, Quarter())


@pytest.mark.parametrize("count", [3, 60])
def test_what_is_added_up_and_what_has_changed_is_one_pass(count: int) -> None:
    """Also where all of a key leaves, and with more payers than are kept by name."""
    draw = random.Random(count)  # noqa: S311 - no secret
    rows = [_fact(draw, n) | {"item": "", "payer": f"user-{n}"} for n in range(count)]
    kept = rows[count // 2 :]
    unread = [row | {"item": "gold", "amount": 7, "country": "US"} for row in rows[: count // 2]]
    unread += [_fact(draw, count) | {"payer": "user-new"}]
    stored = {one.currency: one for one in fold(rows)}
    made = joined(stored, NOON, _changed(rows[: count // 2], unread), Shown(None, [*Part]))
    assert made == fold([*kept, *unread])


def test_what_sums_can_not_tell_is_added_up_anew() -> None:
    """A payer who leaves, and a key that may be in the rest; what left as a whole is gone."""
    rows = [one | {"state": "succeeded"} for one in _facts()]
    shown = Shown(None, [Part.ITEM])
    [stored] = fold(rows)
    assert joined({"USD": stored}, NOON, _changed([], rows[:1]), shown) is None
    assert joined({"USD": stored}, NOON, _changed(rows[:1], []), Shown(None, [])) is None
    failed = [one | {"state": "failed"} for one in rows[:2]]
    assert joined({"USD": fold(failed)[0]}, NOON, _changed(failed, []), shown) == []
    more = _changed([], rows)
    assert joined({}, NOON, more, Shown(None, [*Part])) == fold(rows)
    assert joined({}, NOON, more, Shown("EUR", [*Part])) == []
