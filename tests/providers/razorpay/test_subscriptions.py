"""Subscriptions at Razorpay, against a real server on loopback."""

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from service.core.clock import ManualClock
from service.core.errors import NotOffered, ProviderFailed, ProviderUnreachable
from service.providers.facts import InvoicePaid, PaymentSucceeded, Subject, SubscriptionRead
from service.providers.razorpay.adapter import RazorpayProvider
from service.providers.subscribing import Subscribes
from tests.providers.http_fake import FakeApi, Json, fake_api
from tests.providers.razorpay import fake
from tests.providers.razorpay.case import NOON, settings, sign
from tests.providers.razorpay.test_translate import sample

SUB, PLAN = "sub_00000000000001", "plan_00000000000001"
ALL, ONE = "/v1/subscriptions", f"/v1/subscriptions/{SUB}"
NOTES: Json = {"sessionId": "ps_1", "merchantId": "default", "attemptId": "ps_1", "plan": "basic"}


@pytest_asyncio.fixture
async def api() -> AsyncIterator[FakeApi]:
    """A fake of Razorpay's API, with one plan."""
    async with fake_api() as running:
        item = {"name": "Basic", "amount": 29900, "currency": "INR"}
        plan = {"id": PLAN, "period": "monthly", "interval": 1, "item": item}
        running.answer("GET", f"/v1/plans/{PLAN}", plan)
        yield running


@pytest_asyncio.fixture
async def provider(api: FakeApi) -> AsyncIterator[RazorpayProvider]:
    """The adapter, pointed at the fake."""
    own = settings(api.base).model_copy(update={"plan_basic": PLAN, "plan_premium": "plan_2"})
    adapter = RazorpayProvider(own, ManualClock(NOON))
    assert isinstance(adapter, Subscribes)
    yield adapter
    await adapter.aclose()


def _subscription(status: str = "created", **fields: object) -> Json:
    return {
        "id": SUB,
        "plan_id": PLAN,
        "status": status,
        "quantity": 1,
        "notes": NOTES,
        "short_url": "https://rzp.io/i/sub",
        "paid_count": 0,
        "created_at": 1_795_000_000,
        **fields,
    }


async def test_a_subscription_is_opened_by_its_link_at_the_price_of_its_plan(
    api: FakeApi, provider: RazorpayProvider
) -> None:
    api.answer("POST", ALL, _subscription())
    request = fake.request(mode="subscription", kind="checkout", plan="basic")
    opened = await provider.open_checkout(request)
    assert (opened.ref, opened.url) == (SUB, "https://rzp.io/i/sub")
    assert (opened.amount, opened.currency) == (29900, "INR")
    sent = api.last().json()
    assert (sent["plan_id"], sent["notes"]) == (PLAN, NOTES)


async def test_a_repeated_attempt_finds_the_one_that_was_opened(
    api: FakeApi, provider: RazorpayProvider
) -> None:
    other = _subscription(id="sub_other", notes={**NOTES, "attemptId": "another"})
    api.answer("GET", ALL, {"items": [other, _subscription()]})
    request = fake.request(mode="subscription", kind="checkout", plan="basic", repeated=True)
    assert (await provider.open_checkout(request)).ref == SUB
    assert ("POST", ALL) not in api.calls()


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("created", "incomplete"),
        ("active", "active"),
        ("pending", "past_due"),
        ("halted", "halted"),
        ("paused", "paused"),
        ("cancelled", "canceled"),
        ("completed", "completed"),
        ("expired", "incomplete_expired"),
    ],
)
async def test_a_reading_says_how_it_stands_and_is_read_again_as_it_was(
    api: FakeApi, provider: RazorpayProvider, status: str, state: str
) -> None:
    ends = {"current_start": 1_795_000_000, "current_end": 1_797_000_000}
    api.answer("GET", ONE, _subscription(status, **ends, end_at=1_797_000_000))
    api.answer("GET", "/v1/invoices", {"items": []})
    event = await provider.read_subscription(SUB, 7)
    [fact] = event.facts
    assert isinstance(fact, SubscriptionRead)
    said = fact.subscription
    assert (fact.read, said.state, said.provider_status) == (7, state, status)
    assert (said.plan, said.amount, said.currency) == ("basic", 29900, "INR")
    assert (said.interval, said.cancel_at_period_end) == ("month", True)
    assert event.subject.sent_ids == ("ps_1",)
    assert provider.translate_stored(event.event_id, event.payload) == event


async def test_a_reading_tells_of_the_last_invoices_that_were_paid(
    api: FakeApi, provider: RazorpayProvider
) -> None:
    paid = {"status": "paid", "amount": 29900, "currency": "INR", "order_id": "order_1"}
    listed = [
        paid | {"payment_id": f"pay_{day}", "paid_at": 1_795_000_000 + day} for day in range(12)
    ]
    without = [
        {"status": "issued", "amount": 29900, "payment_id": None},
        paid | {"payment_id": None, "paid_at": 1_796_000_000},
        paid | {"payment_id": "pay_free", "amount": 0, "paid_at": 1_796_000_000},
    ]
    api.answer("GET", ONE, _subscription("active"))
    api.answer("GET", "/v1/invoices", {"items": [*without, *listed]})
    event = await provider.read_subscription(SUB, 7)
    told = [fact.payment for fact in event.facts if isinstance(fact, InvoicePaid)]
    assert [one.provider_payment_id for one in told] == [f"pay_{day}" for day in range(11, 3, -1)]
    assert {(one.amount, one.currency, one.checkout_ref, one.subscription_id) for one in told} == {
        (29900, "INR", "order_1", SUB)
    }
    # No later than what the events of these payments say.
    assert int(event.occurred_at.timestamp()) == 1_795_000_004
    assert provider.translate_stored(event.event_id, event.payload) == event


async def test_an_unknown_state_is_no_answer(api: FakeApi, provider: RazorpayProvider) -> None:
    api.answer("GET", ONE, _subscription("frozen"))
    api.answer("GET", "/v1/invoices", {"items": []})
    with pytest.raises(ProviderUnreachable):
        await provider.read_subscription(SUB, 1)


async def test_it_ends_is_changed_and_resumed(api: FakeApi, provider: RazorpayProvider) -> None:
    for path in ("cancel", "resume"):
        api.answer("POST", f"{ONE}/{path}", _subscription("active"))
    api.answer("PATCH", ONE, _subscription("active"))
    api.answer("GET", ONE, _subscription("paused"))
    await provider.cancel_subscription(SUB, at_period_end=True)
    assert api.last().json() == {"cancel_at_cycle_end": 1}
    await provider.cancel_subscription(SUB, at_period_end=False)
    assert api.last().json() == {"cancel_at_cycle_end": 0}
    await provider.reactivate_subscription(SUB)
    assert api.last().json() == {"resume_at": "now"}
    await provider.change_plan(SUB, "premium", "plan_2", "key")
    assert api.last().json()["plan_id"] == "plan_2"


async def test_that_one_ends_with_its_cycle_can_not_be_taken_back(
    api: FakeApi, provider: RazorpayProvider
) -> None:
    api.answer("GET", ONE, _subscription("active"))
    with pytest.raises(NotOffered, match="no way"):
        await provider.reactivate_subscription(SUB)


async def test_a_session_is_paid_by_the_first_charge_alone(
    api: FakeApi, provider: RazorpayProvider
) -> None:
    body = sample("subscription.charged")
    entity = body["payload"]["subscription"]["entity"]
    entity["notes"] = {"sessionId": "ps_1"}
    kinds = []
    for count in (1, 2):
        entity["paid_count"] = count
        raw = json.dumps(body).encode()
        event = provider.verify(sign(raw, NOON), raw, NOON)
        kinds.append(type(event.facts[1]))
        assert entity["id"] in event.subject.checkout_refs
    assert kinds == [PaymentSucceeded, InvoicePaid]


async def test_asked_about_its_session_it_names_its_first_payment(
    api: FakeApi, provider: RazorpayProvider
) -> None:
    invoices = [
        {"status": "paid", "paid_at": 2, "payment_id": "pay_2"},
        {"status": "paid", "paid_at": 1, "payment_id": "pay_1"},
    ]
    api.answer("GET", ONE, _subscription("active", paid_count=2))
    api.answer("GET", "/v1/invoices", {"items": invoices})
    paid = {"id": "pay_1", "amount": 29900, "currency": "INR", "status": "captured"}
    api.answer("GET", "/v1/payments/pay_1", paid | {"captured": True, "invoice_id": "inv_1"})
    [fact] = (await provider.fetch(SUB)).facts
    assert isinstance(fact, PaymentSucceeded)
    assert (fact.payment.provider_payment_id, fact.payment.subscription_id) == ("pay_1", SUB)


def _captured(**payment: object) -> dict[str, object]:
    body: dict[str, object] = sample("payment.captured")
    body["payload"]["payment"]["entity"] |= {"invoice_id": "inv_2", **payment}  # type: ignore[index]
    return body


async def _learned(provider: RazorpayProvider, **payment: object) -> Subject | None:
    raw = json.dumps(_captured(**payment)).encode()
    event = provider.verify(sign(raw, NOON), raw, NOON)
    return await provider.checkout_of(event, matched=False)


@pytest.mark.parametrize(
    ("paid", "renews"),
    [
        ([("inv_2", 20)], False),
        ([("inv_2", 20), ("inv_1", 10)], True),
        ([("inv_3", 30), ("inv_2", 20)], False),
        ([("inv_1", 10)], True),  # it is not paid itself: a renewal that failed
        ([], False),  # the first one, that failed
    ],
)
async def test_an_invoice_tells_a_renewal_from_the_first_payment(
    api: FakeApi, provider: RazorpayProvider, paid: list[tuple[str, int]], renews: bool
) -> None:
    invoices = [{"id": one, "status": "paid", "paid_at": at} for one, at in paid]
    own = next((one for one in invoices if one["id"] == "inv_2"), {"id": "inv_2"})
    api.answer("GET", "/v1/invoices/inv_2", {**own, "subscription_id": SUB})
    api.answer("GET", ONE, _subscription("active"))
    api.answer("GET", "/v1/invoices", {"items": invoices})
    learned = await _learned(provider)
    assert learned is not None
    assert (learned.subscription_id, learned.renews) == (SUB, renews)
    assert learned.sent_ids == ("ps_1",)
    assert learned.checkout_refs == (() if renews else (SUB,))


async def test_another_system_s_subscription_pays_no_session_of_ours(
    api: FakeApi, provider: RazorpayProvider
) -> None:
    api.answer("GET", "/v1/invoices/inv_2", {"id": "inv_2", "subscription_id": SUB})
    api.answer("GET", ONE, _subscription("active", notes={}))
    api.answer("GET", "/v1/invoices", {"items": []})
    learned = await _learned(provider)
    assert learned is not None
    assert (learned.renews, learned.sent_ids) == (True, ())


@pytest.mark.parametrize("invoice", [{"id": "inv_2"}, {"id": "inv_2", "subscription_id": "../x"}])
async def test_an_invoice_of_no_subscription_leads_to_the_order(
    api: FakeApi, provider: RazorpayProvider, invoice: Json
) -> None:
    api.answer("GET", "/v1/invoices/inv_2", invoice)
    api.answer("GET", "/v1/orders/order_1", {"id": "order_1", "receipt": "ps_1"})
    api.answer("GET", "/v1/payment_links", {"payment_links": []})
    learned = await _learned(provider, order_id="order_1")
    assert learned is not None
    assert (learned.attempt_ids, learned.renews) == (("ps_1",), False)


async def test_what_is_no_invoice_s_id_is_not_asked_for(
    api: FakeApi, provider: RazorpayProvider
) -> None:
    api.answer("GET", "/v1/orders/order_1", {"id": "order_1"})
    api.answer("GET", "/v1/payment_links", {"payment_links": []})
    await _learned(provider, order_id="order_1", invoice_id="inv_../plans")
    assert {path for _, path in api.calls()} == {"/v1/orders/order_1", "/v1/payment_links"}


async def test_a_plan_says_what_it_charges(api: FakeApi, provider: RazorpayProvider) -> None:
    found = await provider.read_price(PLAN)
    assert (found.amount, found.currency) == (29900, "INR")
    assert (found.interval, found.interval_count) == ("month", 1)
    api.answer("GET", "/v1/plans/plan_silent", {"id": "plan_silent", "period": "monthly"})
    with pytest.raises(ProviderUnreachable):
        await provider.read_price("plan_silent")


@pytest.mark.parametrize("wrong", ["../payments/pay_1", "plan_1?x=1", "plan_", "pay_1", ""])
async def test_what_is_no_plans_id_is_no_part_of_an_address(
    api: FakeApi, provider: RazorpayProvider, wrong: str
) -> None:
    before = len(api.received)
    with pytest.raises(ProviderFailed):
        await provider.read_price(wrong)
    assert len(api.received) == before
