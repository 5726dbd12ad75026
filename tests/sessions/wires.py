"""The wires of three providers on loopback: what opens, closes, ends and pays a checkout."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio

from service.core.clock import ManualClock
from service.sessions.documents import Checkout, Session
from service.sessions.states import Status
from service.settings import Settings
from service.storage.database import Database
from tests.providers.http_fake import FakeApi, Held, Json, fake_api
from tests.providers.stripe.answers import checkout
from tests.support.api import Api
from tests.support.events import (
    SAMPLES,
    Delivery,
    phonepe_callback,
    razorpay_event,
    razorpay_payment,
    stripe_checkout,
    stripe_event,
)
from tests.support.settings import make_settings
from tests.support.shop import Shop, open_shop

SESSION: Json = {"sessionId": "s-1", "amount": 1000, "currency": "INR"}
NOTES: Json = {"sessionId": "s-1", "merchantId": "default"}


@dataclass
class Wire:
    """One provider and what it plays: `refs` are the checkouts that it opens, one after another."""

    fake: FakeApi
    provider: str
    kind: str
    refs: list[str]
    opens: tuple[str, str]
    ends: bool = True
    """Whether there is an event of its own that tells that a checkout ran out."""
    closes: bool = True
    body: dict[str, Any] = field(default_factory=dict)
    first: Json = field(default_factory=dict)

    async def open(self, api: Api, **more: Any) -> Any:
        """Ask for a checkout."""
        return await api.call("POST", "/api/payments/create-checkout", json=self.body | more)

    def hold_opening(self) -> Held:
        """Hold back the answer to the next opening."""
        return self.fake.hold(*self.opens)

    def hold_closing(self, ref: str) -> Held:
        """Hold back the answer to the next closing of a checkout."""
        verb = "cancel" if self.provider == "razorpay" else "expire"
        return self.fake.hold("POST", f"{self.opens[1]}/{ref}/{verb}")

    def repeats(self) -> None:
        """Let the first checkout be what a repeated attempt finds."""
        self.fake.answers.pop(("GET", self.opens[1]), None)
        self.fake.answers[self.opens].clear()
        self.fake.answer(*self.opens, self.first)
        self.fake.answer("GET", self.opens[1], {"payment_links": [self.first]})

    def is_paid(self, ref: str) -> None:
        """Refuse to close a checkout of Stripe's, since it was paid."""
        path = f"{self.opens[1]}/{ref}"
        refusal = {"error": {"type": "invalid_request_error", "message": "not open"}}
        self.fake.answers[("POST", f"{path}/expire")].appendleft(
            (400, json.dumps(refusal).encode())
        )
        self.fake.answer("GET", path, stripe_checkout(SESSION, id=ref, livemode=False))

    def closed(self, ref: str) -> int:
        """Count how often a checkout was closed."""
        suffix = "/cancel" if self.provider == "razorpay" else "/expire"
        return sum(path.endswith(f"{ref}{suffix}") for _, path in self.fake.calls())

    def opened(self) -> int:
        """Count the openings that came."""
        return self.fake.calls().count(self.opens)

    def ran_out(self, ref: str, at: int) -> Delivery:
        """Make the event that says that a checkout ran out."""
        if self.provider == "stripe":
            found = stripe_checkout(SESSION, id=ref, status="expired", payment_status="unpaid")
            found["payment_intent"] = None
            return stripe_event("checkout.session.expired", found, created=at, signed_at=at)
        if self.provider == "phonepe":
            data = {"merchantTransactionId": ref}
            return phonepe_callback(SESSION, state="FAILED", code="PAYMENT_ERROR", **data)
        sample = (SAMPLES / "razorpay" / "payment_link.expired.json").read_bytes()
        entity = json.loads(sample)["payload"]["payment_link"]["entity"]
        entity |= {"id": ref, "reference_id": "s-1", "amount": 1000, "notes": NOTES}
        return razorpay_event("payment_link.expired", {"payment_link": entity}, created=at)

    def paid(self, ref: str, at: int, session: Json = SESSION) -> Delivery:
        """Make the event that says that a checkout was paid."""
        if self.provider == "stripe":
            found = stripe_checkout(session, id=ref, payment_intent=f"pi_{ref}")
            return stripe_event("checkout.session.completed", found, created=at, signed_at=at)
        if self.provider == "phonepe":
            return phonepe_callback(SESSION, merchantTransactionId=ref)
        payment = razorpay_payment(SESSION, id="pay_1", order_id=ref, notes=NOTES)
        if self.kind == "payment":
            return razorpay_event("payment.captured", {"payment": payment}, created=at)
        link = {"id": ref, "reference_id": "s-1", "amount": 1000, "amount_paid": 1000}
        link |= {"currency": "INR", "status": "paid", "notes": NOTES, "order_id": "order_of_link"}
        payment["order_id"] = "order_of_link"
        entities = {"payment_link": link, "payment": payment}
        return razorpay_event("payment_link.paid", entities, created=at)


def stripe_wire(fake: FakeApi) -> Wire:
    """Stripe's Checkout."""
    wire = _wire(fake, "stripe", "payment", ["cs_test_1", "cs_test_2", "cs_test_3"])
    for ref in wire.refs:
        url = f"https://checkout.stripe.com/c/pay/{ref}"
        opened = checkout(id=ref, url=url, amount_total=1000, currency="inr", expires_at=None)
        fake.answer(*wire.opens, opened)
        wire.first = wire.first or opened
        fake.answer("POST", f"{wire.opens[1]}/{ref}/expire", opened | {"status": "expired"})
    return wire


def link_wire(fake: FakeApi) -> Wire:
    """Razorpay's payment links."""
    wire = _wire(fake, "razorpay", "checkout", ["plink_1", "plink_2", "plink_3"])
    fake.answer("GET", wire.opens[1], {"payment_links": []})
    for ref in wire.refs:
        link: Json = {"id": ref, "amount": 1000, "currency": "INR", "status": "created"}
        link |= {"reference_id": "s-1", "short_url": f"https://rzp.io/i/{ref}", "notes": NOTES}
        fake.answer(*wire.opens, link)
        wire.first = wire.first or link
        fake.answer("POST", f"{wire.opens[1]}/{ref}/cancel", link | {"status": "cancelled"})
    return wire


def order_wire(fake: FakeApi) -> Wire:
    """Razorpay's orders, which nobody can close."""
    wire = _wire(fake, "razorpay", "payment", ["order_1", "order_2", "order_3"])
    fake.answer("GET", wire.opens[1], {"items": []})
    wire.ends = wire.closes = False
    for ref in wire.refs:
        order: Json = {"id": ref, "amount": 1000, "currency": "INR", "status": "created"}
        order |= {"receipt": "s-1", "notes": NOTES, "created_at": 1795262400}
        fake.answer(*wire.opens, order)
        fake.answer("GET", f"{wire.opens[1]}/{ref}", order)
        fake.answer("GET", f"{wire.opens[1]}/{ref}/payments", {"items": []})
    return wire


def phonepe_wire(fake: FakeApi) -> Wire:
    """PhonePe's orders, which nobody can close; their ids are ours."""
    wire = _wire(fake, "phonepe", "payment", ["s-1"])
    wire.closes = False
    fake.answer("POST", "/v1/oauth/token", {"access_token": "t", "expires_at": 10**11})
    fake.answer(*wire.opens, {"orderId": "OMO1", "redirectUrl": "https://mercury.phonepe.com/1"})
    open_order: Json = {"state": "PENDING", "amount": 1000, "paymentDetails": []}
    fake.answer("GET", "/checkout/v2/order/s-1/status", open_order)
    return wire


_OPENS = {
    ("stripe", "payment"): "/v1/checkout/sessions",
    ("razorpay", "checkout"): "/v1/payment_links",
    ("razorpay", "payment"): "/v1/orders",
    ("phonepe", "payment"): "/checkout/v2/pay",
}


def _wire(fake: FakeApi, provider: str, kind: str, refs: list[str]) -> Wire:
    body = {"sessionId": "s-1", "userId": "u-1", "amount": 1000, "currency": "INR"}
    if kind == "payment":
        body |= {"eventId": "event_456", "quantity": 1, "paymentMethod": provider}
    else:
        body |= {"plan": "premium", "provider": provider, "email": "ada@example.com"}
    return Wire(fake, provider, kind, refs, ("POST", _OPENS[(provider, kind)]), body=body)


WIRES = {
    "stripe": stripe_wire,
    "razorpay-link": link_wire,
    "razorpay-order": order_wire,
    "phonepe": phonepe_wire,
}


def standing_by_its_time(session: Session, now: datetime) -> Checkout | None:
    """Find the standing checkout as it was before marks: the last one, until its own end."""
    last = session.checkouts[-1] if session.checkouts else None
    over = last is None or (last.expires_at is not None and last.expires_at <= now)
    return None if over or session.status is not Status.PENDING else last


@pytest_asyncio.fixture(params=list(WIRES))
async def wire(request: pytest.FixtureRequest) -> AsyncIterator[Wire]:
    """One provider after another."""
    async with fake_api() as fake:
        yield WIRES[request.param](fake)


@pytest.fixture
def settings(wire: Wire) -> Settings:
    """Settings whose providers are the one that is played."""
    base = wire.fake.base
    return make_settings(STRIPE_API_BASE=base, RAZORPAY_API_BASE=base, PHONEPE_API_BASE=base)


@pytest_asyncio.fixture
async def shop(settings: Settings, database: Database, clock: ManualClock) -> AsyncIterator[Shop]:
    """The shop on the clock of the tests."""
    async with open_shop(settings, database, clock) as opened:
        yield opened
