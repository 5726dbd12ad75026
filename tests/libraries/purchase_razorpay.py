"""A whole purchase by an order and by a payment link, refunds and lists, by razorpay-python."""

from collections.abc import Callable
from typing import Any

import razorpay
import requests
from customer import asked, counting, customer, finish, given, page_of, refused
from razorpay.errors import BadRequestError, SignatureVerificationError

http = requests.Session()
counting(http)
library = razorpay.Client(
    session=http,
    auth=(given["razorpayKey"], given["razorpaySecret"]),
    base_url=given["address"] + "/sandbox/razorpay",
)


def by_parts(listed: Callable[[dict[str, Any]], Any], field: str = "items") -> None:
    """Check that a list visits each object once by `skip` and `count`."""
    whole = [one["id"] for one in listed({"count": 100})[field]]
    assert len(whole) == len(set(whole)) > 2, whole
    parts = [
        one["id"]
        for skip in range(0, len(whole), 2)
        for one in listed({"count": 2, "skip": skip})[field]
    ]
    assert parts == whole
    assert [one["id"] for one in listed({})[field]] == whole[:10]
    assert listed({"from": 1, "to": 2})[field] == []


def buy_by_order(receipt: str) -> str:
    """Buy by an order, and return the payment."""
    order = library.order.create({"amount": 50_000, "currency": "INR", "receipt": receipt})
    customer(order["id"], "declined")
    customer(order["id"], "paid")
    proof = asked(f"/sandbox/api/checkouts/{order['id']}")["handedOver"]
    assert library.utility.verify_payment_signature(proof)
    false = {**proof, "razorpay_payment_id": "pay_another"}
    refused(SignatureVerificationError, lambda: library.utility.verify_payment_signature(false))
    assert library.order.fetch(order["id"])["status"] == "paid"
    assert library.order.payments(order["id"])["count"] == 2
    return str(proof["razorpay_payment_id"])


def buy_by_link(reference: str) -> None:
    """Buy by a payment link that was edited, and capture the money."""
    link = library.payment_link.create({"amount": 50_000, "reference_id": reference})
    changes = {"reference_id": f"{reference}-b", "notes": {"seat": "13"}}
    edited = library.payment_link.edit(link["id"], changes)
    assert (edited["reference_id"], edited["notes"]) == (f"{reference}-b", {"seat": "13"})
    assert library.payment_link.notifyBy(link["id"], "sms") == {"success": True}
    customer(page_of(link["short_url"]), "authorized")
    held = library.order.payments(link["order_id"])["items"][0]["id"]
    library.payment.capture(held, 50_000, {"currency": "INR"})
    assert library.payment_link.fetch(link["id"])["status"] == "paid"


def give_back(payment: str) -> None:
    """Refund in parts, and not less than a rupee."""
    refund = library.payment.refund(payment, {"amount": 10_000, "notes": {"why": "late"}})
    for amount in (1_000, 2_000):
        library.payment.refund(payment, {"amount": amount})
    assert library.refund.fetch(refund["id"])["status"] == "processed"
    assert library.payment.fetch_refund_id(payment, refund["id"])["amount"] == 10_000
    edited = library.refund.edit(refund["id"], {"notes": {"why": "rain"}})
    assert edited["notes"] == {"why": "rain"}
    assert library.payment.fetch(payment)["amount_refunded"] == 13_000
    error = refused(BadRequestError, lambda: library.payment.refund(payment, {"amount": 99}))
    assert str(error) == "The amount must be at least INR 1.00"
    by_parts(lambda wanted: library.payment.fetch_multiple_refund(payment, wanted))


def subscribe() -> None:
    """Open subscriptions, pay them and cancel one."""
    wanted = {"plan_id": "plan_sandbox_49900_inr_basic", "total_count": 12}
    for _ in range(3):
        made = library.subscription.create(wanted)
        customer(page_of(made["short_url"]), "paid")
        assert library.subscription.fetch(made["id"])["status"] == "active"
    assert library.subscription.cancel(made["id"])["status"] == "cancelled"
    by_parts(library.subscription.all)


for place in range(3):
    paid = buy_by_order(f"python-{place}")
    buy_by_link(f"link-{place}")
give_back(paid)
notes = {"notes": {"seat": "14"}}
assert library.payment.edit(paid, notes)["notes"] == {"seat": "14"}
newest = library.order.all()["items"][0]["id"]
assert library.order.edit(newest, notes)["notes"] == {"seat": "14"}
by_parts(library.order.all)
by_parts(library.payment.all)
by_parts(library.payment_link.all, "payment_links")
by_parts(library.refund.all)
subscribe()
unpaid = library.payment_link.create({"amount": 50_000})
assert library.payment_link.cancel(unpaid["id"])["status"] == "cancelled"
refused(BadRequestError, lambda: library.payment.fetch("pay_nobody"))
refused(BadRequestError, library.customer.all)
finish()
