"""Money on pages, in words: amounts, states, accounts, methods. Pure."""

from collections.abc import Iterable, Mapping
from urllib.parse import quote

from msgspec import Struct

from service.core.errors import InvalidInput
from service.core.ids import SESSION_ID
from service.payments.attempts.states import AttemptStatus
from service.payments.disputes.states import DisputeStatus
from service.payments.entries import states as accounts
from service.payments.entries.states import Balances
from service.payments.payments.documents import Payment
from service.payments.payments.states import PaymentStatus
from service.payments.refunds.documents import Refund
from service.payments.refunds.states import RefundStatus
from service.providers.money import to_major, to_minor
from service.providers.registry import REGISTRY

PAYMENT_TONES: Mapping[PaymentStatus, str] = {
    PaymentStatus.PENDING: "info",
    PaymentStatus.AUTHORIZED: "info",
    PaymentStatus.SUCCEEDED: "good",
    PaymentStatus.REFUNDED: "warn",
    PaymentStatus.FAILED: "bad",
    PaymentStatus.CANCELED: "bad",
    PaymentStatus.ABANDONED: "warn",
    PaymentStatus.REVERSED: "warn",
}
TRY_TONES: Mapping[AttemptStatus, str] = {
    AttemptStatus.FAILED: "bad",
    AttemptStatus.PENDING: "info",
    AttemptStatus.AUTHORIZED: "info",
    AttemptStatus.SUCCEEDED: "good",
}
REFUND_TONES: Mapping[RefundStatus, str] = {
    RefundStatus.REQUESTED: "info",
    RefundStatus.APPROVED: "info",
    RefundStatus.PROCESSING: "info",
    RefundStatus.SUCCEEDED: "good",
    RefundStatus.DENIED: "warn",
    RefundStatus.CANCELED: "warn",
    RefundStatus.FAILED: "bad",
}
DISPUTE_TONES: Mapping[DisputeStatus, str] = {
    DisputeStatus.INQUIRY: "info",
    DisputeStatus.NEEDS_RESPONSE: "warn",
    DisputeStatus.UNDER_REVIEW: "info",
    DisputeStatus.CLOSED: "good",
    DisputeStatus.WON: "good",
    DisputeStatus.LOST: "bad",
}

_ACCOUNTS: Mapping[str, str] = {
    accounts.SALES: "Sales",
    accounts.SUSPENSE: "Not matched to a sale",
    accounts.REFUNDS: "Refunds",
    accounts.REFUNDS_IN_TRANSIT: "Refunds on their way",
    accounts.DISPUTE_HOLDS: "Held by disputes",
    accounts.DISPUTE_LOSSES: "Lost in disputes",
    accounts.FEES: "Fees",
    accounts.FX: "Exchange of currencies",
    accounts.BY_HAND: "Received, entered by hand",
    accounts.BY_BANK: "At the bank",
}


class Standing(Struct, frozen=True):
    """A state as a badge."""

    name: str
    tone: str


def price(amount: int, provider: str, currency: str) -> str:
    """Return an amount as people write it: `10.00 INR`."""
    return f"{to_major(amount, provider, currency)} {currency}"


def standing(status: str, tone: str) -> Standing:
    """Return the badge of a state: `needs response`."""
    return Standing(status.replace("_", " "), tone)


def title_of(provider: str) -> str:
    """Return what people call a provider."""
    row = REGISTRY.get(provider)
    return provider if row is None else row.traits.title


def minor_of(given: str, of: Payment | Refund) -> int | None:
    """Return an amount that a person typed, in minor units; None for an empty field.

    Raises `InvalidInput`.
    """
    if not given:
        return None
    try:
        return to_minor(given.replace(",", "."), of.provider, of.currency)
    except InvalidInput as error:
        told = "; ".join(f"it {one.message}" for one in error.problems)
        raise InvalidInput(f"The amount {given!r} can't be used: {told}.") from error


def balances(found: Balances, provider: str) -> list[tuple[str, str]]:
    """Return what stands on each account, in words: debit is positive."""
    return [
        (_account(name), price(amount, provider, currency))
        for (name, currency), amount in sorted(found.items())
    ]


def session_link(session_id: str | None) -> str | None:
    """Return the address of a session's timeline, None where it has no such page."""
    if session_id is None or not SESSION_ID.fullmatch(session_id):
        return None
    return f"/dashboard/sessions/{session_id}"


def subscription_link(subscription_id: str) -> str:
    """Return the address of a subscription's page, by its provider's id."""
    return f"/dashboard/subscriptions/{quote(subscription_id, safe='')}"


def facts(pairs: Iterable[tuple[str, object]]) -> list[tuple[str, str]]:
    """Return the facts that there are, each as a text."""
    return [(name, str(value)) for name, value in pairs if value not in {None, ""}]


def _account(name: str) -> str:
    if name in _ACCOUNTS:
        return _ACCOUNTS[name]
    kind, _, provider = name.partition(":")
    return f"At {title_of(provider)}" if provider else kind.replace("_", " ")
