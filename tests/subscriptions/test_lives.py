"""Random lives end as a plain oracle has it, whatever came twice, late or never."""

import itertools
import json
import random
from collections.abc import Iterator

import pytest

from service.effects import subscriptions as effects
from service.payments.subscriptions.operations import record
from service.payments.subscriptions.operations.hint import note_hint
from service.providers.base import VerifiedEvent
from tests.subscriptions.lives import Told, begun, judged
from tests.subscriptions.living import emptied_of
from tests.subscriptions.telling import InMemory, Ledger, OnDatabase, answered, heal, live, verified
from tests.support.shop import Shop

_SEED = 18


async def _lived(shop: Shop, ledger: Ledger, number: int) -> list[str]:
    drawn = random.Random(f"{_SEED} {number}")  # noqa: S311
    told = begun(number)
    await live(shop, ledger, told, drawn)
    [row] = await ledger.rows("subscriptions")
    said = [one for one in await ledger.rows("outbox") if one["topic"] == "subscription.inactive"]
    wrong = judged(told, row, await ledger.rows("payments"), len(said))
    return [f"life {number}: {one}" for one in wrong]


async def _all(shop: Shop, numbers: range) -> list[str]:
    found = [await _lived(shop, InMemory(shop.clock), number) for number in numbers]
    return [one for wrong in found for one in wrong]


async def test_three_hundred_random_lives_end_as_the_oracle_has_it(shop: Shop) -> None:
    assert await _all(shop, range(300)) == []


@pytest.mark.soak
async def test_three_thousand_random_lives_end_as_the_oracle_has_it(shop: Shop) -> None:
    """A minute or more, in memory."""
    assert await _all(shop, range(3000)) == []


async def _on_the_database(shop: Shop, numbers: range) -> list[str]:
    wrong = []
    for number in numbers:
        await emptied_of(shop.database)
        await shop.database["payments"].delete_many({})
        await shop.database["payment_attempts"].delete_many({})
        wrong += await _lived(shop, OnDatabase(shop), number)
    return wrong


async def test_twenty_random_lives_on_the_database_end_as_the_oracle_has_it(shop: Shop) -> None:
    assert await _on_the_database(shop, range(20)) == []


@pytest.mark.soak
async def test_many_random_lives_on_the_database_end_as_the_oracle_has_it(shop: Shop) -> None:
    """Some minutes: each has some thirty events."""
    assert await _on_the_database(shop, range(300)) == []


async def test_control_where_the_last_answer_stands_lives_end_otherwise(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record, "outranks", lambda *_: True)
    assert await _all(shop, range(40))


async def test_control_where_a_reading_covers_every_hint_lives_end_otherwise(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forgetful(tx: object, *given: object) -> None:
        await note_hint(tx, *given)  # type: ignore[arg-type]
        for row in tx.rows["subscriptions"]:  # type: ignore[attr-defined]
            row["wanted"] = min(row["wanted"], 1)
            row["unread"] = row["answered"] < row["wanted"]

    monkeypatch.setattr(effects, "note_hint", forgetful)
    assert await _all(shop, range(40))


def _story() -> Told:
    """Tell a life in which everything happens once: ten events and more."""
    drawn, told = random.Random("a story"), begun(1)  # noqa: S311
    while len(told.events) < 10 or told.oracle.status != "canceled":
        told.act(drawn)
    return told


def _sets(told: Told) -> Iterator[tuple[VerifiedEvent, ...]]:
    events = [verified(one) for one in told.events[:5] + told.events[-5:]]
    return itertools.combinations(events, 4)


async def _end(shop: Shop, told: Told, order: tuple[VerifiedEvent, ...], between: bool) -> str:
    """Tell events in an order, read in between or only in the end; return what is left of it."""
    ledger = InMemory(shop.clock)
    for event in order:
        await ledger.tell(event)
        if between and await ledger.rows("subscriptions"):
            number = await ledger.number(told.id)
            await ledger.tell(answered(shop, told, told.answer(), number))
    if await ledger.rows("subscriptions"):
        await heal(shop, ledger, told)
    left_out = {"_id", "history", "asked", "answered", "seq", "wanted"}
    left_out |= {"readAt", "updatedAt"}
    kept = [
        {name: row[name] for name in row if name not in left_out}
        for row in await ledger.rows("subscriptions")
    ]
    amounts = {
        row["providerPaymentId"]: (row["status"], row["amount"], row["aliases"])
        for row in await ledger.rows("payments")
    }
    return json.dumps([kept, sorted(amounts.items())], default=str, sort_keys=True)


async def _differing(shop: Shop, every: int) -> list[str]:
    told, bad = _story(), []
    for some in list(_sets(told))[::every]:
        orders = itertools.permutations(some)
        ends = {
            await _end(shop, told, order, between=place % 2 == 1)
            for place, order in enumerate(orders)
        }
        if len(ends) > 1:
            bad.append(f"{[one.type for one in some]}: {sorted(ends)[:2]}")
    return bad


async def test_sets_of_four_events_end_alike_in_all_orders_once_it_is_read(shop: Shop) -> None:
    assert await _differing(shop, 14) == []


@pytest.mark.soak
async def test_all_sets_of_four_events_end_alike_in_all_orders(shop: Shop) -> None:
    """Five thousand orders, in memory."""
    assert await _differing(shop, 1) == []


def test_an_event_that_names_no_subscription_asks_for_none(shop: Shop) -> None:
    session = {"sessionId": "s-1", "amount": 1000, "currency": "USD"}
    provider = shop.api.container.inbox.webhook_providers["stripe"]
    paid = shop.stripe_paid(session)
    event = provider.verify(paid.headers, paid.body, shop.clock.now())
    assert event.facts
    assert effects.subscriptions_of(event) == []
    named = verified(begun(1).events[0])
    assert len(effects.subscriptions_of(named)) == 1
