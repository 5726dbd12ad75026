"""Checkouts are given up as a whole: by every end, a retry that fails, a crash of their opener."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace

from service.core.principal import Kind
from service.inbox.operations.inbox import Arrival, Inbox, Receipt
from service.inbox.operations.receive import take_in
from service.outbox import repository as outbox_repository
from service.sessions.checkouts import cancel, close
from service.sessions.checkouts import open as opening
from service.sessions.documents import Checkout
from service.sessions.operations.moving import giving_up
from tests.sessions.asking import CREATE_CHECKOUT, change, open_as_browser, problem, put_price
from tests.sessions.wires import SESSION, Wire, settings, shop, standing_by_its_time, wire
from tests.support.api import ADMIN, PUBLISHABLE
from tests.support.events import stripe_intent
from tests.support.keys import issue_key
from tests.support.limits import genuine
from tests.support.patience import IN_TIME
from tests.support.shop import Shop

__all__ = ["settings", "shop", "wire"]

AT_STRIPE = pytest.mark.parametrize("wire", ["stripe"], indirect=True)
CLOSING = pytest.mark.parametrize("wire", ["stripe", "razorpay-link"], indirect=True)


async def _three_open(shop: Shop, wire: Wire) -> None:
    """Open a session, and let it have three checkouts that all stand open at the provider."""
    assert (await wire.open(shop.api)).status_code == 201
    made = [
        Checkout(ref=ref, n=n, opened_at=shop.clock.now()).model_dump(by_alias=True)
        for n, ref in enumerate(wire.refs, 1)
    ]
    fields = {"checkouts": made, "checkoutIds": wire.refs, "providerSessionId": wire.refs[-1]}
    await shop.database["sessions"].update_one({"sessionId": "s-1"}, {"$set": fields})


async def _settle(shop: Shop, wire: Wire) -> str:
    await change(shop.api, sessionId="s-1", status="completed")
    return "completed"


async def _cancel(shop: Shop, wire: Wire) -> str:
    await change(shop.api, sessionId="s-1", status="canceled")
    return "canceled"


async def _fail(shop: Shop, wire: Wire) -> str:
    await change(shop.api, sessionId="s-1", status="failed")
    return "failed"


async def _clean_up(shop: Shop, wire: Wire) -> str:
    shop.pass_time(hours=25)
    await shop.clean_up()
    return "expired"


async def _last_runs_out(shop: Shop, wire: Wire) -> str:
    await shop.api.told(wire.ran_out(wire.refs[-1], shop.unix()))
    return "expired"


async def _pay_second(shop: Shop, wire: Wire) -> str:
    await shop.api.told(wire.paid(wire.refs[1], shop.unix()))
    return "completed"


async def _accept(shop: Shop, wire: Wire) -> str:
    wrong = {**SESSION, "amount": 1}
    paid = wire.paid(wire.refs[0], shop.unix(), wrong)
    assert (await shop.api.told(paid))["outcome"] == "review"
    [review] = await shop.events(status="review")
    path = f"/api/admin/reviews/{review['_id']}/accept"
    answer = await shop.api.call("POST", path, ADMIN, json={})
    assert answer.status_code == 200, answer.text
    return "completed"


# How it ends, and which checkouts are over by that very event.
ENDS: dict[str, tuple[Callable[[Shop, Wire], Awaitable[str]], set[int]]] = {
    "settled by hand": (_settle, set()),
    "canceled": (_cancel, set()),
    "failed by hand": (_fail, set()),
    "expired by the clock": (_clean_up, set()),
    "expired by the provider": (_last_runs_out, {2}),
    "paid in one of them": (_pay_second, {1}),
    "accepted": (_accept, set()),
}


@pytest.mark.parametrize("how", ENDS)
@AT_STRIPE
async def test_every_end_closes_all_checkouts_that_may_still_be_paid(
    shop: Shop, wire: Wire, how: str
) -> None:
    await _three_open(shop, wire)
    act, over = ENDS[how]
    status = await act(shop, wire)
    await shop.api.settle()
    assert (await shop.session("s-1"))["status"] == status
    closed = [wire.closed(ref) for ref in wire.refs]
    expected = [0 if n in over else 1 for n in range(3)]
    if how == "accepted":  # the ledger has it that the first was paid: nobody is asked
        expected[0] = 0
    assert closed == expected


@AT_STRIPE
async def test_control_where_only_the_last_is_closed_others_stay_payable(
    shop: Shop, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = giving_up.may_be_open
    monkeypatch.setattr(giving_up, "may_be_open", lambda *given: whole(*given)[-1:])
    await _three_open(shop, wire)
    await _settle(shop, wire)
    await shop.api.settle()
    assert [wire.closed(ref) for ref in wire.refs] == [0, 0, 1]


@AT_STRIPE
async def test_a_payment_by_another_route_closes_ours(shop: Shop, wire: Wire) -> None:
    await wire.open(shop.api)
    found = stripe_intent(SESSION, id="pi_1", metadata={"sessionId": "s-1"})
    await shop.api.told(shop.stripe("payment_intent.succeeded", found))
    await change(shop.api, sessionId="s-1", status="completed")  # or it is reviewed as foreign
    await shop.api.settle()
    assert wire.closed(wire.refs[0]) == 1


async def _retry_fails(shop: Shop, wire: Wire) -> None:
    """Let a session fail at the provider, and the opening of its second checkout too."""
    await wire.open(shop.api)
    await shop.api.told(wire.ran_out(wire.refs[0], shop.unix()))
    wire.fake.answers[wire.opens].appendleft((400, b'{"error": {"message": "no"}}'))
    problem(await wire.open(shop.api), 502, "provider_failed")


@CLOSING
async def test_after_a_failed_opening_the_next_call_opens_another(shop: Shop, wire: Wire) -> None:
    await _retry_fails(shop, wire)
    stored = await shop.session("s-1")
    assert (stored["status"], stored["checkoutUrl"]) == ("pending", None)
    again = await wire.open(shop.api)
    assert (again.status_code, again.json()["providerSessionId"]) == (201, wire.refs[1])


@AT_STRIPE
async def test_control_without_the_mark_the_checkout_that_ran_out_is_handed_out(
    shop: Shop, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "standing_checkout", standing_by_its_time)
    await _retry_fails(shop, wire)
    again = await wire.open(shop.api)
    assert (again.status_code, again.json()["providerSessionId"]) == (200, wire.refs[0])


async def _refused_cancel(shop: Shop, wire: Wire) -> int:
    """Cancel as a browser, with metadata that only the server may change; count what is closed."""
    await put_price(shop.api, "event_456", 1000, "INR")
    _, secret = await open_as_browser(shop.api, "/api/payment-sessions", wire.body)
    resumed = await shop.api.call("POST", CREATE_CHECKOUT, json={"sessionId": "s-1"})
    assert resumed.status_code == 201, resumed.text
    await change(shop.api, sessionId="s-1", metadata={"seat": "4A"})
    asked = {"status": "canceled", "metadata": {"seat": "1A"}, "headers": secret}
    refused = await change(shop.api, PUBLISHABLE, sessionId="s-1", **asked)
    problem(refused, 403, "change_not_allowed")
    await shop.api.settle()
    return wire.closed(wire.refs[0])


@AT_STRIPE
async def test_a_change_is_checked_whole_before_anything_is_closed(shop: Shop, wire: Wire) -> None:
    assert await _refused_cancel(shop, wire) == 0
    stored = await shop.session("s-1")
    assert (stored["checkouts"][0]["closedAt"], stored["status"]) == (None, "pending")


@AT_STRIPE
async def test_control_without_the_check_the_refused_cancel_has_closed_it(
    shop: Shop, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cancel, "check_change", lambda *_: None)
    assert await _refused_cancel(shop, wire) == 1


@AT_STRIPE
async def test_a_session_in_which_money_is_captured_is_not_canceled(shop: Shop, wire: Wire) -> None:
    await wire.open(shop.api)
    capturing = {"paymentId": "pi_1", "at": shop.clock.now()}
    await shop.database["sessions"].update_one({}, {"$set": {"capturing": capturing}})
    refused = await change(shop.api, sessionId="s-1", status="canceled")
    problem(refused, 409, "in_progress")
    assert wire.closed(wire.refs[0]) == 0


@CLOSING
async def test_put_back_to_pending_by_hand_a_session_hands_out_none_of_the_closed(
    shop: Shop, wire: Wire
) -> None:
    await wire.open(shop.api)
    await change(shop.api, sessionId="s-1", status="failed")
    assert (await change(shop.api, sessionId="s-1", status="pending")).status_code == 200
    assert (await shop.session("s-1"))["checkoutUrl"] is None
    again = await wire.open(shop.api)
    assert (again.status_code, again.json()["providerSessionId"]) == (201, wire.refs[1])
    assert (wire.closed(wire.refs[0]), wire.closed(wire.refs[1])) == (1, 0)


async def _killed_before_the_close(shop: Shop, wire: Wire) -> None:
    """Let who retries die once the lock is taken, before the older checkout is closed."""
    await wire.open(shop.api)
    shop.pass_time(hours=25)
    held = wire.hold_closing(wire.refs[0])
    retrying = asyncio.create_task(wire.open(shop.api))
    async with asyncio.timeout(IN_TIME):
        await held.arrived.wait()
    retrying.cancel()
    await asyncio.gather(retrying, return_exceptions=True)
    held.release.set()
    wire.fake.received.clear()


@CLOSING
async def test_what_a_retry_gave_up_and_did_not_close_the_outbox_closes(
    shop: Shop, wire: Wire
) -> None:
    await _killed_before_the_close(shop, wire)
    problem(await wire.open(shop.api), 409, "in_progress")
    shop.pass_time(seconds=31)
    await shop.api.settle()
    assert wire.closed(wire.refs[0]) == 1
    again = await wire.open(shop.api)
    assert (again.status_code, again.json()["providerSessionId"]) == (201, wire.refs[1])


@AT_STRIPE
async def test_control_without_the_message_of_the_mark_nobody_closes_it(
    shop: Shop, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving_up, "may_be_open", lambda *_: [])
    await wire.open(shop.api)
    shop.pass_time(hours=25)
    assert (await wire.open(shop.api)).status_code == 201
    shop.pass_time(seconds=31)
    await shop.api.settle()
    assert wire.closed(wire.refs[0]) == 0


async def _killed_before_the_link(shop: Shop, wire: Wire) -> None:
    """Let the opener die once the provider has opened, cancel, and do what the outbox has to."""
    held = wire.hold_opening()
    opener = asyncio.create_task(wire.open(shop.api))
    async with asyncio.timeout(IN_TIME):
        await held.arrived.wait()
    opener.cancel()
    await asyncio.gather(opener, return_exceptions=True)
    held.release.set()
    # It is opened, and tells so to whoever repeats the attempt.
    wire.repeats()
    assert (await shop.session("s-1"))["checkouts"] == []
    assert (await change(shop.api, sessionId="s-1", status="canceled")).status_code == 200
    for _ in range(4):
        await shop.api.settle()
        shop.pass_time(seconds=20)


@CLOSING
async def test_what_was_opened_and_never_linked_is_found_again_and_closed(
    shop: Shop, wire: Wire
) -> None:
    await _killed_before_the_link(shop, wire)
    assert wire.closed(wire.refs[0]) == 1
    stored = await shop.session("s-1")
    [found] = stored["checkouts"]
    assert (found["ref"], found["closedAt"] is None, stored["opening"]) == (
        wire.refs[0],
        False,
        None,
    )
    sent = [one for one in wire.fake.received if (one.method, one.path) == wire.opens]
    assert len({one.headers.get("idempotency-key") for one in sent}) == 1


@AT_STRIPE
async def test_control_without_its_message_it_stays_payable(
    shop: Shop, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving_up, "_closes", lambda _: False)
    await _killed_before_the_link(shop, wire)
    assert wire.closed(wire.refs[0]) == 0


async def _paid_and_gone(shop: Shop, wire: Wire, merchant_id: str) -> None:
    """Let closing find that a checkout was paid whose session is gone by then."""
    issued = await issue_key(shop.clock, Kind.SECRET, merchant_id=merchant_id)
    opened = await shop.api.call("POST", CREATE_CHECKOUT, issued.key, json=wire.body)
    assert opened.status_code == 201, opened.text
    await change(shop.api, issued.key, sessionId="s-1", status="completed")
    await shop.database["sessions"].delete_many({})
    await shop.database["payments"].delete_many({})
    wire.is_paid(wire.refs[0])
    await shop.api.settle()


async def _kept_for(shop: Shop) -> set[str]:
    [row] = await shop.events()
    assert (row["source"], row["status"]) == ("fetch", "parked")
    [payment] = await shop.payments()
    assert payment["status"] == "succeeded"
    return {row["merchantId"], payment["merchantId"]}


@pytest.mark.parametrize("merchant_id", ["default", "another"])
@AT_STRIPE
async def test_what_closing_finds_is_kept_for_its_merchant_though_the_session_is_gone(
    shop: Shop, wire: Wire, merchant_id: str
) -> None:
    await _paid_and_gone(shop, wire, merchant_id)
    assert await _kept_for(shop) == {merchant_id}


@AT_STRIPE
async def test_control_without_whom_it_was_asked_for_it_is_kept_for_ourselves(
    shop: Shop, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def for_nobody(arrival: Arrival, inbox: Inbox) -> Receipt:
        return await take_in(replace(arrival, asked_for=None), inbox)

    monkeypatch.setattr(close, "take_in", for_nobody)
    await _paid_and_gone(shop, wire, "another")
    assert await _kept_for(shop) == {"default"}


async def _closed_in_all(shop: Shop, wire: Wire) -> int:
    """Cancel, which closes at once, and let the outbox have its turn; count how often it closed."""
    await wire.open(shop.api)
    assert (await change(shop.api, sessionId="s-1", status="canceled")).status_code == 200
    assert wire.closed(wire.refs[0]) == 1
    shop.pass_time(minutes=1)
    await shop.api.settle()
    return wire.closed(wire.refs[0])


@CLOSING
async def test_what_was_closed_at_once_the_outbox_does_not_close_again(
    shop: Shop, wire: Wire
) -> None:
    assert await _closed_in_all(shop, wire) == 1


@AT_STRIPE
async def test_control_without_a_word_to_the_outbox_it_does(
    shop: Shop, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forgotten(*_: object) -> None:
        return None

    monkeypatch.setattr(outbox_repository, "note_delivered", forgotten)
    assert await _closed_in_all(shop, wire) == 2


@AT_STRIPE
async def test_a_silent_provider_holds_up_a_cancel_for_two_seconds_at_most(
    shop: Shop, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a tenth of the time. Its answer is held back for ever, so only our limit can end it."""
    assert genuine(close, "CLOSE_WITHIN_S") == 2
    monkeypatch.setattr(close, "CLOSE_WITHIN_S", 0.2)
    await wire.open(shop.api)
    held = wire.fake.hold("POST", f"/v1/checkout/sessions/{wire.refs[0]}/expire")
    async with asyncio.timeout(IN_TIME):
        answer = await change(shop.api, sessionId="s-1", status="canceled")
    assert answer.status_code == 200, answer.text
    shop.pass_time(minutes=1)
    await shop.api.settle()  # nobody knows whether it was closed: the message asks again
    assert wire.closed(wire.refs[0]) == 2
    held.release.set()
