"""Whose a subscription is: a session's that proves it has begun it, whatever names it besides."""

from datetime import timedelta
from typing import Any

import pytest

from service.core.clock import ManualClock
from service.effects import subscriptions as effects
from service.payments.subscriptions import repository
from service.payments.subscriptions.documents import Subscription
from service.storage.database import Database, Row
from tests.sandbox.lab import Lab
from tests.sessions.asking import put_price, token_of
from tests.subscriptions.living import USER, Living, begun, found, handed_in
from tests.support.events import Delivery, stripe_event

OTHER = "user_456"
CREATE = {True: "/api/payments/create-checkout", False: "/api/checkout-sessions"}
STATUS = "/api/payment/subscription-status"


def _token(lab: Lab) -> str:
    clock = lab.sandbox.clock
    assert isinstance(clock, ManualClock)
    return token_of(OTHER, clock)


async def _open(lab: Lab, session_id: str, *, checkout: bool = True) -> None:
    """Open a session of another user's by an id of their choice."""
    await put_price(lab.api, "basic", 999)
    body = {"sessionId": session_id, "email": "eve@shop.example", "plan": "basic"}
    body |= {"provider": "stripe", "currency": "USD", "mode": "subscription"}
    answer = await lab.api.call("POST", CREATE[checkout], _token(lab), json=body)
    assert answer.status_code == 201, answer.text


async def _taken_anew(lab: Lab, database: Database) -> Living:
    """Begin a subscription, purge its session, and have another user open one by the same id."""
    living = await begun(lab, database)
    await living.arrive()
    await database["sessions"].delete_many({})
    assert isinstance(lab.sandbox.clock, ManualClock)
    lab.sandbox.clock.advance(timedelta(days=1))
    await _open(lab, living.session_id)
    return living


async def _renewed(lab: Lab, database: Database) -> set[str]:
    """Return whose the payments are once it was renewed."""
    living = await _taken_anew(lab, database)
    await living.pass_days(31)
    assert (await living.row())["userId"] == USER
    rows = await database["payments"].find({}).to_list()
    assert len(rows) == 2
    return {row["userId"] for row in rows}


async def test_a_renewal_is_not_of_who_took_the_id_of_its_session_anew(
    lab: Lab, database: Database
) -> None:
    assert await _renewed(lab, database) == {USER}


def _believe_the_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effects, "session_of", lambda _, session, **__: session)
    monkeypatch.setattr(effects, "_is_of", lambda *_: True)


async def test_control_by_the_id_alone_it_is_theirs(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    _believe_the_name(monkeypatch)
    assert await _renewed(lab, database) == {USER, OTHER}


async def _shown(lab: Lab, database: Database) -> list[Any]:
    """Return what a later session of the id is told of subscriptions."""
    living = await _taken_anew(lab, database)
    body = {"sessionId": living.session_id}
    path = "/api/payment/verify-checkout-session"
    verified = await lab.api.call("POST", path, _token(lab), json=body)
    assert verified.status_code == 200, verified.text
    answer = await lab.api.call("GET", f"/api/payment-sessions/{living.session_id}/timeline")
    lines = [one for one in answer.json()["entries"] if one["what"] == "subscription"]
    return [verified.json()["subscription"], *lines]


async def test_a_later_session_of_the_id_is_told_nothing_of_it(
    lab: Lab, database: Database
) -> None:
    assert await _shown(lab, database) == [None]


async def test_control_without_the_time_of_its_opening_it_is_told(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def by_id(merchant_id: str, session_id: str, _: Any) -> list[Subscription]:
        rows = await database["subscriptions"].find({"sessionId": session_id}).to_list()
        return [Subscription.model_validate(row) for row in rows]

    monkeypatch.setattr(repository, "of_session", by_id)
    assert len(await _shown(lab, database)) > 1


def _of_another_system(lab: Lab, **metadata: str) -> list[Delivery]:
    """Make events about a subscription that another system of the shop has opened."""
    named = {"sessionId": "shop-1042"} | metadata
    now = int(lab.sandbox.clock.now().timestamp())
    invoice = {"id": "in_shop", "amount_paid": 999, "currency": "usd", "customer": "cus_shop"}
    invoice["parent"] = {"subscription_details": {"metadata": named, "subscription": "sub_shop"}}
    about = {
        "customer.subscription.updated": found("sub_shop", "active", metadata=named),
        "invoice.paid": invoice,
    }
    return [stripe_event(kind, about[kind], created=now, signed_at=now) for kind in about]


async def _met(lab: Lab, database: Database) -> list[Row | None]:
    """Let another system's subscription meet a session of its name; return the rows of both."""
    for one in _of_another_system(lab):
        assert (await lab.api.told(one))["received"]
    await handed_in(lab, found("sub_shop", "active", metadata={"sessionId": "shop-1042"}), 9)
    subscription = await database["subscriptions"].find_one({"userId": OTHER})
    return [subscription, await database["payments"].find_one({"userId": OTHER})]


@pytest.mark.parametrize("checkout", [True, False])
async def test_another_system_s_subscription_is_of_no_user_who_took_its_name(
    lab: Lab, database: Database, checkout: bool
) -> None:
    await _open(lab, "shop-1042", checkout=checkout)
    assert await _met(lab, database) == [None, None]
    cancel = {"subscriptionId": "sub_shop", "atPeriodEnd": False}
    path = "/api/payment/cancel-subscription"
    answer = await lab.api.call("POST", path, _token(lab), json=cancel)
    assert answer.status_code == 404, answer.text


async def test_control_by_its_name_alone_it_is_theirs_to_end(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    _believe_the_name(monkeypatch)
    await _open(lab, "shop-1042")
    assert None not in await _met(lab, database)
    answer = await lab.api.call("GET", STATUS, _token(lab))
    assert answer.json()["subscription"]["subscriptionId"] == "sub_shop"


async def test_what_a_server_names_is_of_the_session_that_it_opened(
    lab: Lab, database: Database
) -> None:
    body = {"sessionId": "shop-1042", "userId": USER, "email": "ada@shop.example", "amount": 999}
    body |= {"plan": "basic", "provider": "stripe", "currency": "USD", "mode": "subscription"}
    answer = await lab.api.call("POST", CREATE[False], json=body)
    assert answer.status_code == 201, answer.text
    for one in _of_another_system(lab):
        assert (await lab.api.told(one))["received"]
    row = await database["subscriptions"].find_one({})
    assert row is not None
    assert (row["sessionId"], row["userId"]) == ("shop-1042", USER)
    live = stripe_live(lab)
    assert (await lab.api.told(live))["received"]
    other = await database["subscriptions"].find_one({"providerSubscriptionId": "sub_live"})
    assert other is not None
    assert (other["live"], other["sessionId"]) == (True, None)


def stripe_live(lab: Lab) -> Delivery:
    """Make an event of the other mode that names the session, too."""
    now = int(lab.sandbox.clock.now().timestamp())
    named = found("sub_live", "active", metadata={"sessionId": "shop-1042"}, livemode=True)
    kind = "customer.subscription.updated"
    return stripe_event(kind, named, created=now, signed_at=now, livemode=True)
