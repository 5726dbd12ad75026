"""Genuine payments that are none of ours, and browsers that write our names on them."""

from tests.conversation.books import RealPayment
from tests.conversation.picking import pick
from tests.conversation.world import PRICE, World
from tests.support.events import (
    Delivery,
    razorpay_event,
    razorpay_payment,
    stripe_checkout,
    stripe_event,
)
from tillgate_sandbox.states import PaymentStatus


async def foreign_payment(world: World, a: int, b: int, c: int) -> None:
    """Pay something else on the merchant's account, with a session's name where browsers write."""
    provider = "razorpay" if b % 3 == 1 else "stripe"
    rows = await world.rows("sessions", provider=provider)
    row = pick(rows, a)
    if row is None:
        return
    target = str(row["sessionId"])
    number = f"{len(world.foreign):014d}"
    session = {"sessionId": target, "amount": PRICE, "currency": "INR"}
    owner = ""
    if b % 3 == 2:
        # The merchant's own server opens a checkout by itself, and writes our session on it.
        own = not row["checkouts"] and row["opening"] is None
        owner = target if own else ""
        metadata = {"checkoutSessionId": target}
        key, delivery = _at_stripe(world, session, number, metadata, link=None)
    elif provider == "razorpay":
        key, delivery = _at_razorpay(world, session, number, ("default", "nobody")[c % 2])
    else:
        key, delivery = _at_stripe(world, session, number, {}, link="plink_of_the_shop")
    world.foreign[key] = RealPayment(
        key, delivery.provider, owner, PRICE, "INR", PaymentStatus.SUCCEEDED, world.clock.now()
    )
    headers = dict(delivery.headers)
    await world.call("POST", delivery.path, None, content=delivery.body, headers=headers)


async def write_notes(world: World, a: int, b: int, c: int) -> None:
    """Write somebody's session into the notes of a payment, as Checkout.js lets a browser."""
    target = pick(list(world.opened), a)
    orders = [one for one in await world.checkouts() if one.provider == "razorpay"]
    order = pick(orders, b)
    if target is None or order is None:
        return
    notes = {"sessionId": target, "merchantId": ("default", "nobody")[c % 2]}
    await world.database["sandbox_checkouts"].update_one(
        {"_id": order.id}, {"$set": {"more.paymentNotes": notes}, "$inc": {"version": 1}}
    )


def _at_razorpay(
    world: World, session: dict[str, object], number: str, merchant: str
) -> tuple[str, Delivery]:
    notes = {"sessionId": session["sessionId"], "merchantId": merchant}
    ids = {"id": f"pay_{number}", "order_id": f"order_{number}"}
    payment = razorpay_payment(session, **ids, notes=notes)
    created = int(world.clock.now().timestamp())
    event = razorpay_event("payment.captured", {"payment": payment}, created=created)
    return str(payment["id"]), event


def _at_stripe(
    world: World,
    session: dict[str, object],
    number: str,
    metadata: dict[str, str],
    *,
    link: str | None,
) -> tuple[str, Delivery]:
    found = stripe_checkout(
        session,
        id=f"cs_test_{number}",
        payment_intent=f"pi_{number}",
        payment_link=link,
        metadata=metadata,
    )
    now = int(world.clock.now().timestamp())
    event = stripe_event("checkout.session.completed", found, created=now, signed_at=now)
    return str(found["payment_intent"]), event
