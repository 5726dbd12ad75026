"""Each object that the played Stripe renders has the shape that Stripe's own library expects."""

from typing import Any

import pytest
import stripe
from httpx import AsyncClient
from stripe import StripeObject

from tests.sandbox.lab import STRIPE_KEY, Lab
from tests.sandbox.stripe.typed import misfits
from tests.support.patience import IN_TIME
from tillgate_sandbox.playing import happen
from tillgate_sandbox.states import Happening

PLAN = [{"quantity": 1, "price": "price_sandbox_999_usd_basic"}]
KINDS: dict[str, type[StripeObject]] = {
    "balance_transaction": stripe.BalanceTransaction,
    "charge": stripe.Charge,
    "checkout.session": stripe.checkout.Session,
    "customer": stripe.Customer,
    "dispute": stripe.Dispute,
    "event": stripe.Event,
    "invoice": stripe.Invoice,
    "invoice_payment": stripe.InvoicePayment,
    "item": stripe.LineItem,
    "payment_intent": stripe.PaymentIntent,
    "price": stripe.Price,
    "product": stripe.Product,
    "refund": stripe.Refund,
    "subscription": stripe.Subscription,
    "subscription_item": stripe.SubscriptionItem,
    "test_helpers.test_clock": stripe.test_helpers.TestClock,
}


async def _asked(lab: Lab, path: str) -> list[dict[str, Any]]:
    """Ask for a list, and return its objects as they came."""
    base, headers = f"{lab.address}/sandbox/stripe", {"Authorization": f"Bearer {STRIPE_KEY}"}
    async with AsyncClient(trust_env=False, timeout=IN_TIME, headers=headers) as http:
        answer = await http.get(base + path)
    assert answer.status_code == 200, answer.text
    listed: list[dict[str, Any]] = answer.json()["data"]
    return listed


def _objects(value: Any) -> list[dict[str, Any]]:
    """Return an object and all that are in it, lists aside."""
    inside = value.values() if isinstance(value, dict) else value
    found = [one for part in inside if isinstance(part, dict | list) for one in _objects(part)]
    named = isinstance(value, dict) and isinstance(value.get("object"), str)
    return [*([value] if named else []), *found]


LISTS = [
    "/v1/checkout/sessions?expand[]=data.line_items",
    "/v1/checkout/sessions/{session}/line_items?expand[]=data.price.product",
    "/v1/checkout/sessions?expand[]=data.payment_intent.latest_charge",
    "/v1/payment_intents",
    "/v1/charges?expand[]=data.refunds",
    "/v1/refunds?expand[]=data.charge&expand[]=data.payment_intent",
    "/v1/disputes?expand[]=data.charge",
    "/v1/subscriptions?status=all&expand[]=data.customer&expand[]=data.latest_invoice",
    "/v1/invoices?expand[]=data.payments",
    "/v1/test_helpers/test_clocks",
    "/v1/events?limit=100",
]


async def test_every_object_has_the_shape_of_the_library_s_types(
    lab: Lab, library: stripe.StripeClient, params: dict[str, Any]
) -> None:
    sessions, seen = library.v1.checkout.sessions, set()
    for last in (Happening.PAID, Happening.DECLINED, Happening.EXPIRED, Happening.DELAYED):
        made = await sessions.create_async(params)
        await happen(await lab.checkout(made.id), last, lab.sandbox)
    paid = await happen(
        await lab.checkout((await sessions.create_async(params)).id), Happening.PAID, lab.sandbox
    )
    await library.v1.refunds.create_async({"payment_intent": paid.payments[-1].id, "amount": 100})
    await happen(await lab.checkout(paid.id), Happening.DISPUTED, lab.sandbox)
    taken = {name: value for name, value in params.items() if name != "payment_intent_data"}
    plan = await sessions.create_async({**taken, "mode": "subscription", "line_items": PLAN})
    await happen(await lab.checkout(plan.id), Happening.PAID, lab.sandbox)
    now = int(lab.sandbox.clock.now().timestamp())
    await library.v1.test_helpers.test_clocks.create_async({"frozen_time": now})

    wrong: list[str] = []
    for path in LISTS:
        for one in _objects(await _asked(lab, path.format(session=paid.id))):
            if (name := one["object"]) in KINDS:
                seen.add(name)
                wrong += [f"{path}: {said}" for said in misfits(one, KINDS[name])]

    assert not wrong, "\n".join(sorted(set(wrong)))
    assert seen == set(KINDS)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"amount": "100"}, "Refund.amount is '100', not int"),
        ({"made_up": 1}, "Refund.made_up is made up"),
        ({"amount": None}, "Refund.amount is None, not int"),
    ],
)
def test_control_what_is_missing_made_up_or_of_another_type_is_noticed(
    change: dict[str, Any], said: str
) -> None:
    refund = {"id": "re_1", "object": "refund", "amount": 1, "created": 1, "currency": "usd"}
    assert list(misfits(refund, stripe.Refund)) == []
    assert list(misfits(refund | change, stripe.Refund)) == [said]
    assert list(misfits({**refund, "object": "charge"}, stripe.Refund)) == [
        "Refund.object is 'charge'"
    ]
    del refund["currency"]
    assert list(misfits(refund, stripe.Refund)) == ["Refund.currency is missing"]
