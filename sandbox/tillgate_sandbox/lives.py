"""The life of a subscription: periods, tries at collecting, its end. Pure.

In Stripe's words; Razorpay's are rendered from them. A renewal is tried four times, as the
reference document has it; at Stripe that is a setting of the account
(https://docs.stripe.com/billing/revenue-recovery/smart-retries). Times are Unix seconds.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec
from msgspec import Struct, structs

from service.core.ids import digest
from service.core.strict_json import JsonObject

DAY = 86_400
PERIOD = 30 * DAY
RETRY_AFTER = (3 * DAY, 2 * DAY, 2 * DAY)
"""The pauses before the second, the third and the fourth try."""

Payer = Literal["pays", "declines", "none"]
"""What comes of a try: money, a refusal; `none`: nothing to pay with is known."""


class Invoice(Struct, frozen=True):
    """One invoice; `intent` is what paid it, None where nothing was due."""

    id: str
    amount: int
    created: int
    period_start: int
    period_end: int
    reason: str = "subscription_cycle"
    status: str = "open"
    attempts: int = 0
    paid_at: int | None = None
    intent: str | None = None


class Life(Struct, frozen=True):
    """A subscription as it stands. `price` is Stripe's id of a price of the sandbox.

    `ends_because` is Stripe's word for why it was canceled, or is to be. `proration` is what the
    next invoice adds for a change of plan, in minor units. After the last try it `gives_up` into
    this state.
    """

    id: str
    started: int
    period_start: int
    period_end: int
    price: str
    quantity: int = 1
    status: str = "active"
    trial_end: int | None = None
    cancel_at_period_end: bool = False
    canceled_at: int | None = None
    ended_at: int | None = None
    ends_because: str | None = None
    metadata: JsonObject = {}
    payer: Payer = "pays"
    gives_up: Literal["canceled", "unpaid"] = "canceled"
    proration: int = 0
    next_attempt: int | None = None
    invoices: tuple[Invoice, ...] = ()

    @property
    def latest(self) -> Invoice:
        """Return the latest invoice."""
        return self.invoices[-1]


class Step(Struct, frozen=True):
    """What happened at one moment: the life after it, and which events report it.

    An event is about the invoice of that moment where its type says so, else the subscription.
    """

    life: Life
    at: int
    events: tuple[str, ...]


def cost_of(price: str) -> tuple[int, str]:
    """Return what a price of the sandbox costs a month, and its currency: both are in its id.

    Stripe's are like `price_sandbox_999_usd_basic`, Razorpay's like `plan_sandbox_79900_inr_basic`.
    """
    amount, currency = price.split("_")[2:4]
    return int(amount), currency


def kept(life: Life) -> JsonObject:
    """Return a life as it is stored."""
    row: JsonObject = msgspec.to_builtins(life)
    return row


def restored(row: JsonObject) -> Life:
    """Return a life that was stored."""
    return msgspec.convert(row, Life)


def lived(life: Life, until: int) -> Iterator[Step]:
    """Go through all that happens by itself until a time."""
    while (at := next_at(life)) is not None and at <= until:
        step = _collect(life, at) if life.next_attempt is not None else _period_over(life, at)
        yield step
        life = step.life


def next_at(life: Life) -> int | None:
    """Return when something happens by itself, None if nothing will."""
    if life.next_attempt is not None:
        return life.next_attempt
    return life.period_end if life.status in ("active", "trialing") else None


def canceled(life: Life, at: int, because: str = "cancellation_requested") -> Step:
    """End a subscription; `because` is Stripe's word for why."""
    ended = structs.replace(
        life,
        status="canceled",
        canceled_at=at,
        ended_at=at,
        ends_because=because,
        next_attempt=None,
    )
    return Step(ended, at, ("customer.subscription.deleted",))


def ending(life: Life, at: int, *, ends: bool) -> Life:
    """Have a subscription end with its period, or go on."""
    return structs.replace(
        life,
        cancel_at_period_end=ends,
        canceled_at=at if ends else None,
        ends_because="cancellation_requested" if ends else None,
    )


def changed(life: Life, price: str, quantity: int, at: int, *, prorated: bool) -> Life:
    """Change what is subscribed to; the rest of the period is reckoned up."""
    owed = 0
    if prorated and life.status != "trialing":
        left, whole = life.period_end - at, life.period_end - life.period_start
        new, old = cost_of(price)[0] * quantity, cost_of(life.price)[0] * life.quantity
        owed = (new - old) * max(0, left) // whole
    return structs.replace(life, price=price, quantity=quantity, proration=life.proration + owed)


def resumed(life: Life, at: int) -> Step:
    """Let a paused subscription go on with a new period."""
    return _period_over(structs.replace(life, status="active", period_end=at, payer="pays"), at)


def _period_over(life: Life, at: int) -> Step:
    if life.cancel_at_period_end:
        over = canceled(life, at)
        kept_at = structs.replace(over.life, canceled_at=life.canceled_at)
        return structs.replace(over, life=kept_at)
    if life.status == "trialing" and life.payer == "none":
        return Step(structs.replace(life, status="paused"), at, ("customer.subscription.paused",))
    number = len(life.invoices) + 1
    due = cost_of(life.price)[0] * life.quantity + life.proration
    invoice = Invoice(
        id=f"in_1{digest(f'{life.id}:{number}')[:24]}",
        amount=max(0, due),
        created=at,
        period_start=life.period_start,
        period_end=at,
    )
    begun = structs.replace(
        life,
        period_start=at,
        period_end=at + PERIOD,
        proration=min(0, due),
        invoices=(*life.invoices, invoice),
    )
    return _collect(begun, at)


def _collect(life: Life, at: int) -> Step:
    """Try to collect the latest invoice."""
    tried = structs.replace(life.latest, attempts=life.latest.attempts + 1)
    if life.payer == "pays" or not tried.amount:
        intent = f"pi_3{digest(tried.id)[:23]}" if tried.amount else None
        paid = structs.replace(tried, status="paid", paid_at=at, intent=intent)
        after = _with(life, paid, status="active", next_attempt=None)
        linked = ("invoice_payment.paid",) if intent else ()
        return Step(after, at, ("invoice.paid", *linked, "customer.subscription.updated"))
    if tried.attempts <= len(RETRY_AFTER):
        again = at + RETRY_AFTER[tried.attempts - 1]
        after = _with(life, tried, status="past_due", next_attempt=again)
        return Step(after, at, ("invoice.payment_failed", "customer.subscription.updated"))
    after = _with(life, tried, status="unpaid", next_attempt=None)
    if life.gives_up == "unpaid":
        return Step(after, at, ("invoice.payment_failed", "customer.subscription.updated"))
    over = canceled(after, at, "payment_failed")
    return structs.replace(over, events=("invoice.payment_failed", *over.events))


def _with(life: Life, invoice: Invoice, *, status: str, next_attempt: int | None) -> Life:
    invoices = (*life.invoices[:-1], invoice)
    return structs.replace(life, status=status, next_attempt=next_attempt, invoices=invoices)


def paying(life: Life, payer: Payer) -> Life:
    """Have tries come to something else from now on."""
    return structs.replace(life, payer=payer)


def labelled(life: Life, metadata: JsonObject) -> Life:
    """Put other metadata on a subscription."""
    return structs.replace(life, metadata=metadata)
