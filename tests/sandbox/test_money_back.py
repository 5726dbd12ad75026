"""Refunds and disputes at the played providers, asked for by our own adapters on real wires."""

import json
from datetime import timedelta

import pytest
from msgspec import structs

from service.core.clock import ManualClock
from service.core.errors import ProviderUnreachable, RefundRefused
from service.providers.base import VerifiedEvent
from service.providers.facts import DisputeUpdated, Fact, RefundUpdated
from service.providers.refunding import RefundRequest, Refunds
from tests.conversation.books import RealPayment, payments_in
from tests.conversation.wires import Wires, listened_to
from tests.sandbox.lab import Lab
from tillgate_sandbox import repository
from tillgate_sandbox.base import MadeEvent
from tillgate_sandbox.chaos import Fault
from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.playing import happen
from tillgate_sandbox.states import Happening
from tillgate_sandbox.stripe.billing import invoice_id

EVERY = pytest.mark.parametrize("provider", ["stripe", "razorpay", "phonepe"])
DISPUTING = pytest.mark.parametrize("provider", ["stripe", "razorpay"])
CURRENCIES = {"stripe": "USD", "razorpay": "INR", "phonepe": "INR"}
OURS = "rf-0123456789abcdef"


async def paid(lab: Lab, provider: str, *faults: Fault, **fields: object) -> SandboxCheckout:
    """Open a checkout of 1000 at a provider and pay it; faults hold for it then."""
    how = {"paymentMethod": provider, "currency": CURRENCIES[provider], "amount": 1000} | fields
    _, checkout = await lab.open(**how)
    if faults:
        chaos = {"faults": list(faults), "delayMs": 5000}
        changed = checkout.model_copy(update={"chaos": chaos})
        assert await repository.change_checkout(checkout, changed)
        checkout = await lab.checkout(checkout.id)
    return await happen(checkout, Happening.PAID, lab.sandbox)


def adapter(lab: Lab, provider: str) -> Refunds:
    """Return the service's own adapter, which calls the played provider over HTTP."""
    found = lab.app.state.container.inbox.providers[provider]
    assert isinstance(found, Refunds)
    return found


def request_for(checkout: SandboxCheckout, amount: int = 400) -> RefundRequest:
    """Return a request to refund a part of a checkout's payment."""
    payment_id = checkout.id if checkout.provider == "phonepe" else checkout.payments[-1].id
    return RefundRequest(OURS, payment_id, amount, checkout.currency, checkout.amount)


async def real(lab: Lab, checkout: SandboxCheckout) -> RealPayment:
    """Return what the provider's books say of a checkout's payment."""
    (found,) = payments_in([await lab.checkout(checkout.id)]).values()
    return found


def refund_in(event: VerifiedEvent | None) -> RefundUpdated:
    """Return the one refund of an answer."""
    assert event is not None
    (fact,) = event.facts
    assert isinstance(fact, RefundUpdated)
    return fact


async def told(lab: Lab, checkout: SandboxCheckout, kind: type) -> list[Fact]:
    """Return the facts of a kind that were reported, as our own adapter reads them, in order."""
    played, now = lab.sandbox.played[checkout.provider], lab.sandbox.clock.now()
    facts: list[Fact] = []
    deliveries = await lab.deliveries(checkout.session_id)
    provider = lab.app.state.container.inbox.providers[checkout.provider]
    for one in sorted(deliveries, key=lambda one: (one.created_at, one.due_at)):
        body = bytes(one.body)
        headers = played.sign(MadeEvent(one.type, one.event_id, body), now, None)
        lower = {name.lower(): value for name, value in headers.items()}
        facts += provider.verify(lower, body, now).facts
    return [fact for fact in facts if isinstance(fact, kind)]


@EVERY
async def test_a_refund_is_made_once_however_often_it_is_asked_for(lab: Lab, provider: str) -> None:
    checkout = await paid(lab, provider)
    request = request_for(checkout)
    first, again = [refund_in(await adapter(lab, provider).refund(request)) for _ in range(2)]
    assert (first.refund_id, first.amount, first.status) == (OURS, 400, "succeeded")
    assert first == again
    assert (await real(lab, checkout)).refunded == 400
    # The control: under another id it is another refund.
    other = structs.replace(request, refund_id=OURS + "-2")
    assert refund_in(await adapter(lab, provider).refund(other)) != first
    assert (await real(lab, checkout)).refunded == 800


@EVERY
async def test_a_refund_whose_answer_was_lost_is_found_and_not_made_again(
    lab: Lab, provider: str
) -> None:
    checkout = await paid(lab, provider)
    request = request_for(checkout)
    assert await adapter(lab, provider).find_refund(request) is None
    wires = Wires(lab.app.state.container.database)
    with listened_to(lab.app, wires):
        wires.cut = "before"
        with pytest.raises(ProviderUnreachable):
            await adapter(lab, provider).refund(request)
        wires.cut = None
        assert await adapter(lab, provider).find_refund(request) is None
        wires.cut = "after"
        with pytest.raises(ProviderUnreachable):
            await adapter(lab, provider).refund(request)
    found = refund_in(await adapter(lab, provider).find_refund(request))
    assert found == refund_in(await adapter(lab, provider).refund(request))
    assert (await real(lab, checkout)).refunded == 400


async def test_stripe_forgets_a_key_and_would_refund_again(lab: Lab, clock: ManualClock) -> None:
    checkout = await paid(lab, "stripe")
    request, stripe = request_for(checkout), adapter(lab, "stripe")
    first = refund_in(await stripe.refund(request))
    clock.advance(timedelta(hours=23))
    assert refund_in(await stripe.refund(request)) == first
    clock.advance(timedelta(hours=2))
    assert refund_in(await stripe.find_refund(request)) == first
    assert refund_in(await stripe.refund(request)) != first
    assert (await real(lab, checkout)).refunded == 800


@pytest.mark.parametrize("provider", ["stripe", "razorpay"])
async def test_one_key_is_for_one_request(lab: Lab, provider: str) -> None:
    checkout = await paid(lab, provider)
    await adapter(lab, provider).refund(request_for(checkout))
    with pytest.raises(ProviderUnreachable, match=r"under this id|same idempotency key"):
        await adapter(lab, provider).refund(request_for(checkout, 401))
    assert (await real(lab, checkout)).refunded == 400


@EVERY
async def test_no_more_than_is_left_is_refunded(lab: Lab, provider: str) -> None:
    checkout = await paid(lab, provider)
    with pytest.raises(RefundRefused):
        await adapter(lab, provider).refund(request_for(checkout, 1001))
    whole = structs.replace(request_for(checkout, 1000), refund_id=OURS + "-2")
    await adapter(lab, provider).refund(whole)
    again = structs.replace(request_for(checkout, 1), refund_id=OURS + "-3")
    with pytest.raises(RefundRefused):
        await adapter(lab, provider).refund(again)
    assert (await real(lab, checkout)).refunded == 1000


@EVERY
async def test_a_slow_refund_is_pending_until_its_time_comes(lab: Lab, provider: str) -> None:
    checkout = await paid(lab, provider, "slow_refund")
    request = request_for(checkout)
    asked = refund_in(await adapter(lab, provider).refund(request))
    assert asked.status == "pending"
    assert ((await real(lab, checkout)).refunding, (await real(lab, checkout)).refunded) == (400, 0)
    await lab.deliver_all()
    statuses = [fact.status for fact in await told(lab, checkout, RefundUpdated)]
    assert statuses == ["pending", "succeeded"]
    assert refund_in(await adapter(lab, provider).find_refund(request)).status == "succeeded"
    assert (await real(lab, checkout)).refunded == 400


@EVERY
async def test_a_refund_fails_after_it_had_succeeded(lab: Lab, provider: str) -> None:
    checkout = await paid(lab, provider, "failing_refund")
    request = request_for(checkout)
    assert refund_in(await adapter(lab, provider).refund(request)).status == "succeeded"
    await lab.deliver_all()
    facts = await told(lab, checkout, RefundUpdated)
    assert [fact.status for fact in facts][-2:] == ["succeeded", "failed"]
    assert {fact.refund_id for fact in facts} == {OURS}
    assert refund_in(await adapter(lab, provider).find_refund(request)).status == "failed"
    assert ((await real(lab, checkout)).refunded, (await real(lab, checkout)).kept) == (0, 1000)


@EVERY
async def test_a_provider_refuses_and_nothing_moves(lab: Lab, provider: str) -> None:
    checkout = await paid(lab, provider, "refused_refund")
    with pytest.raises(RefundRefused) as refused:
        await adapter(lab, provider).refund(request_for(checkout))
    assert refused.value.message
    assert await adapter(lab, provider).find_refund(request_for(checkout)) is None
    assert (await real(lab, checkout)).kept == 1000


async def test_stripe_lets_a_refund_wait_for_the_merchants_money(lab: Lab) -> None:
    checkout = await paid(lab, "stripe", "no_balance")
    asked = refund_in(await adapter(lab, "stripe").refund(request_for(checkout)))
    assert (asked.status, asked.pending_reason) == ("pending", "insufficient_funds")
    await lab.deliver_all()
    assert (await real(lab, checkout)).refunded == 400


@pytest.mark.parametrize("provider", ["razorpay", "phonepe"])
async def test_the_others_refuse_without_the_merchants_money(lab: Lab, provider: str) -> None:
    checkout = await paid(lab, provider, "no_balance")
    with pytest.raises(RefundRefused, match=r"balance at .* is too low"):
        await adapter(lab, provider).refund(request_for(checkout))
    assert (await real(lab, checkout)).kept == 1000


async def test_a_subscription_s_payment_is_refunded_by_its_invoice(lab: Lab) -> None:
    checkout = await paid(lab, "stripe")
    subscribed = {"request": checkout.request | {"mode": "subscription"}}
    invoice = invoice_id(checkout)
    linked = checkout.model_copy(update=subscribed | {"object_ids": [invoice]})
    assert await repository.change_checkout(checkout, linked)
    asked = structs.replace(request_for(checkout), provider_payment_id=invoice)
    fact = refund_in(await adapter(lab, "stripe").refund(asked))
    assert fact.payment_ids[0] == checkout.payments[-1].id
    assert refund_in(await adapter(lab, "stripe").find_refund(asked)) == fact


LIVES = (
    ((), "needs_response", 1000, 0),
    ((Happening.DISPUTE_ANSWERED,), "under_review", 1000, 0),
    ((Happening.DISPUTE_ANSWERED, Happening.DISPUTE_WON), "won", 0, 0),
    ((Happening.DISPUTE_LOST,), "lost", 0, 1000),
)
"""What becomes of a dispute, the state that is told at last, what is withheld and lost by then."""


@DISPUTING
async def test_a_dispute_holds_the_money_until_it_is_decided(
    lab: Lab, clock: ManualClock, provider: str
) -> None:
    for user, (ends, status, withheld, lost) in enumerate(LIVES):
        checkout = await paid(lab, provider, userId=f"user_{user}")
        for happening in (Happening.DISPUTED, *ends):
            checkout = await happen(checkout, happening, lab.sandbox)
            clock.advance(timedelta(seconds=1))
        fact = (await told(lab, checkout, DisputeUpdated))[-1]
        assert isinstance(fact, DisputeUpdated)
        assert (fact.status, fact.inquiry) == (status, False)
        assert fact.payment_ids[0] == checkout.payments[-1].id
        assert fact.respond_by is not None
        books = await real(lab, checkout)
        assert (books.withheld, books.lost, books.refunded) == (withheld, lost, 0)
        if provider == "stripe":
            assert -sum(one.amount for one in fact.movements) == withheld + lost
            assert sum(one.fee for one in fact.movements) == 1500
        else:
            assert fact.deducted == lost


async def test_razorpay_pays_for_a_lost_dispute_by_a_refund_that_is_the_same_money(
    lab: Lab,
) -> None:
    checkout = await paid(lab, "razorpay")
    for happening in (Happening.DISPUTED, Happening.DISPUTE_LOST):
        checkout = await happen(checkout, happening, lab.sandbox)
    (*_, refund) = await told(lab, checkout, RefundUpdated)
    assert isinstance(refund, RefundUpdated)
    assert (refund.amount, refund.status, refund.refund_id) == (1000, "succeeded", None)
    books = await real(lab, checkout)
    assert (books.lost, books.refunded, books.kept) == (1000, 0, 0)


@DISPUTING
async def test_an_inquiry_moves_nothing_and_may_be_refunded(lab: Lab, provider: str) -> None:
    checkout = await happen(await paid(lab, provider), Happening.INQUIRED, lab.sandbox)
    (asked,) = await told(lab, checkout, DisputeUpdated)
    assert isinstance(asked, DisputeUpdated)
    assert (asked.status, asked.inquiry, asked.movements) == ("inquiry", True, ())
    assert asked.is_charge_refundable is (True if provider == "stripe" else None)
    assert (await real(lab, checkout)).kept == 1000
    refunded = refund_in(await adapter(lab, provider).refund(request_for(checkout)))
    assert refunded.status == "succeeded"


@DISPUTING
async def test_an_inquiry_becomes_a_dispute_or_comes_to_nothing(lab: Lab, provider: str) -> None:
    first = await happen(await paid(lab, provider), Happening.INQUIRED, lab.sandbox)
    closed = await happen(first, Happening.INQUIRY_CLOSED, lab.sandbox)
    assert {fact.status for fact in await told(lab, closed, DisputeUpdated)} >= {"closed"}
    second = await happen(
        await paid(lab, provider, userId="user_2"), Happening.INQUIRED, lab.sandbox
    )
    second = await happen(second, Happening.DISPUTED, lab.sandbox)
    facts = await told(lab, second, DisputeUpdated)
    assert {fact.provider_dispute_id for fact in facts} == {second.payments[-1].dispute_id}
    assert {fact.status for fact in facts} == {"inquiry", "needs_response"}
    assert (await real(lab, second)).withheld == 1000


@DISPUTING
async def test_no_refund_while_a_dispute_holds_the_money(lab: Lab, provider: str) -> None:
    checkout = await happen(await paid(lab, provider), Happening.DISPUTED, lab.sandbox)
    with pytest.raises(RefundRefused, match="disputed"):
        await adapter(lab, provider).refund(request_for(checkout))
    # The control: once it is won, the money is there again.
    won = await happen(await lab.checkout(checkout.id), Happening.DISPUTE_WON, lab.sandbox)
    other = structs.replace(request_for(won), refund_id=OURS + "-2")
    assert refund_in(await adapter(lab, provider).refund(other)).status == "succeeded"


async def test_money_that_nobody_captured_goes_back_as_a_void(lab: Lab) -> None:
    _, checkout = await lab.open(paymentMethod="razorpay", currency="INR")
    for happening in (Happening.AUTHORIZED, Happening.VOIDED):
        checkout = await happen(checkout, happening, lab.sandbox)
    facts = await told(lab, checkout, RefundUpdated)
    assert [fact.voids for fact in facts] == [True, True]
    # The control: what was captured is refunded.
    captured = await paid(lab, "razorpay")
    captured = await happen(captured, Happening.REFUNDED, lab.sandbox)
    assert [fact.voids for fact in await told(lab, captured, RefundUpdated)] == [False, False]


async def test_what_is_played_is_what_the_service_takes(lab: Lab) -> None:
    """Whole lives under chaos: every delivery ends in a 2xx."""
    for provider in ("stripe", "razorpay", "phonepe"):
        checkout = await paid(lab, provider, "duplicate", "reorder", "drop", "failing_refund")
        await adapter(lab, provider).refund(request_for(checkout))
        await lab.deliver_all()
        deliveries = await lab.deliveries(checkout.session_id)
        assert {one.status for one in deliveries} == {"delivered"}
        assert any("refund" in one.type for one in deliveries)
        assert json.loads(bytes(deliveries[0].body))
