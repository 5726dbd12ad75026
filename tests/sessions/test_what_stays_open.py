"""Which checkouts stay open, which are handed out again, and what closes those that nobody has."""

import asyncio

import pytest

from service.sessions.documents import Checkout, Opening, Session
from service.sessions.operations.moving.giving_up import CLOSE_ATTEMPT, closings, may_be_open
from service.sessions.states import Status
from tests.conftest import NOON
from tests.sessions.asking import CHECKOUTS, change, problem
from tests.sessions.wires import SESSION, Wire, settings, shop, wire
from tests.support.events import razorpay_event, razorpay_payment, stripe_intent
from tests.support.patience import IN_TIME
from tests.support.shop import Shop

__all__ = ["settings", "shop", "wire"]
AT_STRIPE = pytest.mark.parametrize("wire", ["stripe"], indirect=True)
AT_ORDERS = pytest.mark.parametrize("wire", ["razorpay-order"], indirect=True)
AT_LINKS = pytest.mark.parametrize("wire", ["razorpay-link"], indirect=True)


def _checkout(n: int, **fields: object) -> Checkout:
    attempt_id = "s-1" if n == 1 else f"s-1-{n}-abc"
    known = {"ref": f"cs_{n}", "n": n, "opened_at": NOON, "attempt_id": attempt_id}
    return Checkout.model_validate(known | fields)


def _ended(provider: str = "stripe", kind: str = "payment", **fields: object) -> Session:
    opening = Opening(
        n=3, provider_expires_at=NOON, locked_until=NOON, repeated=True, attempt_id="s-1-3-abc"
    )
    known: dict[str, object] = {"merchant_id": "default", "session_id": "s-1", "version": 4}
    known |= {"provider": provider, "kind": kind, "status": Status.CANCELED, "opening": opening}
    known |= {"checkouts": [_checkout(1), _checkout(2)]}
    return Session.model_construct(**(known | fields))


@pytest.mark.parametrize(
    ("named", "left"),
    [
        ((), ["cs_1", "cs_2"]),
        (("cs_1",), ["cs_2"]),
        (("s-1-2-abc",), ["cs_1"]),
        (("s-1",), ["cs_1", "cs_2"]),  # the session's id stands on payments of every attempt
    ],
)
def test_an_event_is_about_the_checkout_that_it_names_by_its_id_or_attempt(
    named: tuple[str, ...], left: list[str]
) -> None:
    assert [one.ref for one in may_be_open(_ended(), named)] == left


def test_what_was_given_up_or_has_ended_is_open_no_more() -> None:
    over = [_checkout(1, closed_at=NOON), _checkout(2, ended="expired"), _checkout(3)]
    assert [one.ref for one in may_be_open(_ended(checkouts=over))] == ["cs_3"]
    assert may_be_open(_ended("upi")) == []


@pytest.mark.parametrize(
    ("provider", "kind", "status", "closes"),
    [
        ("stripe", "payment", Status.CANCELED, True),
        ("razorpay", "checkout", Status.CANCELED, True),
        ("razorpay", "payment", Status.CANCELED, False),
        ("phonepe", "payment", Status.CANCELED, False),
        ("stripe", "payment", Status.PROCESSING, False),
    ],
)
def test_an_attempt_of_unknown_fate_is_repeated_only_where_what_it_finds_can_be_closed(
    provider: str, kind: str, status: Status, closes: bool
) -> None:
    messages = closings(_ended(provider, kind, status=status), (), NOON)
    assert any(one["topic"] == CLOSE_ATTEMPT for one in messages) is closes


@AT_STRIPE
async def test_put_back_to_pending_by_hand_a_session_hands_out_none_that_its_provider_ended(
    shop: Shop, wire: Wire
) -> None:
    await wire.open(shop.api)
    await shop.api.told(wire.ran_out(wire.refs[0], shop.unix()))
    assert (await shop.session("s-1"))["status"] == "expired"
    put_back = await change(shop.api, sessionId="s-1", status="pending")
    assert put_back.status_code == 200, put_back.text
    again = await wire.open(shop.api)
    assert (again.status_code, again.json()["providerSessionId"]) == (201, wire.refs[1])


@AT_STRIPE
async def test_nor_one_that_ended_while_its_payment_was_under_way(shop: Shop, wire: Wire) -> None:
    await wire.open(shop.api)
    ours = {"sessionId": "s-1", "attemptId": "s-1"}
    intent = stripe_intent(SESSION, status="processing", metadata=ours)
    await shop.api.told(shop.stripe("payment_intent.processing", intent))
    await shop.api.told(wire.ran_out(wire.refs[0], shop.unix()))
    assert (await shop.session("s-1"))["status"] == "processing"
    assert (await change(shop.api, sessionId="s-1", status="pending")).status_code == 200
    # What is told once more is no news: a person has moved the session since.
    await shop.api.told(wire.ran_out(wire.refs[0], shop.unix(9)))
    assert (await shop.session("s-1"))["status"] == "pending"
    again = await wire.open(shop.api)
    assert (again.status_code, again.json()["providerSessionId"]) == (201, wire.refs[1])


@AT_STRIPE
async def test_an_attempt_of_unknown_fate_is_left_to_who_tries_its_session_again(
    shop: Shop, wire: Wire
) -> None:
    wire.fake.answers[wire.opens].appendleft((200, b"<html>"))
    problem(await wire.open(shop.api), 502, "provider_failed")
    assert (await change(shop.api, sessionId="s-1", status="failed")).status_code == 200
    assert (await change(shop.api, sessionId="s-1", status="pending")).status_code == 200
    shop.pass_time(seconds=40)
    await shop.api.settle()
    [message] = await shop.deliveries(CLOSE_ATTEMPT)
    assert (message["status"], wire.opened()) == ("done", 1)
    assert (await shop.session("s-1"))["checkouts"] == []


@AT_LINKS
async def test_a_checkout_that_its_caller_opened_is_not_handed_out_as_ours(
    shop: Shop, wire: Wire
) -> None:
    body = wire.body | {"providerSessionId": "plink_own"}
    named = await shop.api.call("POST", CHECKOUTS, json=body)
    assert named.status_code == 201, named.text
    path = "/api/payments/create-checkout"
    opened = await shop.api.call("POST", path, json={"sessionId": "s-1"})
    assert opened.status_code == 201, opened.text
    assert opened.json()["providerSessionId"] == wire.refs[0]
    assert opened.json()["checkoutUrl"]


@AT_STRIPE
async def test_a_checkout_whose_session_is_gone_once_it_opens_is_closed(
    shop: Shop, wire: Wire
) -> None:
    held = wire.hold_opening()
    opener = asyncio.create_task(wire.open(shop.api))
    async with asyncio.timeout(IN_TIME):
        await held.arrived.wait()
        await shop.database["sessions"].delete_many({})
        held.release.set()
        problem(await opener, 404, "session_not_found")
    await shop.api.settle()
    assert wire.closed(wire.refs[0]) == 1


@AT_STRIPE
async def test_an_attempt_of_unknown_fate_is_repeated_until_its_provider_answers(
    shop: Shop, wire: Wire
) -> None:
    wire.fake.answers[wire.opens].appendleft((200, b"<html>"))
    problem(await wire.open(shop.api), 502, "provider_failed")
    assert (await change(shop.api, sessionId="s-1", status="canceled")).status_code == 200
    wire.fake.answers[wire.opens].appendleft((200, b"<html>"))
    shop.pass_time(seconds=40)
    await shop.api.settle()
    [message] = await shop.deliveries(CLOSE_ATTEMPT)
    assert (message["status"], wire.closed(wire.refs[0])) == ("pending", 0)
    for _ in range(2):
        shop.pass_time(seconds=40)
        await shop.api.settle()
    [message] = await shop.deliveries(CLOSE_ATTEMPT)
    assert (message["status"], wire.closed(wire.refs[0])) == ("done", 1)


@AT_STRIPE
async def test_an_attempt_of_unknown_fate_that_is_over_by_now_is_not_repeated(
    shop: Shop, wire: Wire
) -> None:
    wire.fake.answers[wire.opens].appendleft((200, b"<html>"))
    problem(await wire.open(shop.api), 502, "provider_failed")
    shop.pass_time(hours=25)
    assert (await wire.open(shop.api)).status_code == 201
    sent = [one for one in wire.fake.received if (one.method, one.path) == wire.opens]
    assert [one.headers["idempotency-key"].rpartition(":")[2] for one in sent] == ["1", "2"]


@AT_ORDERS
async def test_while_its_first_checkout_opens_a_session_takes_no_other_ones_payment(
    shop: Shop, wire: Wire
) -> None:
    held = wire.hold_opening()
    opener = asyncio.create_task(wire.open(shop.api))
    async with asyncio.timeout(IN_TIME):
        await held.arrived.wait()
        payment = razorpay_payment(SESSION, id="pay_x", order_id="order_x", notes=[])
        order = {"id": "order_x", "receipt": None, "notes": {"sessionId": "s-1"}}
        foreign = razorpay_event("order.paid", {"payment": payment, "order": order})
        told = await shop.api.told(foreign)
        held.release.set()
        opened = await opener
    assert told["outcome"] == "review"
    stored = await shop.session("s-1")
    assert (stored["status"], stored["review"]["reason"]) == ("pending", "foreign_checkout")
    assert (opened.status_code, opened.json()["providerSessionId"]) == (201, wire.refs[0])
