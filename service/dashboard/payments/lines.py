"""What the pages of payments show, in words. Pure."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from service.core.principal import AccessScope, Principal
from service.core.words import moment
from service.dashboard import money
from service.dashboard.money import Standing, price
from service.dashboard.said import shortened
from service.payments.attempts.operations.tries import Try
from service.payments.disputes.documents import Dispute
from service.payments.history.operations.gather import Told, Whole
from service.payments.payments.documents import BY_HAND, Payment
from service.payments.payments.states import HAND, PaymentStatus
from service.payments.refunds.documents import Refund
from service.payments.refunds.operations.rules import is_by_hand, left_of
from service.providers.actors import actor
from service.providers.reasons import why_declined
from service.timeline.operations.came_back import standing_of
from service.timeline.operations.ledger import why_not_made

LONGEST_ID = 80
LONGEST_TEXT = 300


class PaymentLine(Struct, frozen=True):
    """A row of the list of payments; `back` says how much of it went back."""

    address: str
    price: str
    status: Standing
    back: str
    provider: str
    method: str
    plan: str
    user: str
    at: str


class TryLine(Struct, frozen=True):
    """A try at paying; `more` says when, by what, and why it failed."""

    number: int
    status: Standing
    price: str
    more: Sequence[tuple[str, str]]


class RefundLine(Struct, frozen=True):
    """A refund; `more` says why it was asked for, decided or failed."""

    address: str
    price: str
    status: Standing
    at: str
    more: Sequence[tuple[str, str]]


class DisputeLine(Struct, frozen=True):
    """A dispute in a sentence, with its page."""

    address: str
    price: str
    status: Standing
    stands: str
    at: str


class Refunding(Struct, frozen=True):
    """The form that refunds: what is left, and whether it was sent back by hand."""

    left: str
    major: str
    currency: str
    by_hand: bool
    seed: str


class PaymentPage(Struct, frozen=True, kw_only=True):
    """All that the page of a payment shows; `refunding` None: there is nothing to press."""

    title: str
    address: str
    status: Standing
    session: str | None
    session_id: str | None
    subscription: str | None
    facts: Sequence[tuple[str, str]]
    tries: Sequence[TryLine]
    refunds: Sequence[RefundLine]
    disputes: Sequence[DisputeLine]
    balances: Sequence[tuple[str, str]]
    refunding: Refunding | None


def address_of(payment_id: object) -> str:
    """Return the address of a payment's page."""
    return f"/dashboard/payments/{payment_id}"


def payment_line(told: Told) -> PaymentLine:
    """Return a payment as a row of the list."""
    payment = told.payment
    return PaymentLine(
        address=address_of(payment.id),
        price=_price(payment, payment.amount),
        status=money.standing(payment.status, money.PAYMENT_TONES[payment.status]),
        back=_back(payment),
        provider=money.title_of(payment.provider),
        method=_method(payment),
        plan=shortened(payment.plan_name or payment.plan_id or "", LONGEST_ID),
        user=shortened(payment.user_id or "", LONGEST_ID),
        at=moment(payment.created_at),
    )


def payment_page(whole: Whole, reader: Principal, seed: str) -> PaymentPage:
    """Return what the page of a payment shows to a reader."""
    told, payment = whole.told, whole.told.payment
    may = AccessScope.REFUNDS_APPROVE in reader.scopes
    return PaymentPage(
        title=_price(payment, payment.amount),
        address=address_of(payment.id),
        status=money.standing(payment.status, money.PAYMENT_TONES[payment.status]),
        session=money.session_link(payment.session_id),
        session_id=payment.session_id,
        subscription=_subscription(payment),
        facts=_facts(payment),
        tries=[_try(one, payment.provider) for one in told.attempts],
        refunds=[refund_line(one) for one in told.refunds],
        disputes=[dispute_line(one) for one in whole.disputes],
        balances=money.balances(whole.balances, payment.provider),
        refunding=_refunding(payment, seed) if may else None,
    )


def refund_line(refund: Refund) -> RefundLine:
    """Return a refund in words."""
    failed = why_not_made(refund) if refund.failure_code or refund.failure_message else None
    more = [
        ("Why", refund.reason),
        ("Asked for by", refund.requested_by and actor(refund.requested_by)),
        ("Decided by", refund.admin_user_id and actor(refund.admin_user_id)),
        ("Reason", refund.admin_reason),
        ("Failed", failed),
        ("Waits", refund.awaits_person),
        ("Paid by", _lost(refund)),
        ("Bank reference", refund.bank_reference),
        ("Provider's id", refund.provider_refund_id),
    ]
    return RefundLine(
        address=address_of(refund.payment_id),
        price=price(refund.amount, refund.provider, refund.currency),
        status=money.standing(refund.status, money.REFUND_TONES[refund.status]),
        at=moment(refund.created_at),
        more=[(name, shortened(text, LONGEST_TEXT)) for name, text in more if text],
    )


def _lost(refund: Refund) -> str | None:
    """Return why a refund counts in no sum: its money is the dispute's."""
    if refund.by_dispute is None:
        return None
    return (
        f"the lost dispute {refund.by_dispute}: the same money, so it counts there and not as "
        "refunded"
    )


def dispute_line(dispute: Dispute) -> DisputeLine:
    """Return a dispute in words."""
    return DisputeLine(
        address=f"/dashboard/disputes/{dispute.id}",
        price=price(dispute.amount, dispute.provider, dispute.currency),
        status=money.standing(dispute.status, money.DISPUTE_TONES[dispute.status]),
        stands=sentence(standing_of(dispute)),
        at=moment(dispute.opened_at or dispute.created_at),
    )


def sentence(words: str) -> str:
    """Return words as a sentence."""
    return f"{words[:1].upper()}{words[1:]}."


def _facts(payment: Payment) -> list[tuple[str, str]]:
    details = payment.details
    return money.facts(
        [
            ("Provider", money.title_of(payment.provider)),
            ("Method", _method(payment)),
            ("Country", details.get("country")),
            ("Fee", _fee(payment)),
            ("Net", None if payment.net is None else _price(payment, payment.net)),
            ("Refunded", _some(payment, payment.refunded)),
            ("On its way back", _some(payment, payment.reserved)),
            ("Held by disputes", _some(payment, payment.held)),
            ("Refunded too much", _some(payment, payment.excess)),
            ("Plan", payment.plan_name or payment.plan_id),
            ("User", payment.user_id),
            ("Provider's id", _own_id(payment)),
            ("Charge", details.get("chargeId")),
            ("Invoice", details.get("invoiceId")),
            ("Bank reference", details.get("bankReference")),
            ("Failed", _why(payment)),
            ("First heard of", moment(payment.created_at)),
            ("In this state since", moment(payment.status_at)),
        ]
    )


def _subscription(payment: Payment) -> str | None:
    subscription_id = payment.provider_subscription_id
    return None if subscription_id is None else money.subscription_link(subscription_id)


def _own_id(payment: Payment) -> str | None:
    by_hand = payment.provider_payment_id.startswith(HAND)
    return None if by_hand else payment.provider_payment_id


def _fee(payment: Payment) -> str | None:
    fee, currency = payment.details.get("fee"), payment.details.get("feeCurrency")
    if not isinstance(fee, int):
        return None
    return price(fee, payment.provider, str(currency or payment.currency))


def _some(payment: Payment, amount: int) -> str | None:
    return _price(payment, amount) if amount else None


def _price(payment: Payment, amount: int) -> str:
    return price(amount, payment.provider, payment.currency)


def _why(payment: Payment) -> str | None:
    if payment.status is not PaymentStatus.FAILED:
        return None
    return _declined(payment.provider, payment)


def _declined(provider: str, said: Payment | Try) -> str:
    codes = (said.decline_code, said.failure_code)
    plain = why_declined(provider, *codes) or said.failure_message or ""
    theirs = ", ".join(dict.fromkeys(code for code in codes if code))
    return shortened(f"{plain} ({theirs})" if theirs else plain, LONGEST_TEXT)


def _method(payment: Payment) -> str:
    return with_card(payment.payment_method, payment.details.get("methodDetails"))


def with_card(method: str | None, details: object) -> str:
    """Return a method in words: `card, visa ending in 4242`."""
    if method == BY_HAND:
        return "entered by hand"
    known = details if isinstance(details, Mapping) else {}
    last4 = known.get("last4")
    brand = known.get("brand") or known.get("wallet") or known.get("bank") or known.get("vpa")
    said = " ".join(str(one) for one in (brand, f"ending in {last4}" if last4 else None) if one)
    return shortened(", ".join(one for one in (method, said) if one), LONGEST_ID)


def _back(payment: Payment) -> str:
    if payment.held:
        return "disputed"
    if payment.refunded >= payment.amount > 0:
        return "refunded"
    if payment.refunded:
        return f"{_price(payment, payment.refunded)} refunded"
    return "on its way back" if payment.reserved else ""


def _try(one: Try, provider: str) -> TryLine:
    failed = _declined(provider, one) if one.failure_code or one.failure_message else None
    more = [
        ("At", moment(one.made_at)),
        ("Method", with_card(one.method, one.method_details)),
        ("Country", one.country),
        ("Failed", failed),
    ]
    return TryLine(
        number=one.number,
        status=money.standing(one.status, money.TRY_TONES[one.status]),
        price=price(one.amount, provider, one.currency),
        more=money.facts(more),
    )


def _refunding(payment: Payment, seed: str) -> Refunding | None:
    """Return the form, where there is money that may go back."""
    left = left_of(payment)
    if payment.status is not PaymentStatus.SUCCEEDED or payment.held or not left:
        return None
    major, _, currency = _price(payment, left).partition(" ")
    return Refunding(_price(payment, left), major, currency, is_by_hand(payment), seed)
