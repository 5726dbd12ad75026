"""A whole purchase, its refunds, lists and subscriptions, by stripe-python, which waits."""

from collections.abc import Callable
from typing import Any

import requests
import stripe
from customer import counting, customer, finish, given, page_of, refused

_DAY = 86_400
ORDER: dict[str, Any] = {
    "mode": "payment",
    "client_reference_id": "python-1",
    "metadata": {"sessionId": "python-1"},
    "success_url": "https://shop.example/done?id={CHECKOUT_SESSION_ID}",
    "line_items": [
        {
            "quantity": 2,
            "price_data": {
                "currency": "usd",
                "unit_amount": 1250,
                "product_data": {"name": "Two tickets"},
            },
        }
    ],
}
PLAN = ORDER | {
    "mode": "subscription",
    "line_items": [{"quantity": 1, "price": "price_sandbox_999_usd_basic"}],
}

http = requests.Session()
counting(http)
library = stripe.StripeClient(
    given["stripeKey"],
    base_addresses={"api": given["address"] + "/sandbox/stripe"},
    max_network_retries=0,
    http_client=stripe.RequestsClient(session=http),
)
v1 = library.v1


def both_ways(listed: Callable[[dict[str, Any]], Any]) -> None:
    """Check that a list visits each object once, forwards and backwards."""
    whole = [one.id for one in listed({"limit": 100}).data]
    assert len(whole) == len(set(whole)) > 2, whole
    assert [one.id for one in listed({"limit": 2}).auto_paging_iter()] == whole
    last = listed({"limit": 2, "ending_before": whole[-1]})
    assert [one.id for one in last.auto_paging_iter()] == whole[-2::-1]


def buy() -> Any:
    """Buy once, after a card was declined."""
    opened = v1.checkout.sessions.create({**ORDER, "expand": ["line_items.data.price.product"]})
    assert opened.success_url == ORDER["success_url"]
    (item,) = v1.checkout.sessions.line_items.list(opened.id).data
    assert (item.description, item.amount_total) == ("Two tickets", opened.amount_total)
    named = v1.checkout.sessions.update(opened.id, {"metadata": {"seat": "12"}})
    assert named.to_dict()["metadata"] == {"sessionId": "python-1", "seat": "12"}
    customer(page_of(opened.url), "declined", declineCode="insufficient_funds")
    customer(page_of(opened.url), "paid")
    found = v1.checkout.sessions.retrieve(opened.id, {"expand": ["payment_intent.latest_charge"]})
    assert found.payment_status == "paid"
    assert found.payment_intent.latest_charge.amount_captured == 2500
    return found


def give_back(paid: Any) -> None:
    """Refund in parts, and never beyond."""
    intent = paid.payment_intent.id
    options: Any = {"idempotency_key": f"refund-{intent}"}
    asked: Any = {"payment_intent": intent, "amount": 500, "expand": ["charge"]}
    first, again = v1.refunds.create(asked, options), v1.refunds.create(asked, options)
    assert (first.id, first.charge.amount_refunded) == (again.id, 500)
    for amount in (100, 200, 300):
        v1.refunds.create({"payment_intent": intent, "amount": amount})
    assert v1.refunds.retrieve(first.id).status == "succeeded"
    refused(
        stripe.InvalidRequestError,
        lambda: v1.refunds.create({"payment_intent": intent, "amount": 1401}),
    )
    both_ways(lambda given: v1.refunds.list({**given, "payment_intent": intent}))


def look_through_lists() -> None:
    """Read every list in both directions, and meet what is refused."""
    for _ in range(4):
        one = v1.checkout.sessions.create(ORDER)  # type: ignore[arg-type]
        customer(page_of(one.url or ""), "paid")
        customer(page_of(one.url or ""), "disputed")
    for listed in (v1.checkout.sessions, v1.payment_intents, v1.charges, v1.disputes, v1.events):
        both_ways(listed.list)
    small = {**ORDER, "line_items": [{"quantity": 1, "price": "price_sandbox_49_usd_pin"}]}
    error = refused(stripe.InvalidRequestError, lambda: v1.checkout.sessions.create(small))
    assert error.code == "amount_too_small"
    refused(stripe.AuthenticationError, lambda: v1.charges.list({}, {"api_key": "sk_test_other"}))


def subscribe() -> Any:
    """Subscribe, and return the subscription."""
    opened = v1.checkout.sessions.create(PLAN)  # type: ignore[arg-type]
    customer(page_of(opened.url or ""), "paid")
    read: Any = {"expand": ["subscription.latest_invoice.payments"]}
    found: Any = v1.checkout.sessions.retrieve(opened.id, read).subscription
    assert (found.status, len(found.latest_invoice.payments.data)) == ("active", 1)
    return found


def renew() -> None:
    """Move a clock through renewals, a card that fails, another one, and the end."""
    subscription = subscribe()
    subscription_id, start = subscription.id, subscription.start_date
    clocks, of = v1.test_helpers.test_clocks, v1.subscriptions
    clock = clocks.create({"frozen_time": start, "name": "half a year"})
    clocks.advance(clock.id, {"frozen_time": start + 65 * _DAY})
    asked: Any = {"subscription": subscription_id, "expand": ["data.payments"]}
    paid = v1.invoices.list(asked).data
    assert [one.status for one in paid] == ["paid", "paid", "paid"]
    assert all(one.payments and one.payments.data[0].payment.payment_intent for one in paid)
    both_ways(lambda given: v1.invoices.list({**given, **asked}))

    item: Any = {"id": subscription.items.data[0].id, "price": "price_sandbox_2999_usd_premium"}
    larger: Any = of.update(subscription_id, {"items": [item]})
    assert larger["items"].data[0].price.unit_amount == 2999
    of.update(subscription_id, {"default_payment_method": "pm_card_chargeCustomerFail"})
    clocks.advance(clock.id, {"frozen_time": start + 91 * _DAY})
    assert of.retrieve(subscription_id).status == "past_due"
    of.update(subscription_id, {"default_payment_method": "pm_card_visa"})
    clocks.advance(clock.id, {"frozen_time": start + 94 * _DAY})
    assert of.retrieve(subscription_id).status == "active"
    of.update(subscription_id, {"cancel_at_period_end": True})
    clocks.advance(clock.id, {"frozen_time": start + 125 * _DAY})
    assert of.retrieve(subscription_id).status == "canceled"
    assert of.cancel(subscribe().id).status == "canceled"
    assert of.list().data == []
    assert len(of.list({"status": "all"}).data) == 2
    assert [one.id for one in clocks.list().data] == [clock.id]
    clocks.delete(clock.id)


give_back(buy())
look_through_lists()
renew()
finish()
