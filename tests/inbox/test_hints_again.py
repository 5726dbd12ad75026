"""A hint is believed only after asking: also when it is replayed, and when it is about a refund."""

import json
from typing import Any

import pytest
from msgspec import structs

from service.inbox.operations import receive
from service.inbox.operations.apply import apply_event
from service.inbox.operations.inbox import Arrival
from service.inbox.operations.replay import retry_waiting
from tests.inbox.test_phonepe_hints import (
    LOGIN,
    _believe,
    _hint,
    _open,
    _order,
    _status,
    phonepe,
    shop,
)
from tests.providers.http_fake import FakeApi, Json
from tests.support.events import Delivery, phonepe_callback
from tests.support.shop import Shop, completions

__all__ = ["phonepe", "shop"]

REFUND = "/payments/v2/refund/refund-1/status"


async def _replay(shop: Shop, inbox_id: str) -> Any:
    return await shop.admin("POST", f"/webhook-events/{inbox_id}/replay")


async def _forge(shop: Shop, session: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Write a forged amount into the stored hint, as a copy that came first would have."""
    [row] = await shop.events()
    forged = _hint(session, **fields).body
    await shop.database["webhook_events"].update_one(
        {"_id": row["_id"]}, {"$set": {"payload": forged}}
    )
    return row


@pytest.mark.parametrize("answer", ["another state", "no answer"])
async def test_a_replay_of_a_done_hint_asks_and_changes_nothing_unless_it_is_borne_out(
    shop: Shop, phonepe: FakeApi, answer: str
) -> None:
    session = await _open(shop)
    completed = _order(session, "COMPLETED", amount=999)  # another amount: the row is in review
    pending = _order(session, "PENDING") if answer == "another state" else (500, b"")
    phonepe.answer("GET", _status(session), completed, pending)
    assert (await shop.api.told(_hint(session)))["outcome"] == "review"
    row = await _forge(shop, session)
    [before] = await shop.events()

    replayed = await _replay(shop, row["_id"])
    assert (replayed.status_code, replayed.json()["error"]) == (409, "not_confirmed")
    assert await shop.events() == [before]
    assert completions(await shop.session(session["sessionId"])) == 0
    assert phonepe.calls().count(("GET", _status(session))) == 2


async def test_control_without_the_question_a_replay_believes_what_is_stored(
    shop: Shop, phonepe: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await _open(shop)
    phonepe.answer("GET", _status(session), _order(session, "COMPLETED", amount=999))
    await shop.api.told(_hint(session))
    row = await _forge(shop, session)
    _believe(monkeypatch)
    assert (await _replay(shop, row["_id"])).status_code == 200
    assert completions(await shop.session(session["sessionId"])) == 1


async def test_a_replay_that_is_borne_out_is_applied(shop: Shop, phonepe: FakeApi) -> None:
    session = await _open(shop)
    phonepe.answer("GET", _status(session), _order(session, "COMPLETED"))
    await shop.api.told(_hint(session))
    [row] = await shop.events()
    replayed = await _replay(shop, row["_id"])
    assert replayed.json()["outcome"] == "processed"
    assert completions(await shop.session(session["sessionId"])) == 1


async def test_a_hint_that_names_another_merchant_is_the_same_payment(
    shop: Shop, phonepe: FakeApi
) -> None:
    session = await _open(shop)
    phonepe.answer("GET", _status(session), _order(session, "COMPLETED"))
    await shop.api.told(_hint(session))
    assert (await shop.api.told(_hint(session, merchantId="ELSE")))["duplicate"] is True
    [payment] = await shop.payments()
    assert payment["account"] == "default"
    assert (await shop.session(session["sessionId"]))["review"] is None


async def test_a_hint_with_a_response_beside_it_is_no_callback_when_it_is_tried_again(
    shop: Shop, phonepe: FakeApi
) -> None:
    session = await _open(shop)
    phonepe.answer("GET", _status(session), _order(session, "PENDING"))
    unsigned: dict[str, Any] = json.loads(phonepe_callback(session).body)
    hint: dict[str, Any] = json.loads(_hint(session).body)
    forged = Delivery("phonepe", json.dumps(hint | unsigned).encode(), {"authorization": LOGIN})
    assert (await shop.api.told(forged))["outcome"] == "parked"
    shop.pass_time(seconds=2)
    assert await retry_waiting(shop.api.container.inbox) == 1
    [row] = await shop.events()
    assert row["status"] == "parked"
    assert await shop.payments() == []
    assert (await shop.session(session["sessionId"]))["status"] == "pending"


async def test_an_unreadable_hint_that_names_its_order_is_asked_about(
    shop: Shop, phonepe: FakeApi
) -> None:
    session = await _open(shop)
    phonepe.answer("GET", _status(session), (500, b""), _order(session, "COMPLETED"))
    assert (await shop.api.told(_hint(session, amount=None)))["outcome"] == "failed"
    assert completions(await shop.session(session["sessionId"])) == 0
    shop.pass_time(seconds=2)
    await retry_waiting(shop.api.container.inbox)
    assert completions(await shop.session(session["sessionId"])) == 1
    failed, fetched = sorted(await shop.events(), key=lambda row: str(row["source"] == "fetch"))
    assert (failed["status"], fetched["status"]) == ("failed", "processed")
    assert "amount" in failed["error"]


async def test_nothing_applies_a_hint_that_nobody_asked_about(shop: Shop, phonepe: FakeApi) -> None:
    hint = _hint(await _open(shop))
    inbox = shop.api.container.inbox
    event = inbox.providers["phonepe"].verify(hint.headers, hint.body, shop.clock.now())
    with pytest.raises(RuntimeError, match="asked"):
        await apply_event(Arrival(event), inbox)
    await apply_event(Arrival(structs.replace(event, confirmed=True)), inbox)


def _refund_hint(state: str, event: str, **fields: Any) -> Delivery:
    payload = _refund(state) | {"merchantId": "MERCHANTUAT", "merchantRefundId": "refund-1"}
    body = json.dumps({"event": f"pg.refund.{event}", "payload": payload | fields}).encode()
    return Delivery("phonepe", body, {"authorization": LOGIN})


def _refund(state: str, amount: int = 500) -> Json:
    """As the status API tells it: https://developer.phonepe.com (refund-status)."""
    return {
        "originalMerchantOrderId": "order-1",
        "amount": amount,
        "state": state,
        "timestamp": 1706629419799,
        "refundId": "OMR7896789",
    }


async def _paid(shop: Shop) -> None:
    """Have the payment of the refund's order known; its session is nobody's."""
    paid = phonepe_callback({"sessionId": "order-1", "amount": 1000})
    assert (await shop.receive(paid)).outcome == "parked"


async def test_a_refund_is_what_the_refund_s_status_tells(shop: Shop, phonepe: FakeApi) -> None:
    await _paid(shop)
    phonepe.answer("GET", REFUND, _refund("COMPLETED"))
    forged = _refund_hint("COMPLETED", "completed", amount=1, originalMerchantOrderId="order-2")
    assert (await shop.api.told(forged))["outcome"] == "processed"
    [row] = await shop.events(status="processed")
    [fact] = row["facts"]
    assert (fact["type"], fact["status"]) == ("RefundUpdated", "succeeded")
    assert (fact["amount"], fact["providerPaymentId"]) == (500, "order-1")
    assert (await shop.api.told(forged))["duplicate"] is True
    assert phonepe.calls().count(("GET", REFUND)) == 1  # not for the duplicate


@pytest.mark.parametrize(
    "answer", [_refund("PENDING"), _refund("FAILED"), (404, b"{}"), (500, b"")]
)
async def test_a_forged_refund_is_not_believed(shop: Shop, phonepe: FakeApi, answer: Any) -> None:
    phonepe.answer("GET", REFUND, answer)
    assert (await shop.api.told(_refund_hint("COMPLETED", "completed")))["outcome"] == "parked"
    told = [fact for row in await shop.events(status="processed") for fact in row["facts"]]
    assert all(fact["status"] != "succeeded" for fact in told)


async def test_control_without_the_question_a_forged_refund_is_believed(
    shop: Shop, phonepe: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    _believe(monkeypatch)
    await _paid(shop)
    told = await shop.api.told(_refund_hint("COMPLETED", "completed"))
    assert told["outcome"] == "processed"
    assert phonepe.calls() == []


async def test_an_accepted_refund_that_has_gone_on_since_is_no_reason_to_wait(
    shop: Shop, phonepe: FakeApi
) -> None:
    await _paid(shop)
    phonepe.answer("GET", REFUND, _refund("COMPLETED"))
    assert (await shop.api.told(_refund_hint("CONFIRMED", "accepted")))["outcome"] == "processed"
    assert (await shop.api.told(_refund_hint("COMPLETED", "completed")))["outcome"] == "processed"
    facts = [fact for row in await shop.events(status="processed") for fact in row["facts"]]
    assert [fact["status"] for fact in facts] == ["succeeded", "succeeded"]


async def test_a_hint_of_a_provider_that_can_not_be_asked_waits(
    shop: Shop, phonepe: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await _open(shop)
    phonepe.answer("GET", _status(session), _order(session, "COMPLETED"))
    monkeypatch.setattr(receive, "AnswersHints", type("Nobody", (), {}))
    assert (await shop.api.told(_hint(session)))["outcome"] == "parked"
    assert completions(await shop.session(session["sessionId"])) == 0
