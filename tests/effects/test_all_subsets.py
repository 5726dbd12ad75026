"""All sets of four of what is told of money that goes back: no order of them shows in the end."""

import itertools
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest

from service.effects import apply, disputes
from service.effects.applying import Applying
from service.payments.refunds.operations import record
from service.providers.base import VerifiedEvent
from service.sessions.operations.moving.move import Cause
from service.sessions.states import Lifetimes
from tests.bookkeeping.books import checked, post
from tests.effects.lives import LIVES
from tests.effects.remembered import Remembered
from tests.effects.returned import try_waiting
from tests.support.shop import LEFT_OUT, Shop

PROVIDERS = pytest.mark.parametrize("provider", sorted(LIVES))
# Ids of the run's own, and the times at which a row was written, not those that facts tell.
_OF_ONE_ORDER = LEFT_OUT | {"paymentId", "createdAt"}
_ROWS = ("payments", "refunds", "disputes", "payment_attempts")
_FOUR = 4
# No session is moved here.
_LIFETIMES = Lifetimes(*(timedelta(days=n) for n in (1, 2, 3, 4)))

Events = Mapping[str, VerifiedEvent]


def _sets(names: Iterable[str]) -> list[tuple[str, ...]]:
    """Return all sets of four in which the payment is: without it everything waits."""
    others = [name for name in names if name != "paid"]
    return [("paid", *some) for some in itertools.combinations(others, _FOUR - 1)]


async def _verified(shop: Shop, provider: str) -> Events:
    session = {"sessionId": "s-1", "amount": 1000, "currency": "INR"}
    adapter = shop.api.container.inbox.providers[provider]
    events = {
        name: adapter.verify(one.headers, one.body, shop.clock.now())
        for name, one in LIVES[provider](shop, session).items()
    }
    assert len({one.inbox_id for one in events.values()}) == len(events)
    return events


async def _taken(tx: Remembered, event: VerifiedEvent, shop: Shop) -> bool:
    """Apply an event to the ledger in memory; return whether it need not wait for its payment."""
    cause = Cause(event.provider, shop.clock.now(), event_id=event.inbox_id)
    doing = Applying(tx, event, cause, _LIFETIMES, "default")
    return (await apply._apply_facts(doing, None)).missing is None


async def _remembered(shop: Shop, events: Sequence[VerifiedEvent]) -> str:
    tx, waiting = Remembered(), list[VerifiedEvent]()
    for event in events:
        found = [event, *waiting]
        waiting = [one for one in found if not await _taken(tx, one, shop)]
    rows = {name: sorted(map(_kept, tx.rows[name])) for name in _ROWS}
    return json.dumps(rows, indent=1)


def _kept(row: Mapping[str, Any]) -> str:
    kept = {name: row[name] for name in row if name not in _OF_ONE_ORDER}
    return json.dumps(kept, default=str, sort_keys=True)


async def _differing(shop: Shop, provider: str, every: int = 1) -> list[str]:
    """Tell each set in all orders, or every so-many-th, in memory; return which sets differ."""
    events = await _verified(shop, provider)
    bad = []
    for some in _sets(events)[::every]:
        ends: dict[str, tuple[str, ...]] = {}
        for order in itertools.permutations(some):
            ends.setdefault(await _remembered(shop, [events[name] for name in order]), order)
        if len(ends) > 1:
            bad.append(f"{list(ends.values())}\n{_differences(list(ends))}")
    return bad


def _differences(texts: list[str]) -> str:
    lines = [set(text.splitlines()) for text in texts]
    return "\n".join(str(sorted(one - set.intersection(*lines))) for one in lines)


# So many of the sets are told in `make test`; `make soak` tells all, and on the database.
_EVERY = 6


@PROVIDERS
async def test_a_part_of_all_sets_of_four_ends_alike_in_all_orders(
    shop: Shop, provider: str
) -> None:
    bad = await _differing(shop, provider, _EVERY)
    assert not bad, f"{len(bad)} sets:\n" + "\n".join(bad[:5])


@PROVIDERS
async def test_control_where_the_last_word_stands_the_order_shows(
    shop: Shop, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def last(known: Any, said: dict[str, Any], place: int) -> dict[str, Any]:
        found: dict[str, Any] = {name: said[name] for name in said if said[name] is not None}
        return dict(known.differing(found))

    monkeypatch.setattr(record, "changes_said", last)
    assert await _differing(shop, provider, 2 * _EVERY)


async def test_control_where_a_loss_counts_by_what_comes_last_the_order_shows(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def leave(*_: object) -> None: ...

    monkeypatch.setattr(disputes, "count_dispute_once", leave)
    assert await _differing(shop, "razorpay", _EVERY)


@pytest.mark.soak
@PROVIDERS
async def test_all_sets_of_four_end_alike_in_all_orders(shop: Shop, provider: str) -> None:
    """All of them: 2,000 orders for each provider, in memory."""
    bad = await _differing(shop, provider)
    assert not bad, f"{len(bad)} sets:\n" + "\n".join(bad[:5])


async def _stored(shop: Shop, provider: str, order: Iterable[str]) -> str:
    """Tell of a session that is always the same, in a database without any other."""
    for name in ("sessions", "webhook_events", "outbox", "entries", *_ROWS):
        await shop.database[name].delete_many({})
    session = await shop.api.open(sessionId="s-1", paymentMethod=provider)
    events = LIVES[provider](shop, session)
    for name in order:
        await shop.receive(events[name])
        await try_waiting(shop)
    rows = {name: await shop.database[name].find().to_list() for name in ("sessions", *_ROWS)}
    return json.dumps({name: sorted(map(_kept, rows[name])) for name in rows}, indent=1)


@PROVIDERS
async def test_twenty_seeded_lives_end_alike_on_the_database_and_in_the_books(
    shop: Shop, provider: str
) -> None:
    drawn = random.Random(f"{provider} 20")  # noqa: S311
    for some in drawn.sample(_sets(await _verified(shop, provider)), 5):
        orders = [drawn.sample(some, _FOUR) for _ in range(2)]
        ends = [await _stored(shop, provider, order) for order in orders]
        assert ends[0] == ends[1], f"{orders}\n{_differences(ends)}"
        await post(shop)
        assert (await checked()).faults == [], orders


@pytest.mark.soak
@PROVIDERS
async def test_all_sets_of_four_end_alike_on_the_database(shop: Shop, provider: str) -> None:
    """Some ten minutes: 2,000 lives for each provider."""
    bad = []
    for some in _sets(await _verified(shop, provider)):
        ends: dict[str, tuple[str, ...]] = {}
        for order in itertools.permutations(some):
            ends.setdefault(await _stored(shop, provider, order), order)
        if len(ends) > 1:
            bad.append(f"{list(ends.values())}\n{_differences(list(ends))}")
        await post(shop)
        bad += [str(fault) for fault in (await checked()).faults]
    assert not bad, f"{len(bad)} faults:\n" + "\n".join(bad[:5])
