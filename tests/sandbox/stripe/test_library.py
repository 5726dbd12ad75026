"""The official library, sync and async, against the played Stripe."""

import asyncio
from typing import Any

import pytest
import stripe

from service.providers.stripe.settings import StripeSettings
from tests.sandbox.lab import Lab
from tests.sandbox.stripe.conftest import stripe_client
from tillgate_sandbox.base import MadeEvent
from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.playing import happen
from tillgate_sandbox.states import Happening


async def _paid(lab: Lab, library: stripe.StripeClient, params: dict[str, Any]) -> SandboxCheckout:
    session = await library.v1.checkout.sessions.create_async(params)
    return await happen(await lab.checkout(session.id), Happening.PAID, lab.sandbox)


async def test_sync_client_creates_and_reads_a_session(
    library: stripe.StripeClient, params: dict[str, Any]
) -> None:
    created = await asyncio.to_thread(library.v1.checkout.sessions.create, params)
    found = await asyncio.to_thread(library.v1.checkout.sessions.retrieve, created.id)

    assert found.to_dict() == created.to_dict()
    assert (found.amount_total, found.currency, found.status) == (2500, "usd", "open")
    assert found.payment_status == "unpaid"
    assert found.to_dict()["metadata"] == {"checkoutSessionId": "ps_1", "sessionId": "ps_1"}
    assert found.success_url == params["success_url"]


async def test_async_client_reads_a_paid_session_with_its_intent(
    lab: Lab, library: stripe.StripeClient, params: dict[str, Any]
) -> None:
    checkout = await _paid(lab, library, params)

    found = await library.v1.checkout.sessions.retrieve_async(
        checkout.id, {"expand": ["payment_intent"]}
    )

    assert (found.status, found.payment_status, found.url) == ("complete", "paid", None)
    assert isinstance(found.payment_intent, stripe.PaymentIntent)
    assert found.payment_intent.status == "succeeded"
    assert found.payment_intent.to_dict()["metadata"] == {"sessionId": "ps_1"}
    intent = await library.v1.payment_intents.retrieve_async(found.payment_intent.id)
    assert intent.to_dict() == found.payment_intent.to_dict()


async def test_only_an_open_session_can_be_expired(
    lab: Lab, library: stripe.StripeClient, params: dict[str, Any]
) -> None:
    session = await library.v1.checkout.sessions.create_async(params)
    expired = await library.v1.checkout.sessions.expire_async(session.id)
    assert expired.status == "expired"

    with pytest.raises(stripe.InvalidRequestError, match="can be expired"):
        await library.v1.checkout.sessions.expire_async(session.id)
    events = await library.v1.events.list_async({"type": "checkout.session.expired"})
    assert [event.data.object["id"] for event in events.data] == [session.id]


async def test_sessions_are_listed_page_by_page(
    library: stripe.StripeClient, params: dict[str, Any]
) -> None:
    made = {(await library.v1.checkout.sessions.create_async(params)).id for _ in range(5)}

    page = await library.v1.checkout.sessions.list_async({"limit": 2})
    found = [session.id async for session in page.auto_paging_iter()]

    assert len(found) == 5
    assert set(found) == made
    assert page.has_more


async def test_payment_is_refunded_in_parts_and_never_beyond(
    lab: Lab, library: stripe.StripeClient, params: dict[str, Any]
) -> None:
    intent_id = (await _paid(lab, library, params)).payments[-1].id

    part = await library.v1.refunds.create_async(
        {"payment_intent": intent_id, "amount": 1000, "reason": "requested_by_customer"}
    )
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        await library.v1.refunds.create_async({"payment_intent": intent_id, "amount": 1501})
    rest = await library.v1.refunds.create_async({"payment_intent": intent_id})
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await library.v1.refunds.create_async({"payment_intent": intent_id})

    assert (part.amount, rest.amount, rest.status) == (1000, 1500, "succeeded")
    assert refused.value.code == "charge_already_refunded"
    found = await library.v1.refunds.retrieve_async(part.id)
    assert (found.amount, found.reason) == (1000, "requested_by_customer")
    told = await library.v1.events.list_async({"types": ["refund.created", "charge.refunded"]})
    assert [event.type for event in told.data].count("refund.created") == 2


async def test_refunds_and_disputes_are_listed_page_by_page(
    lab: Lab, library: stripe.StripeClient, params: dict[str, Any]
) -> None:
    checkout = await _paid(lab, library, params)
    intent_id = checkout.payments[-1].id
    made = [
        (await library.v1.refunds.create_async({"payment_intent": intent_id, "amount": 100})).id
        for _ in range(3)
    ]
    await happen(await lab.checkout(checkout.id), Happening.DISPUTED, lab.sandbox)

    page = await library.v1.refunds.list_async({"payment_intent": intent_id, "limit": 2})
    found = [refund.id async for refund in page.auto_paging_iter()]
    by_charge = await library.v1.refunds.list_async({"charge": f"ch_{intent_id[3:]}"})
    disputes = await library.v1.disputes.list_async({"payment_intent": intent_id})
    (dispute,) = disputes.data
    read = await library.v1.disputes.retrieve_async(dispute.id)

    assert sorted(found) == sorted(made)
    assert page.has_more
    assert {refund.id for refund in by_charge.data} == set(made)
    assert read.to_dict() == dispute.to_dict()
    assert (dispute.amount, dispute.status) == (2200, "needs_response")
    (moved,) = dispute.balance_transactions
    assert (moved.amount, moved.fee, moved.net) == (-2200, 1500, -3700)


async def test_an_invoice_is_linked_to_the_intent_that_paid_it_both_ways(
    lab: Lab, library: stripe.StripeClient, params: dict[str, Any]
) -> None:
    line = [{"price": "price_sandbox_999_usd_basic", "quantity": 1}]
    taken = {name: value for name, value in params.items() if name != "payment_intent_data"}
    checkout = await _paid(lab, library, {**taken, "mode": "subscription", "line_items": line})
    intent_id, session = checkout.payments[-1].id, checkout.id
    read = await library.v1.checkout.sessions.retrieve_async(session)
    assert isinstance(read.invoice, str)

    of_invoice = await library.v1.invoice_payments.list_async({"invoice": read.invoice})
    of_intent = await library.v1.invoice_payments.list_async(
        {"payment": {"type": "payment_intent", "payment_intent": intent_id}}
    )

    (linked,) = of_invoice.data
    assert linked.payment.payment_intent == intent_id
    assert [one.invoice for one in of_intent.data] == [read.invoice]
    # The control: a single payment pays no invoice.
    single = (await _paid(lab, library, params)).payments[-1].id
    none = await library.v1.invoice_payments.list_async(
        {"payment": {"type": "payment_intent", "payment_intent": single}}
    )
    assert none.data == []


async def test_held_payment_is_captured_once(
    lab: Lab, library: stripe.StripeClient, params: dict[str, Any]
) -> None:
    session = await library.v1.checkout.sessions.create_async(params)
    held = await happen(await lab.checkout(session.id), Happening.AUTHORIZED, lab.sandbox)
    intent_id = held.payments[-1].id

    captured = await library.v1.payment_intents.capture_async(intent_id)

    assert (captured.status, captured.amount_received) == ("succeeded", 2500)
    with pytest.raises(stripe.InvalidRequestError) as refused:
        await library.v1.payment_intents.capture_async(intent_id)
    assert refused.value.code == "payment_intent_unexpected_state"


async def test_undelivered_events_are_listed_until_they_arrive(
    lab: Lab, library: stripe.StripeClient, params: dict[str, Any]
) -> None:
    await _paid(lab, library, params)
    since = {"gte": int(lab.sandbox.clock.now().timestamp()) - 60}
    waiting = await library.v1.events.list_async({"delivery_success": False, "created": since})
    assert {event.type for event in waiting.data} == {
        "payment_intent.succeeded",
        "checkout.session.completed",
    }

    await lab.deliver_all()

    waiting = await library.v1.events.list_async({"delivery_success": False, "created": since})
    arrived = await library.v1.events.list_async({"delivery_success": True, "created": since})
    assert (len(waiting.data), len(arrived.data)) == (0, 2)
    event = await library.v1.events.retrieve_async(arrived.data[0].id)
    assert event.to_dict() == arrived.data[0].to_dict()


async def test_subscription_ends_with_its_period_then_at_once(
    lab: Lab, library: stripe.StripeClient, params: dict[str, Any]
) -> None:
    params |= {
        "mode": "subscription",
        "line_items": [{"quantity": 1, "price": "price_sandbox_999_usd_basic"}],
        "subscription_data": {"metadata": {"sessionId": "ps_1"}},
    }
    del params["payment_intent_data"]
    checkout = await _paid(lab, library, params)
    session = await library.v1.checkout.sessions.retrieve_async(checkout.id)
    assert isinstance(session.subscription, str)
    assert isinstance(session.invoice, str)

    invoice = await library.v1.invoices.retrieve_async(session.invoice)
    ending = await library.v1.subscriptions.update_async(
        session.subscription, {"cancel_at_period_end": True}
    )
    canceled = await library.v1.subscriptions.cancel_async(session.subscription)

    assert (invoice.amount_paid, invoice.status) == (999, "paid")
    assert (ending.status, ending.cancel_at_period_end) == ("active", True)
    assert canceled.status == "canceled"
    told = await library.v1.events.list_async()
    assert {event.type for event in told.data} == {
        "customer.subscription.created",
        "invoice.paid",
        "payment_intent.succeeded",
        "checkout.session.completed",
        "customer.subscription.updated",
        "customer.subscription.deleted",
    }


async def test_foreign_key_and_unknown_things_are_refused_as_stripe_does(
    lab: Lab, library: stripe.StripeClient
) -> None:
    stranger, http = stripe_client(lab, "sk_test_of_somebody_else")
    with pytest.raises(stripe.AuthenticationError, match="Invalid API Key provided: sk_test_"):
        await stranger.v1.checkout.sessions.list_async()
    await http.close_async()

    with pytest.raises(stripe.InvalidRequestError) as unknown:
        await library.v1.payment_intents.retrieve_async("pi_unknown")
    assert (unknown.value.http_status, unknown.value.code) == (404, "resource_missing")
    with pytest.raises(stripe.InvalidRequestError, match="Unrecognized request URL"):
        await library.v1.customers.list_async()


async def test_library_believes_the_webhooks_signature(
    lab: Lab, library: stripe.StripeClient, params: dict[str, Any]
) -> None:
    await _paid(lab, library, params)
    secret = lab.sandbox.settings.of(StripeSettings).webhook_secrets[0]
    played = lab.sandbox.played["stripe"]
    now = lab.sandbox.clock.now()
    for delivery in await lab.deliveries("ps_1"):
        event = MadeEvent(delivery.type, delivery.event_id, delivery.body)
        for fault, believed in ((None, True), ("bad_signature", False), ("old_secret", False)):
            header = played.sign(event, now, fault)["Stripe-Signature"]
            try:
                stripe.WebhookSignature.verify_header(delivery.body.decode(), header, secret, None)
            except stripe.SignatureVerificationError:
                assert not believed
            else:
                assert believed


async def test_a_test_clock_renews_subscriptions_and_tries_failed_ones_again(
    lab: Lab, library: stripe.StripeClient, params: dict[str, Any]
) -> None:
    params |= {
        "mode": "subscription",
        "line_items": [{"quantity": 1, "price": "price_sandbox_999_usd_basic"}],
    }
    del params["payment_intent_data"]
    checkout = await _paid(lab, library, params)
    session = await library.v1.checkout.sessions.retrieve_async(checkout.id)
    assert isinstance(session.subscription, str)
    now = int(lab.sandbox.clock.now().timestamp())
    clocks = library.v1.test_helpers.test_clocks
    clock = await clocks.create_async({"frozen_time": now, "name": "a year"})

    await clocks.advance_async(clock.id, {"frozen_time": now + 31 * 86_400})
    renewed = await library.v1.subscriptions.retrieve_async(session.subscription)
    invoices = await library.v1.invoices.list_async(
        {"subscription": session.subscription, "expand": ["data.payments"]}
    )
    await library.v1.subscriptions.update_async(
        session.subscription, {"default_payment_method": "pm_card_chargeCustomerFail"}
    )
    moved = await clocks.advance_async(clock.id, {"frozen_time": now + 100 * 86_400})
    over = await library.v1.subscriptions.retrieve_async(session.subscription)

    assert (renewed.status, len(invoices.data)) == ("active", 2)
    assert all(invoice.payments and invoice.payments.data for invoice in invoices.data)
    assert (over.status, moved.status) == ("canceled", "ready")
    kinds = [event.type for event in (await library.v1.events.list_async({"limit": 100})).data]
    assert kinds.count("invoice.payment_failed") == 4
    with pytest.raises(stripe.InvalidRequestError, match="after the clock"):
        await clocks.advance_async(clock.id, {"frozen_time": now})
    await clocks.delete_async(clock.id)
