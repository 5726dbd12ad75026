"""A subscription that was nobody's when it was read: whose it is, and who hears of it then."""

from typing import Any

import pytest

from service.core.principal import Kind
from service.payments.subscriptions.operations import hint, record
from service.payments.subscriptions.operations.hint import claimed
from service.storage.database import Database, Row
from tests.subscriptions.living import emptied_of, found, handed_in
from tests.support.keys import issue_key
from tests.support.shop import Shop

_NAMED = {"sessionId": "s-1", "merchantId": "another"}


async def _opened(shop: Shop) -> None:
    """Have another merchant's server open a session, whose checkout it makes itself."""
    issued = await issue_key(shop.clock, Kind.SECRET, merchant_id="another")
    body = {"sessionId": "s-1", "userId": "user_123", "email": "ada@shop.example", "amount": 999}
    body |= {"plan": "basic", "provider": "stripe", "currency": "USD", "mode": "subscription"}
    answer = await shop.api.call("POST", "/api/checkout-sessions", issued.key, json=body)
    assert answer.status_code == 201, answer.text


async def _event(shop: Shop) -> None:
    told = found("sub_1", "unpaid", metadata=_NAMED)
    assert (await shop.api.told(shop.stripe("customer.subscription.updated", told)))["received"]


async def _row(database: Database) -> Row:
    row = await database["subscriptions"].find_one({"providerSubscriptionId": "sub_1"})
    assert row is not None
    return row


async def _told(shop: Shop) -> list[tuple[str, str]]:
    """Read it while it is nobody's, then learn twice whose it is; return who is told what."""
    await _opened(shop)
    await handed_in(shop, found("sub_1", "unpaid"), 1)
    for _ in range(2):
        await _event(shop)
    assert (await _row(shop.database))["merchantId"] == "another"
    wanted = {"topic": {"$regex": "^subscription"}}
    rows = await shop.database["outbox"].find(wanted).to_list()
    return sorted((row["merchantId"], row["topic"].partition(".")[2]) for row in rows)


async def test_its_merchant_is_told_how_it_stands_once_that_is_known(shop: Shop) -> None:
    assert await _told(shop) == [
        *(("another", "inactive"), ("another", "unpaid")),
        *(("default", "inactive"), ("default", "unpaid")),
    ]


async def test_control_else_only_the_one_that_it_was_taken_for_is_told(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def leave(*_: object) -> None: ...

    monkeypatch.setattr(hint, "tell_change", leave)
    assert {merchant for merchant, _ in await _told(shop)} == {"default"}


async def _plans(shop: Shop) -> list[str | None]:
    """Let an event and a reading name the session, in both orders; return the plan after each."""
    await _opened(shop)
    plans = []
    for order in (0, 1):
        await emptied_of(shop.database)
        await handed_in(shop, found("sub_1", "incomplete"), 1)
        steps = [_event(shop), handed_in(shop, found("sub_1", "active", metadata=_NAMED), 2)]
        for step in steps[:: 1 - 2 * order]:
            await step
        plans.append((await _row(shop.database))["plan"])
    return plans


async def test_its_plan_is_that_of_its_session_whatever_names_it_first(shop: Shop) -> None:
    assert await _plans(shop) == ["basic", "basic"]


async def test_control_where_a_reading_names_no_plan_the_order_shows(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nameless(*given: Any) -> Row:
        return claimed(*given) | {"plan": None}

    monkeypatch.setattr(record, "claimed", nameless)
    assert await _plans(shop) == ["basic", None]
