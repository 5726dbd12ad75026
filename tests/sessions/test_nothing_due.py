"""Nothing due completes without a provider, by whoever confirms the order, and on the record.

Nobody plays a provider here: a call to one would end in a 502 or a 504.
"""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from service.core.clock import ManualClock
from service.core.errors import Busy
from service.core.principal import Kind, Principal
from service.sessions import repository
from service.sessions.operations.caller import Caller
from service.sessions.operations.opening import complete_free
from service.storage.database import Database
from tests.sessions.asking import (
    CREATE_CHECKOUT,
    PAYMENTS,
    change,
    checkout_body,
    fields_of,
    payment_body,
    problem,
    put_coupon,
    put_price,
    token_of,
)
from tests.support.api import PUBLISHABLE, SECRET, Api

_VERIFY = "/api/payment/verify-checkout-session"
_HOME = "http://127.0.0.1:8000"


async def _catalog(api: Api) -> None:
    for currency in ("USD", "INR"):
        await put_price(api, "event_456", 1000, currency)
        await put_price(api, "premium", 2999, currency)
    await put_coupon(api, "GUEST", basisPoints=10_000)


def _ticket(**changes: Any) -> dict[str, Any]:
    usual = {"sessionId": "s-1", "amount": None, "couponCode": "GUEST", "metadata": None}
    return payment_body(**(usual | changes))


def _plan(**changes: Any) -> dict[str, Any]:
    usual = {"sessionId": "s-1", "amount": None, "couponCode": "GUEST", "currency": None}
    return checkout_body(**(usual | changes))


async def _written(database: Database) -> dict[str, Any]:
    """What a completion leaves besides the session: messages, the audit, and no payment."""
    topics = [row["topic"] async for row in database["outbox"].find({})]
    acts = await database["audit_log"].find({"action": {"$regex": "^session"}}).to_list()
    assert await database["payments"].count_documents({}) == 0
    return {
        "topics": topics,
        "acts": [(row["actor"].partition(":")[0], row["reason"]) for row in acts],
    }


@pytest.mark.parametrize(
    "body",
    [
        _ticket(paymentMethod="stripe"),
        _ticket(paymentMethod="razorpay"),
        _ticket(paymentMethod="phonepe"),
        _ticket(paymentMethod="upi"),
        _plan(provider="razorpay"),
        _plan(mode="subscription"),
    ],
    ids=["stripe", "razorpay", "phonepe", "upi", "link", "subscription"],
)
async def test_nothing_due_completes_at_every_provider_without_it(
    api: Api, database: Database, body: dict[str, Any]
) -> None:
    await _catalog(api)
    home = f"{_HOME}/thanks"
    answer = await api.call("POST", CREATE_CHECKOUT, PUBLISHABLE, json=body | {"successUrl": home})
    assert answer.status_code == 201, answer.text
    opened = answer.json()
    assert (opened["status"], opened["amount"]) == ("completed", 0)
    assert (opened["checkoutUrl"], opened["providerSessionId"]) == (home, None)
    session = await api.read("s-1")
    assert (session["status"], session["late"], session["attempts"]) == ("completed", False, 0)
    assert [move["to"] for move in session["history"]] == ["pending", "completed"]
    last = session["history"][-1]
    assert (last["by"].partition(":")[0], last["reason"]) == ("publishable", "nothing was due")
    assert await _written(database) == {
        "topics": ["session.completed"],
        "acts": [("publishable", "nothing was due")],
    }


async def test_opening_alone_waits_for_who_confirms_and_a_double_click_confirms_once(
    api: Api, database: Database, clock: ManualClock
) -> None:
    await _catalog(api)
    key = token_of("user_123", clock)
    opened = await api.call("POST", PAYMENTS, key, json=_ticket())
    session = opened.json()["session"]
    assert (session["status"], session["amount"]) == ("pending", 0)
    answers = await asyncio.gather(
        *(api.call("POST", CREATE_CHECKOUT, key, json={"sessionId": "s-1"}) for _ in range(5))
    )
    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    again = await api.call("POST", CREATE_CHECKOUT, key, json={"sessionId": "s-1"})
    assert (again.status_code, again.json()["status"]) == (200, "completed")
    assert again.json()["checkoutUrl"].startswith(f"{_HOME}/shop/return?sessionId=s-1")
    written = await _written(database)
    assert written == {"topics": ["session.completed"], "acts": [("user", "nothing was due")]}


async def test_a_server_that_asks_how_it_stands_confirms_it_while_it_is_open(
    api: Api, clock: ManualClock
) -> None:
    await _catalog(api)
    for session_id in ("s-1", "s-2"):
        await api.call("POST", PAYMENTS, SECRET, json=_ticket(sessionId=session_id))
    answer = await api.call("POST", _VERIFY, json={"sessionId": "s-1"})
    assert (answer.json()["paid"], answer.json()["session"]["status"]) == (True, "completed")
    clock.advance(timedelta(hours=1))
    answer = await api.call("POST", _VERIFY, json={"sessionId": "s-2"})
    assert (answer.json()["paid"], answer.json()["session"]["status"]) == (False, "expired")


async def test_an_expired_one_is_retried_and_a_canceled_one_is_not(
    api: Api, clock: ManualClock
) -> None:
    await _catalog(api)
    for session_id in ("s-1", "s-2"):
        await api.call("POST", PAYMENTS, PUBLISHABLE, json=_ticket(sessionId=session_id))
    await change(api, sessionId="s-2", status="canceled")
    clock.advance(timedelta(hours=1))
    answer = await api.call("POST", CREATE_CHECKOUT, json={"sessionId": "s-1"})
    assert answer.json()["status"] == "completed"
    session = await api.read("s-1")
    assert [move["to"] for move in session["history"]][1:] == ["expired", "pending", "completed"]
    assert session["late"] is False
    answer = await api.call("POST", CREATE_CHECKOUT, json={"sessionId": "s-2"})
    problem(answer, 409, "not_payable")


async def test_a_trial_goes_to_the_provider(api: Api) -> None:
    await put_price(api, "premium", 2999, trialDays=14)
    body = _plan(mode="subscription", couponCode=None)
    answer = await api.call("POST", CREATE_CHECKOUT, PUBLISHABLE, json=body)
    assert answer.status_code in {502, 504}, answer.text
    assert (await api.read("s-1"))["status"] == "pending"


@pytest.mark.parametrize("amount", [0, -1])
async def test_a_server_names_no_amount_of_nothing(api: Api, amount: int) -> None:
    answer = await api.call("POST", CREATE_CHECKOUT, json=_ticket(amount=amount))
    problem(answer, 400, "invalid_request")
    assert fields_of(answer) == {"amount"}


async def test_without_the_rule_a_provider_is_asked_for_nothing_or_a_code_over_nothing_shown(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: what happened before nothing due was a case of its own."""
    monkeypatch.setattr(complete_free, "is_free", lambda _: False)
    await _catalog(api)
    answer = await api.call("POST", CREATE_CHECKOUT, PUBLISHABLE, json=_ticket())
    assert answer.status_code in {502, 504}
    body = _ticket(sessionId="s-2", paymentMethod="upi")
    answer = await api.call("POST", CREATE_CHECKOUT, PUBLISHABLE, json=body)
    assert "am=0.00" in answer.json()["checkoutUrl"]


async def test_what_has_changed_since_it_was_read_is_not_completed_for_nothing(
    api: Api, database: Database
) -> None:
    """It may have got a price meanwhile, by a retry of another call."""
    await _catalog(api)
    assert (await api.call("POST", PAYMENTS, json=_ticket())).status_code == 201
    session = await repository.find("default", "s-1")
    assert session is not None
    priced = {"$set": {"amount": 1000, "freeAllowed": False}, "$inc": {"version": 1}}
    await database["sessions"].update_one({}, priced)
    caller = Caller(Principal(Kind.SECRET, "server", "default"))
    with pytest.raises(Busy):
        await complete_free.complete_free(
            session, None, caller, api.container.rules, session.created_at
        )
    assert (await api.read("s-1"))["status"] == "pending"
    assert await _written(database) == {"topics": [], "acts": []}
