"""Random lives of a subscription: what Stripe tells of each, and how it then answers."""

import json
import random
from dataclasses import dataclass, field
from typing import Any

from service.storage.database import Row
from tests.conftest import NOON
from tests.subscriptions.oracle import Oracle
from tillgate_sandbox import lives
from tillgate_sandbox.documents import SandboxCheckout, SandboxPayment
from tillgate_sandbox.lives import DAY, Life, Step
from tillgate_sandbox.states import CheckoutStatus, PaymentStatus
from tillgate_sandbox.stripe import billing
from tillgate_sandbox.stripe.subscriptions import events_of

IDS = {"basic": "price_sandbox_999_usd_basic", "premium": "price_sandbox_2999_usd_premium"}
Event = tuple[str, str, bytes]
"""Its id, its type and its bytes."""


@dataclass
class Told:
    """One subscription at Stripe, the oracle beside it, and what was reported so far."""

    checkout: SandboxCheckout
    oracle: Oracle = field(default_factory=Oracle)
    events: list[Event] = field(default_factory=list)

    @property
    def id(self) -> str:
        """Return Stripe's id of it."""
        return billing.subscription_id(self.checkout)

    def answer(self) -> bytes:
        """Return what Stripe answers to whoever reads it now."""
        life = billing.life_of(self.checkout)
        shown = billing.subscription(self.checkout, life)
        shown["latest_invoice"] = billing.invoice(self.checkout, life=life)
        latest = life.invoices[-1:-11:-1]
        invoices = [self._invoice(one.id, life) for one in latest]
        return json.dumps({"subscription": shown, "invoices": invoices}).encode()

    def _invoice(self, wanted: str, life: Life) -> dict[str, Any]:
        """Return an invoice with what paid it, as it is expanded."""
        paid = [one for one in billing.invoice_payments(self.checkout) if one["invoice"] == wanted]
        payments = {"object": "list", "data": paid, "has_more": False}
        return billing.invoice(self.checkout, wanted, life) | {"payments": payments}

    def take(self, step: Step) -> None:
        """Keep a step, and its events."""
        kept = self.checkout.more | {"subscription": lives.kept(step.life)}
        self.checkout = self.checkout.model_copy(update={"more": kept})
        for made in events_of(self.checkout, step):
            self.events.append((made.event_id, made.type, made.body))

    def act(self, drawn: random.Random) -> None:
        """Let one thing happen, to Stripe and to the oracle alike."""
        life, oracle = billing.life_of(self.checkout), self.oracle
        now = life.started + oracle.day * DAY
        what = drawn.choice(["pass", "pass", "pass", "card", "end", "go on", "plan", "stop"])
        changed = ("customer.subscription.updated",)
        if what == "pass":
            days = drawn.choice([1, 2, 7, 29, 30, 31, 45])
            oracle.pass_days(days)
            for step in list(lives.lived(life, now + days * DAY)):
                self.take(step)
        elif oracle.over:
            return
        elif what == "card":
            oracle.card_is_good = drawn.random() < 0.5
            payer: lives.Payer = "pays" if oracle.card_is_good else "declines"
            self.take(Step(lives.paying(life, payer), now, changed))
        elif what in ("end", "go on"):
            oracle.ending = what == "end"
            self.take(Step(lives.ending(life, now, ends=oracle.ending), now, changed))
        elif what == "plan":
            plan = drawn.choice([*IDS])
            oracle.change(plan)
            after = lives.changed(life, IDS[plan], 1, now, prorated=True)
            self.take(Step(after, now, changed))
        elif drawn.random() < 0.3:
            oracle.end()
            self.take(lives.canceled(life, now))


def begun(number: int) -> Told:
    """Begin a life: Stripe reports a subscription that was paid for the first time."""
    paid = SandboxPayment(
        id=f"pi_{number}", status=PaymentStatus.SUCCEEDED, amount=999, currency="USD", at=NOON
    )
    checkout = SandboxCheckout(
        id=f"cs_test_{number}",
        provider="stripe",
        kind="session",
        page_id=f"page-{number}",
        session_id=f"s-{number}",
        amount=999,
        currency="USD",
        status=CheckoutStatus.PAID,
        payments=[paid],
        request={
            "mode": "subscription",
            "line_items": [{"price": IDS["basic"], "quantity": "1"}],
            "subscription_data": {"metadata": {"sessionId": f"s-{number}"}},
        },
        created_at=NOON,
        updated_at=NOON,
        purge_at=NOON,
    )
    told = Told(checkout)
    first = billing.life_of(checkout)
    told.take(Step(first, first.started, ("customer.subscription.created", "invoice.paid")))
    return told


def judged(told: Told, row: Row, payments: list[Row], inactive: int) -> list[str]:
    """Return what of our rows is not as the oracle has it."""
    oracle = told.oracle
    must: dict[str, Any] = {
        "status": oracle.status,
        "providerPlanId": IDS[oracle.plan],
        "unread": False,
        "renewalAttempts": oracle.tries,
        "paid": sorted(oracle.paid),
    }
    if not oracle.over:
        started = int(NOON.timestamp())
        must |= {"cancelAtPeriodEnd": oracle.ending, "ends": started + oracle.ends * DAY}
    succeeded = [one for one in payments if one["status"] == "succeeded"]
    has = {name: row[name] for name in row if name in must}
    has["paid"] = sorted(one["amount"] for one in succeeded)
    has["ends"] = int(row["currentPeriodEnd"].timestamp())
    wrong = [
        f"{name}: {has[name]} is not {value}" for name, value in must.items() if has[name] != value
    ]
    links = {one["providerPaymentId"] for one in payments}
    if links != {*row["paymentIds"]}:
        wrong.append(f"linked {row['paymentIds']}, known {sorted(links)}")
    if inactive < oracle.becomes_inactive or inactive > 1:
        wrong.append(f"inactive was said {inactive} times")
    return wrong
