"""What the pages of subscriptions show, in words. Pure."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from service.core.principal import AccessScope, Principal
from service.core.words import moment
from service.dashboard import money
from service.dashboard.money import Standing, subscription_link
from service.dashboard.payments.lines import LONGEST_ID, PaymentLine, payment_line, sentence
from service.dashboard.said import shortened
from service.payments.history.operations.gather import Told
from service.payments.payments.documents import Payment
from service.payments.subscriptions.documents import Subscription
from service.payments.subscriptions.states import SubscriptionStatus
from service.timeline.operations.subscribed import moves_of, stands_of, tone_of


class SubscriptionLine(Struct, frozen=True):
    """A row of the list of subscriptions; `then` is what follows its period."""

    address: str
    plan: str
    status: Standing
    price: str
    then: str
    provider: str
    user: str
    at: str


class PaidLine(Struct, frozen=True):
    """A payment of a subscription, with the invoice that it is of."""

    paid: PaymentLine
    invoice: str


class MoveLine(Struct, frozen=True):
    """What became of a subscription, in a sentence."""

    at: str
    plan: str
    words: str
    tone: str


class Changing(Struct, frozen=True):
    """What can be changed: whether it may be ended, may go on, and to which plans.

    Each of `plans` is a name and what stands for it, with its price where that is known.
    """

    ends: bool
    goes_on: bool
    plans: Sequence[tuple[str, str]]


class SubscriptionPage(Struct, frozen=True, kw_only=True):
    """All that the page of a subscription shows; `changing` None: there is nothing to press."""

    title: str
    address: str
    price: str
    status: Standing
    stands: str
    session: str | None
    session_id: str | None
    facts: Sequence[tuple[str, str]]
    payments: Sequence[PaidLine]
    moves: Sequence[MoveLine]
    changing: Changing | None


def subscription_line(one: Subscription) -> SubscriptionLine:
    """Return a subscription as a row of the list."""
    return SubscriptionLine(
        address=subscription_link(one.provider_subscription_id),
        plan=_plan(one),
        status=_standing(one),
        price=_price(one),
        then=_then(one),
        provider=money.title_of(one.provider),
        user=shortened(one.user_id or "", LONGEST_ID),
        at=moment(one.started_at or one.created_at),
    )


def subscription_page(
    one: Subscription,
    payments: Sequence[Payment],
    plans: Mapping[str, int | None],
    reader: Principal,
    *,
    goes_on: bool,
) -> SubscriptionPage:
    """Return what the page of a subscription shows to a reader.

    `plans` are its provider's, each with what it costs, None where that is not known. `goes_on`:
    its provider can be asked to let it go on.
    """
    may = AccessScope.SUBSCRIPTIONS_WRITE in reader.scopes
    return SubscriptionPage(
        title=_plan(one),
        address=subscription_link(one.provider_subscription_id),
        price=_price(one),
        status=_standing(one),
        stands=sentence(stands_of(one)),
        session=money.session_link(one.session_id),
        session_id=one.session_id,
        facts=_facts(one),
        payments=[_paid(payment) for payment in payments],
        moves=_moves(one),
        changing=_changing(one, plans, goes_on=goes_on) if may else None,
    )


def _changing(
    one: Subscription, plans: Mapping[str, int | None], *, goes_on: bool
) -> Changing | None:
    """Return what can be changed of a subscription that is read and has not ended."""
    if one.status is None or one.has_ended:
        return None
    others = [(plan, _offer(one, plan, cost)) for plan, cost in plans.items() if plan != one.plan]
    return Changing(ends=not one.cancel_at_period_end, goes_on=goes_on, plans=others)


def _offer(one: Subscription, plan: str, cost: int | None) -> str:
    if cost is None or one.currency is None:
        return plan
    return f"{plan}, {money.price(cost, one.provider, one.currency)}"


def _plan(one: Subscription) -> str:
    return shortened(one.plan or one.provider_plan_id or "no plan", LONGEST_ID)


def _standing(one: Subscription) -> Standing:
    if one.status is None:
        return Standing("not read yet", "info")
    return money.standing(one.status, tone_of(one.status))


def _price(one: Subscription) -> str:
    if one.amount is None or one.currency is None:
        return ""
    cost = money.price(one.amount, one.provider, one.currency)
    if one.interval is None:
        return cost
    each = f"{one.interval_count} {one.interval}s" if one.interval_count > 1 else one.interval
    return f"{cost} every {each}"


def _then(one: Subscription) -> str:
    if one.status is SubscriptionStatus.PAST_DUE:
        return f"tried again {moment(one.next_try)}" if one.next_try is not None else ""
    if one.next_renewal is not None:
        return f"renewed {moment(one.next_renewal)}"
    if one.inactive_since is not None:
        return f"inactive since {moment(one.inactive_since)}"
    ends = one.current_period_end if one.cancel_at_period_end else None
    return f"ends {moment(ends)}" if ends is not None else ""


def _facts(one: Subscription) -> list[tuple[str, str]]:
    times = {
        "Period began": one.current_period_start,
        "Period ends": one.current_period_end,
        "Next try": one.next_try,
        "Next renewal": one.next_renewal,
        "Trial ends": one.trial_end,
        "Ended": one.ended_at,
        "Inactive since": one.inactive_since,
        "Began": one.started_at,
        "Read": one.read_at,
    }
    known = [(name, moment(at)) for name, at in times.items() if at is not None]
    return money.facts(
        [
            ("Provider", money.title_of(one.provider)),
            ("Provider says", (one.provider_status or "").replace("_", " ")),
            ("Tries of its renewal", one.renewal_attempts or None),
            ("Why it ends", (one.cancellation_reason or "").replace("_", " ")),
            *known,
            ("To be read", "since then something became of it" if one.unread else None),
            ("User", one.user_id),
            ("Quantity", one.quantity if one.quantity != 1 else None),
            ("Provider's id", one.provider_subscription_id),
            ("Price there", one.provider_plan_id),
            ("Customer there", one.provider_customer_id),
            ("Latest invoice", one.latest_invoice),
        ]
    )


def _paid(payment: Payment) -> PaidLine:
    invoice = payment.details.get("invoiceId")
    if invoice is None and payment.provider_payment_id.startswith("in_"):
        invoice = payment.provider_payment_id
    return PaidLine(payment_line(Told(payment, (), ())), shortened(str(invoice or ""), LONGEST_ID))


def _moves(one: Subscription) -> list[MoveLine]:
    return [
        MoveLine(moment(move.at), move.plan or "", sentence(words), tone_of(move.to))
        for move, words in reversed(moves_of(one))
    ]
