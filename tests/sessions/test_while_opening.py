"""What happens to a session while the provider opens another checkout for it."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from service.sessions.checkouts import link as linking
from service.sessions.checkouts import open as opening
from service.sessions.documents import Checkout, Session
from service.sessions.operations.moving import current_checkout
from tests.sessions.asking import change, problem
from tests.sessions.wires import SESSION, Wire, settings, shop, standing_by_its_time, wire
from tests.support.events import razorpay_event, razorpay_payment, stripe_checkout
from tests.support.patience import IN_TIME
from tests.support.shop import Shop

Act = Callable[[Shop, Wire], Awaitable[None]]


__all__ = ["settings", "shop", "wire"]


async def _meanwhile(shop: Shop, wire: Wire, act: Act, *, by_event: bool = False) -> Any:
    """Retry an ended session, and do something while the provider opens its second checkout."""
    first = await wire.open(shop.api)
    assert first.status_code == 201, first.text
    if by_event and wire.ends:
        await shop.api.told(wire.ran_out(wire.refs[0], shop.unix()))
    else:
        shop.pass_time(hours=25)
    held = wire.hold_opening()
    retried = asyncio.create_task(wire.open(shop.api))
    async with asyncio.timeout(IN_TIME):
        await held.arrived.wait()
        try:
            stored = await shop.session("s-1")
            assert (stored["status"], stored["opening"]["n"]) == ("pending", 2)
            assert stored["opening"]["providerExpiresAt"] >= stored["expiresAt"]
            assert stored["opening"]["attemptId"] in stored["checkoutIds"]
            await act(shop, wire)
        finally:
            held.release.set()
        return await retried


async def _deliver_outbox(shop: Shop) -> None:
    for _ in range(3):
        await shop.api.settle()
        shop.pass_time(seconds=40)


async def _cancel(shop: Shop, wire: Wire) -> None:
    answer = await change(shop.api, sessionId="s-1", status="canceled")
    assert answer.status_code == 200, answer.text


async def _clean_up(shop: Shop, wire: Wire) -> None:
    shop.pass_time(hours=25)
    assert (await shop.clean_up())["expired"] == 1


async def _settle(shop: Shop, wire: Wire) -> None:
    answer = await change(shop.api, sessionId="s-1", status="completed")
    assert answer.status_code == 200, answer.text


async def _pay_first(shop: Shop, wire: Wire) -> None:
    told = await shop.api.told(wire.paid(wire.refs[0], shop.unix()))
    assert told["outcome"] == "processed"


async def _first_runs_out(shop: Shop, wire: Wire) -> None:
    if wire.ends:  # a Razorpay order tells of no end
        told = await shop.api.told(wire.ran_out(wire.refs[0], shop.unix()))
        assert told["outcome"] == "processed"
    assert (await shop.session("s-1"))["status"] == "pending"


async def _open_again(shop: Shop, wire: Wire) -> None:
    answer = await wire.open(shop.api)
    problem(answer, 409, "in_progress")
    assert int(answer.headers["retry-after"]) >= 1


ENDS: dict[str, tuple[Act, str]] = {
    "canceled": (_cancel, "canceled"),
    "expired by the clock": (_clean_up, "expired"),
    "settled by hand": (_settle, "completed"),
    "paid in its first checkout": (_pay_first, "completed"),
}


PAIRS = [
    *(("stripe", how) for how in ENDS),
    ("razorpay-link", "canceled"),
    ("razorpay-link", "paid in its first checkout"),
    ("razorpay-order", "settled by hand"),
    ("razorpay-order", "paid in its first checkout"),
    ("phonepe", "expired by the clock"),
    ("phonepe", "paid in its first checkout"),
]


@pytest.mark.parametrize(("wire", "how"), PAIRS, indirect=["wire"])
async def test_a_session_that_ends_while_its_checkout_opens_hands_none_out(
    shop: Shop, wire: Wire, how: str
) -> None:
    act, status = ENDS[how]
    answer = await _meanwhile(shop, wire, act)
    problem(answer, 409, "not_payable")
    await _deliver_outbox(shop)
    stored = await shop.session("s-1")
    assert (stored["status"], stored["checkoutUrl"]) == (status, None)
    assert not (stored["opening"] or {}).get("repeated")  # there is no attempt of unknown fate
    late = stored["checkouts"][1]
    assert late["n"] == 2
    assert late["closedAt"] is not None
    assert {late["ref"], late["attemptId"]} <= set(stored["checkoutIds"])
    if wire.closes:
        assert all(wire.closed(one["ref"]) for one in stored["checkouts"])
    waiting = {"status": {"$ne": "done"}}
    if wire.provider != "phonepe":  # whose second order the fake does not know
        assert await shop.database["deliveries"].count_documents(waiting) == 0


@pytest.mark.parametrize("wire", ["stripe"], indirect=True)
async def test_the_checkout_of_a_session_that_is_gone_by_then_is_closed(
    shop: Shop, wire: Wire
) -> None:
    async def purge(shop: Shop, wire: Wire) -> None:
        await shop.database["sessions"].delete_one({"sessionId": "s-1"})

    problem(await _meanwhile(shop, wire, purge), 404, "session_not_found")
    await _deliver_outbox(shop)
    assert wire.closed(wire.refs[1]) == 1


@pytest.mark.parametrize("act", [_first_runs_out, _open_again])
async def test_what_the_checkout_before_says_and_a_second_click_leave_the_opening_alone(
    shop: Shop, wire: Wire, act: Act
) -> None:
    answer = await _meanwhile(shop, wire, act, by_event=act is _open_again)
    assert answer.status_code == 201, answer.text
    await _deliver_outbox(shop)
    stored = await shop.session("s-1")
    second = stored["checkouts"][1]
    assert (stored["status"], stored["attempts"]) == ("pending", 2)
    assert answer.json()["providerSessionId"] == second["ref"] == stored["providerSessionId"]
    assert (second["closedAt"], wire.opened()) == (None, 2)
    assert wire.closed(second["ref"]) == 0
    again = await wire.open(shop.api)
    assert (again.status_code, again.json()) == (200, answer.json())


@pytest.mark.parametrize("wire", ["stripe"], indirect=True)
async def test_control_without_a_look_at_the_session_a_dead_checkout_is_handed_out(
    shop: Shop, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(linking, "_wrong", lambda *_: None)
    assert (await _meanwhile(shop, wire, _cancel)).status_code == 201


@pytest.mark.parametrize("wire", ["stripe"], indirect=True)
async def test_control_without_the_mark_a_second_click_gets_the_checkout_that_ran_out(
    shop: Shop, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "standing_checkout", standing_by_its_time)
    clicked: list[Any] = []

    async def click_again(shop: Shop, wire: Wire) -> None:
        clicked.append(await wire.open(shop.api))

    await _meanwhile(shop, wire, click_again, by_event=True)
    assert (clicked[0].status_code, clicked[0].json()["providerSessionId"]) == (200, wire.refs[0])


async def _money_is_under_way(shop: Shop, wire: Wire) -> None:
    unpaid = {"id": wire.refs[0], "payment_status": "unpaid", "payment_intent": "pi_slow"}
    found = stripe_checkout(SESSION, **unpaid)
    told = await shop.api.told(shop.stripe("checkout.session.completed", found))
    assert told["outcome"] == "processed"


@pytest.mark.parametrize("wire", ["stripe"], indirect=True)
async def test_no_second_checkout_is_handed_out_beside_money_that_is_under_way(
    shop: Shop, wire: Wire
) -> None:
    problem(await _meanwhile(shop, wire, _money_is_under_way), 409, "not_payable")
    await _deliver_outbox(shop)
    assert (await shop.session("s-1"))["status"] == "processing"
    assert wire.closed(wire.refs[1]) == 1


@pytest.mark.parametrize("same", [True, False], ids=["it was one", "they were two"])
@pytest.mark.parametrize("wire", ["stripe"], indirect=True)
async def test_an_opener_that_outlives_its_lock_hands_out_what_stands_or_nothing(
    shop: Shop, wire: Wire, *, same: bool
) -> None:
    held = wire.hold_opening()
    first = asyncio.create_task(wire.open(shop.api))
    async with asyncio.timeout(IN_TIME):
        await held.arrived.wait()
        shop.pass_time(seconds=31)
        if same:
            wire.repeats()
        second = await wire.open(shop.api)
        held.release.set()
        slow = await first
    assert second.status_code == 201
    await shop.api.settle()
    stored = await shop.session("s-1")
    stands = second.json()["providerSessionId"]
    assert stored["providerSessionId"] == stands
    assert wire.closed(stands) == 0
    if same:
        assert slow.json() == second.json()
        assert len(stored["checkouts"]) == 1
    else:
        problem(slow, 409, "in_progress")
        assert wire.closed(wire.refs[0]) == 1


def _last(session: Session) -> Checkout | None:
    return session.checkouts[-1] if session.checkouts else None


@pytest.mark.parametrize("wire", ["stripe"], indirect=True)
async def test_control_where_the_last_checkout_stays_current_its_end_ends_the_session(
    shop: Shop, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = [one for name, one in list(sys.modules.items()) if name.startswith("service.")]
    users = [one for one in ours if hasattr(one, "current_checkout")]
    assert current_checkout in users
    for module in users:
        monkeypatch.setattr(module, "current_checkout", _last)
    with pytest.raises(AssertionError, match="expired"):
        await _meanwhile(shop, wire, _first_runs_out)


async def _money_of_the_one_before(shop: Shop, wire: Wire) -> Any:
    """Retry an expired session whose money is held: it stayed ended, as another one was open."""
    assert (await wire.open(shop.api)).status_code == 201
    shop.pass_time(hours=25)
    assert (await wire.open(shop.api, sessionId="s-2")).status_code == 201
    payment = razorpay_payment(SESSION, id="pay_1", order_id="order_1", status="authorized")
    order = {"id": "order_1", "receipt": "s-1", "notes": {"sessionId": "s-1"}}
    await shop.clean_up()
    told = {"payment": payment, "order": order}
    await shop.api.told(razorpay_event("payment.authorized", told, created=shop.unix()))
    assert (await change(shop.api, sessionId="s-2", status="canceled")).status_code == 200
    stored = await shop.session("s-1")
    assert (stored["status"], stored["liveAttempts"]) == ("expired", ["pay_1"])
    return await wire.open(shop.api)


AS_LINKS = pytest.mark.parametrize("wire", ["razorpay-link"], indirect=True)


@AS_LINKS
async def test_what_is_being_paid_is_not_retried(shop: Shop, wire: Wire) -> None:
    problem(await _money_of_the_one_before(shop, wire), 409, "not_payable")
    stored = await shop.session("s-1")
    assert (stored["status"], len(stored["checkouts"]), stored["opening"]) == ("expired", 1, None)
    failed = razorpay_payment(SESSION, id="pay_1", order_id="order_1", status="failed")
    await shop.api.told(
        razorpay_event("payment.failed", {"payment": failed}, created=shop.unix(60))
    )
    assert (await wire.open(shop.api)).status_code == 201


@AS_LINKS
async def test_control_without_the_look_it_is_offered_to_be_paid_twice(
    shop: Shop, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_check_nothing_under_way", lambda *_: None)
    assert (await _money_of_the_one_before(shop, wire)).status_code == 201
    stored = await shop.session("s-1")
    assert (stored["status"], stored["liveAttempts"]) == ("pending", ["pay_1"])
