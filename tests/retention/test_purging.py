"""Nothing is deleted while anything needs it, and what comes in between wins."""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

import pytest
from structlog.testing import capture_logs

from service.effects import matching
from service.retention.operations import purging
from service.sessions import repository as sessions
from service.sessions.operations.moving.giving_up import CLOSE_CHECKOUT
from service.storage.database import Row
from tests.support.api import SECRET
from tests.support.shop import Shop

Act = Callable[[Shop, dict[str, Any]], Awaitable[Any]]


async def _canceled(shop: Shop, **fields: Any) -> dict[str, Any]:
    session = await shop.api.open(paymentMethod="razorpay", **fields)
    body = {"sessionId": session["sessionId"], "status": "canceled"}
    answer = await shop.api.call("PATCH", "/api/payment-sessions", SECRET, json=body)
    assert answer.status_code == 200, answer.text
    await shop.api.settle()  # what nobody has dispatched yet keeps its session
    return session


async def _left(shop: Shop) -> set[str]:
    return set(await shop.database["sessions"].distinct("sessionId"))


async def _held(shop: Shop, session: dict[str, Any]) -> None:
    await shop.receive(shop.razorpay("payment.authorized", session, status="authorized"))
    await shop.database["outbox"].delete_many({})  # whatever it asks for is another test's affair


async def _given_back(shop: Shop, session: dict[str, Any]) -> None:
    await shop.receive(shop.razorpay("payment.failed", session, 60, status="failed"))


async def _event_waits(shop: Shop, session: dict[str, Any]) -> None:
    row = {"_id": "w", "merchantId": "default", "sessionId": session["sessionId"]}
    far = shop.clock.now().replace(year=2030)
    await shop.database["webhook_events"].insert_one(
        {**row, "status": "failed", "nextAttemptAt": far, "purgeAt": None}
    )


async def _event_is_done(shop: Shop, session: dict[str, Any]) -> None:
    await shop.database["webhook_events"].update_one({"_id": "w"}, {"$set": {"status": "dead"}})


async def _message_waits(shop: Shop, session: dict[str, Any]) -> None:
    far = shop.clock.now().replace(year=2030)
    row: Row = {"merchantId": "default", "sessionId": session["sessionId"], "topic": CLOSE_CHECKOUT}
    await shop.database["outbox"].insert_one(row | {"_id": "m", "status": "dispatched"})
    due = {"messageId": "m", "lane": "close_checkout:stripe", "nextAttemptAt": far}
    await shop.database["deliveries"].insert_one(
        row | due | {"_id": "m:close_checkout", "status": "pending"}
    )


async def _message_is_done(shop: Shop, session: dict[str, Any]) -> None:
    await shop.database["deliveries"].update_one({}, {"$set": {"status": "done"}})


async def _undecided(shop: Shop, session: dict[str, Any]) -> None:
    """An event in review that the session does not name, as a lost race used to leave it."""
    row = {"_id": "r", "merchantId": "default", "sessionId": session["sessionId"]}
    await shop.database["webhook_events"].insert_one(
        {**row, "status": "review", "decision": None, "purgeAt": None}
    )


async def _decided(shop: Shop, session: dict[str, Any]) -> None:
    await shop.database["webhook_events"].update_one(
        {"_id": "r"}, {"$set": {"decision": {"accepted": False}}}
    )


NEEDS: list[tuple[Act, Act, str]] = [
    (_held, _given_back, "payment_under_way"),
    (_event_waits, _event_is_done, "event_waits"),
    (_undecided, _decided, "event_waits"),
    (_message_waits, _message_is_done, "message_waits"),
]
NAMES = [act.__name__ for act, _, _ in NEEDS]


@pytest.mark.parametrize(("need", "end", "why"), NEEDS, ids=NAMES)
async def test_a_session_stays_while_something_needs_it_and_goes_afterwards(
    shop: Shop, need: Act, end: Act, why: str
) -> None:
    session, free = await _canceled(shop), await _canceled(shop)
    await need(shop, session)
    shop.pass_time(days=8)
    dry = await shop.clean_up(dryRun=True)
    done = await shop.clean_up()
    for report in (dry, done):
        assert [report[name] for name in ("purged", "blocked", "blockedLong")] == [1, 1, 0]
    assert await _left(shop) == {session["sessionId"]} != {free["sessionId"]}

    shop.pass_time(days=7)
    with capture_logs() as lines:
        assert (await shop.clean_up())["blockedLong"] == 1
    [line] = [one for one in lines if one["event"] == "sessions can not be purged"]
    assert (line["log_level"], line["over_days"], line[why]) == ("error", 7, 1)

    await end(shop, session)
    assert (await shop.clean_up())["purged"] == 1
    assert await _left(shop) == set()


async def test_control_where_nobody_asks_what_is_needed_it_is_gone(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> dict[str, set[tuple[str, str]]]:
        return {}

    monkeypatch.setattr(purging, "_needs", nothing)
    session = await _canceled(shop)
    await _held(shop, session)
    shop.pass_time(days=8)
    assert (await shop.clean_up())["purged"] == 1
    [payment] = await shop.payments()
    assert payment["status"] == "authorized"


async def test_a_session_of_the_same_id_at_another_merchant_holds_nothing_up(shop: Shop) -> None:
    session = await _canceled(shop)
    await _event_waits(shop, session)
    await shop.database["webhook_events"].update_one({}, {"$set": {"merchantId": "another"}})
    shop.pass_time(days=8)
    assert (await shop.clean_up())["purged"] == 1


def _meanwhile(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, step: str, act: Callable[[], Awaitable[None]]
) -> None:
    """Have something happen just before a step of the purge."""
    whole = getattr(sessions, step)

    async def late(*given: Any) -> Any:
        await act()
        return await whole(*given)

    monkeypatch.setattr(sessions, step, late)


@pytest.mark.parametrize("step", ["mark_deletable", "delete_marked"])
async def test_a_payment_that_comes_while_its_session_is_purged_keeps_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """It writes the ledger alone: nothing of it stands in a canceled session."""
    session = await _canceled(shop)
    await shop.receive(shop.razorpay("payment.failed", session, -60, status="failed"))
    shop.pass_time(days=8)
    _meanwhile(shop, monkeypatch, step, lambda: _held(shop, session))
    assert (await shop.clean_up())["purged"] == 0
    stored = await shop.session(session["sessionId"])
    assert (stored["status"], stored["deletableAt"]) == ("canceled", None)


@pytest.mark.parametrize("step", ["mark_deletable", "delete_marked"])
async def test_control_without_the_events_word_the_purge_wins(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    async def silent(_: object, session: object, __: object) -> object:
        return session

    monkeypatch.setattr(matching, "_hold_back", silent)
    session = await _canceled(shop)
    await shop.receive(shop.razorpay("payment.failed", session, -60, status="failed"))
    shop.pass_time(days=8)
    _meanwhile(shop, monkeypatch, step, lambda: _held(shop, session))
    assert (await shop.clean_up())["purged"] == 1


async def test_a_session_that_is_opened_again_is_not_deleted_by_what_was_marked(shop: Shop) -> None:
    session = await shop.api.open()
    sid = session["sessionId"]
    shop.pass_time(minutes=31)
    await shop.clean_up()
    marked = {"deletableAt": shop.clock.now()}
    await shop.database["sessions"].update_one({"sessionId": sid}, {"$set": marked})
    body = {"sessionId": sid, "status": "pending"}
    assert (await shop.api.call("PATCH", "/api/payment-sessions", json=body)).status_code == 200
    stored = await shop.session(sid)
    assert (stored["status"], stored["purgeAt"], stored["deletableAt"]) == ("pending", None, None)


async def test_money_that_comes_after_its_session_was_purged_is_kept(shop: Shop) -> None:
    session = await _canceled(shop)
    shop.pass_time(days=8)
    assert (await shop.clean_up())["purged"] == 1
    assert (await shop.receive(shop.razorpay("payment.captured", session))).outcome == "parked"
    [payment], [event] = await shop.payments(), await shop.events()
    assert (payment["status"], payment["amount"]) == ("succeeded", 1000)
    assert (event["status"], event["purgeAt"]) == ("parked", None)


def _blocked(lines: Sequence[MutableMapping[str, Any]]) -> list[MutableMapping[str, Any]]:
    return [line for line in lines if line["event"] == "events can not be purged"]


async def test_events_of_a_session_that_is_not_over_are_kept(shop: Shop) -> None:
    session = await shop.api.open()
    await shop.receive(shop.stripe_paid(session))
    await shop.receive(shop.stripe_paid(session, payment_intent="pi_2"))
    shop.pass_time(days=91)
    with capture_logs() as lines:
        assert (await shop.clean_up())["eventsPurged"] == 0  # the second one waits for a person
    assert _blocked(lines) == []  # the control: not for a week yet
    shop.pass_time(days=7)
    with capture_logs() as lines:
        assert (await shop.clean_up())["eventsPurged"] == 0
    [line] = _blocked(lines)
    assert (line["log_level"], line["over_days"], line["session_open"]) == ("error", 7, 1)
    path = f"/reviews/{session['sessionId']}/reject"
    assert (await shop.admin("POST", path, json={"reason": "no"})).status_code == 200
    assert (await shop.clean_up())["eventsPurged"] == 1
