"""Line items, updates, charges and expanded objects of the played Stripe, by its own library."""

from typing import Any

import pytest
import stripe

from tests.sandbox.lab import Lab
from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.pages.views import checkout_view
from tillgate_sandbox.playing import chaos_of, happen
from tillgate_sandbox.states import Happening

PLAN = [{"quantity": 1, "price": "price_sandbox_999_usd_basic"}]


async def _paid(lab: Lab, library: stripe.StripeClient, params: dict[str, Any]) -> SandboxCheckout:
    session = await library.v1.checkout.sessions.create_async(params)
    return await happen(await lab.checkout(session.id), Happening.PAID, lab.sandbox)


async def test_line_items_have_prices_and_products_of_what_was_asked_for(
    library: stripe.StripeClient, params: dict[str, Any]
) -> None:
    params["line_items"].append(
        {
            "quantity": 1,
            "price_data": {
                "currency": "usd",
                "unit_amount": 500,
                "product_data": {"name": "A poster", "metadata": {"size": "A2"}},
            },
        }
    )
    session = await library.v1.checkout.sessions.create_async(
        {**params, "expand": ["line_items.data.price.product"]}
    )
    listed = await library.v1.checkout.sessions.line_items.list_async(session.id)

    assert session.line_items is not None
    told = [(one.description, one.quantity, one.amount_total) for one in listed.data]
    assert told == [("Two tickets", 2, 2500), ("A poster", 1, 500)]
    assert sum(total for *_, total in told) == session.amount_total
    products = [one.price.product for one in session.line_items.data if one.price]
    assert all(isinstance(one, stripe.Product) for one in products)
    assert [one.to_dict()["metadata"] for one in products] == [{}, {"size": "A2"}]
    # The control: what nobody expands stays out, or is an id.
    plain = await library.v1.checkout.sessions.retrieve_async(session.id)
    assert "line_items" not in plain.to_dict()
    assert all(one.price and isinstance(one.price.product, str) for one in listed.data)


async def test_objects_are_expanded_along_a_path_and_ids_without_one(
    lab: Lab, library: stripe.StripeClient, params: dict[str, Any]
) -> None:
    checkout = await _paid(lab, library, params)
    v1, intent_id = library.v1, checkout.payments[-1].id
    refund = await v1.refunds.create_async(
        {"payment_intent": intent_id, "amount": 100, "expand": ["charge", "payment_intent"]}
    )
    assert isinstance(refund.charge, stripe.Charge)
    assert isinstance(refund.payment_intent, stripe.PaymentIntent)
    assert (refund.charge.amount_refunded, refund.payment_intent.id) == (100, intent_id)

    listed = await v1.checkout.sessions.list_async(
        {"expand": ["data.payment_intent.latest_charge", "data.line_items"]}
    )
    (session,) = listed.data
    assert isinstance(session.payment_intent, stripe.PaymentIntent)
    charge = session.payment_intent.latest_charge
    assert isinstance(charge, stripe.Charge)
    assert (charge.status, charge.paid, charge.refunded) == ("succeeded", True, False)
    read = await v1.charges.retrieve_async(charge.id, {"expand": ["refunds"]})
    assert read.refunds is not None
    assert [one.id for one in read.refunds.data] == [refund.id]
    # The control: without a path it is an id.
    plain = await v1.refunds.retrieve_async(refund.id)
    assert (plain.charge, plain.payment_intent) == (charge.id, intent_id)


async def test_a_subscription_is_expanded_with_what_was_paid_for_it(
    lab: Lab, library: stripe.StripeClient, params: dict[str, Any]
) -> None:
    taken = {name: value for name, value in params.items() if name != "payment_intent_data"}
    checkout = await _paid(lab, library, {**taken, "mode": "subscription", "line_items": PLAN})
    session = await library.v1.checkout.sessions.retrieve_async(
        checkout.id, {"expand": ["subscription.latest_invoice.payments", "customer"]}
    )
    assert isinstance(session.subscription, stripe.Subscription)
    assert isinstance(session.customer, stripe.Customer)
    invoice = session.subscription.latest_invoice
    assert isinstance(invoice, stripe.Invoice)
    assert invoice.payments is not None
    (paid,) = invoice.payments.data
    assert paid.payment.payment_intent == checkout.payments[-1].id
    (found,) = (await library.v1.subscriptions.list_async()).data
    assert found.id == session.subscription.id
    assert (await library.v1.subscriptions.list_async({"status": "canceled"})).data == []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("nothing", r"This property cannot be expanded \(nothing\)"),
        ("payment_intent.amount", r"cannot be expanded \(amount\)"),
        ("payment_intent.latest_charge.customer.a.b", "more than 4 levels"),
    ],
)
async def test_a_wrong_path_is_refused_before_anything_is_done(
    library: stripe.StripeClient, params: dict[str, Any], path: str, said: str
) -> None:
    with pytest.raises(stripe.InvalidRequestError, match=said):
        await library.v1.checkout.sessions.create_async({**params, "expand": [path]})
    assert (await library.v1.checkout.sessions.list_async()).data == []
    # The control: a right one is taken, and a session is made.
    await library.v1.checkout.sessions.create_async({**params, "expand": ["payment_intent"]})
    with pytest.raises(stripe.InvalidRequestError, match=r"try expanding 'data\.invoice'"):
        await library.v1.checkout.sessions.list_async({"expand": ["invoice"]})
    assert len((await library.v1.checkout.sessions.list_async()).data) == 1


async def test_a_session_s_metadata_are_merged_and_nothing_else_is_changed(
    lab: Lab, library: stripe.StripeClient, params: dict[str, Any]
) -> None:
    sessions = library.v1.checkout.sessions
    made = await sessions.create_async(params)
    both = await sessions.update_async(made.id, {"metadata": {"seat": "12"}})
    await happen(await lab.checkout(made.id), Happening.PAID, lab.sandbox)
    fewer = await sessions.update_async(made.id, {"metadata": {"checkoutSessionId": ""}})
    none = await sessions.update_async(made.id, {"metadata": ""})

    assert both.to_dict()["metadata"] == {**params["metadata"], "seat": "12"}
    assert fewer.to_dict()["metadata"] == {"sessionId": "ps_1", "seat": "12"}
    assert (none.to_dict()["metadata"], none.status) == ({}, "complete")
    with pytest.raises(stripe.InvalidRequestError, match="does not change"):
        await sessions.update_async(made.id, {"shipping_options": ""})
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter: success_url"):
        await sessions.update_async(made.id, {"success_url": "https://x.example"})  # type: ignore[typeddict-unknown-key]


async def test_templates_stay_in_the_session_and_are_filled_in_where_the_customer_goes(
    lab: Lab, library: stripe.StripeClient, params: dict[str, Any]
) -> None:
    made = await library.v1.checkout.sessions.create_async(
        {**params, "cancel_url": "https://shop.example/left?id={CHECKOUT_SESSION_ID}"}
    )
    checkout = await lab.checkout(made.id)
    seen = checkout_view(checkout, [], await chaos_of(checkout), {}, lab.sandbox.clock.now())

    assert made.success_url == "https://shop.example/done?id={CHECKOUT_SESSION_ID}"
    assert seen.success_url == f"https://shop.example/done?id={made.id}"
    assert seen.cancel_url == f"https://shop.example/left?id={made.id}"


@pytest.mark.parametrize(
    ("currency", "amount", "least"),
    [("usd", 49, "0.50"), ("gbp", 29, "0.30"), ("jpy", 49, "50"), ("huf", 17499, "175.00")],
)
async def test_too_little_to_charge_is_refused_and_nothing_at_all_is_free(
    library: stripe.StripeClient, params: dict[str, Any], currency: str, amount: int, least: str
) -> None:
    sessions, price = library.v1.checkout.sessions, params["line_items"][0]["price_data"]
    params["line_items"][0]["quantity"] = 1
    price |= {"currency": currency, "unit_amount": amount}
    with pytest.raises(stripe.InvalidRequestError, match=f"at least {least} {currency}") as refused:
        await sessions.create_async(params)
    assert refused.value.code == "amount_too_small"
    for enough in (amount + 1, 0):
        price["unit_amount"] = enough
        assert (await sessions.create_async(params)).amount_total == enough


async def test_a_declined_charge_says_why_and_one_that_was_paid_afterwards_does_not(
    lab: Lab, library: stripe.StripeClient, params: dict[str, Any]
) -> None:
    session = await library.v1.checkout.sessions.create_async(params)
    await happen(
        await lab.checkout(session.id),
        Happening.DECLINED,
        lab.sandbox,
        decline_code="insufficient_funds",
    )
    (declined,) = (await library.v1.charges.list_async()).data
    assert (declined.status, declined.paid, declined.captured) == ("failed", False, False)
    assert declined.failure_code == "card_declined"
    assert declined.outcome is not None
    assert declined.outcome.reason == "insufficient_funds"

    await happen(await lab.checkout(session.id), Happening.PAID, lab.sandbox)
    paid = await library.v1.charges.retrieve_async(declined.id)
    assert (paid.status, paid.paid, paid.failure_code) == ("succeeded", True, None)
    with pytest.raises(stripe.InvalidRequestError, match="No such charge: 'ch_nobody'"):
        await library.v1.charges.retrieve_async("ch_nobody")
