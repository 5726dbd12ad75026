"""Write what providers said of a payment into its one row."""

from datetime import datetime

from msgspec import Struct

from service.core.strict_json import JsonObject
from service.payments.payments import repository
from service.payments.payments.documents import Claim, Payment
from service.payments.payments.states import LIVE, PaymentStatus, standing
from service.storage.database import Row
from service.storage.new_rows import stored_names
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import Transaction

# What the event that is greatest in the order says; what the first one fills that has it, and what
# the first session that is meant.
_OF_THE_GREATEST = ("status", "final", "amount", "currency", "failure_code", "failure_message")
_FILLED_BY_THE_FIRST = (
    "provider_session_id",
    "provider_subscription_id",
    "provider_customer_id",
    "payment_method",
    "metadata",
)
_OF_ITS_SESSION = ("session_id", "session_opened_at", "user_id", "plan_id", "plan_name")
_STORED = stored_names(Payment)


class ReportedPayment(Struct, frozen=True):
    """What one event reports of one payment, and of the session that it belongs to, if known."""

    merchant_id: str
    provider: str
    account: str
    live: bool | None
    provider_payment_id: str
    amount: int
    currency: str
    status: PaymentStatus
    occurred_at: datetime
    final: bool = False
    payment_method: str | None = None
    provider_session_id: str | None = None
    provider_customer_id: str | None = None
    provider_subscription_id: str | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    session_id: str | None = None
    session_opened_at: datetime | None = None
    user_id: str | None = None
    plan_id: str | None = None
    plan_name: str | None = None
    metadata: JsonObject | None = None
    aliases: tuple[str, ...] = ()

    @property
    def claim(self) -> Claim | None:
        """Return whose it is, None where no session is meant."""
        if self.session_id is None:
            return None
        return Claim(self.merchant_id, self.session_id, self.session_opened_at)


class Recorded(Struct, frozen=True):
    """What is known of a payment once it was reported.

    `claimed_by` is the session that it belongs to: the first that a verified event tied it to, also
    where this one ties it to another.
    """

    status: PaymentStatus
    provider_session_id: str | None
    provider_customer_id: str | None
    claimed_by: Claim | None
    amount: int
    currency: str


async def record_payment(tx: Transaction, reported: ReportedPayment, now: datetime) -> Recorded:
    """Merge what was reported into the payment's row, and return how it now stands.

    The result does not depend on the order of the calls: the status is the greatest by `standing`,
    and every other field is the same in all events of one payment or filled by the first.
    """
    key = (reported.provider, reported.account, reported.provider_payment_id)
    payment = await repository.find(*key, tx)
    if payment is None:
        await repository.insert(_new(reported, now), tx)
        return Recorded(
            reported.status,
            reported.provider_session_id,
            reported.provider_customer_id,
            reported.claim,
            reported.amount,
            reported.currency,
        )
    changes = _changes(payment, reported)
    if changes:
        await repository.change(payment, changes | {"updatedAt": now}, tx)
    return Recorded(
        PaymentStatus(changes.get("status", payment.status)),
        changes.get("providerSessionId", payment.provider_session_id),
        changes.get("providerCustomerId", payment.provider_customer_id),
        payment.claim or reported.claim,
        changes.get("amount", payment.amount),
        changes.get("currency", payment.currency),
    )


async def abandon_payment(tx: Transaction, payment: Payment, now: datetime) -> bool:
    """Give up a payment with an open outcome; return whether it was. Only money overrules this."""
    return await _end(tx, payment, PaymentStatus.ABANDONED, None, now)


async def lapse_payment(tx: Transaction, payment: Payment, now: datetime) -> bool:
    """Note that its provider was asked and knows of nothing under way; return whether it was live.

    A failure as an event reports it: the same payment may be tried again.
    """
    return await _end(tx, payment, PaymentStatus.FAILED, "not_under_way", now)


async def note_still_live(payment: Payment, now: datetime) -> None:
    """Note that its provider was asked, and said again that it is under way."""
    await repository.change(payment, {"updatedAt": now}, NO_TRANSACTION)


async def _end(
    tx: Transaction, payment: Payment, to: PaymentStatus, code: str | None, now: datetime
) -> bool:
    if payment.status not in LIVE:
        return False
    changes: Row = {"status": to.value, "statusAt": now, "final": False, "updatedAt": now}
    changes |= {"failureCode": code, "failureMessage": None}
    await repository.change(payment, changes, tx)
    return True


def _new(reported: ReportedPayment, now: datetime) -> Row:
    """Make the row: a `Payment` would be made only to be taken apart again, at each event."""
    return Payment.new_row(
        {
            "status": reported.status.value,
            "statusAt": reported.occurred_at,
            "aliases": list(reported.aliases),
            "metadata": reported.metadata or {},
            "createdAt": now,
            "updatedAt": now,
        },
        reported,
    )


def _place(said: ReportedPayment | Payment, at: datetime) -> tuple[object, ...]:
    """Return the place in the order; of two that are alike in it, the content decides."""
    content = (said.amount, said.currency, said.failure_code or "", said.failure_message or "")
    return (*standing(said.status, at, final=said.final), *content)


def _changes(payment: Payment, reported: ReportedPayment) -> Row:
    changes: Row = {}
    if _place(reported, reported.occurred_at) > _place(payment, payment.status_at):
        changes |= {_STORED[name]: getattr(reported, name) for name in _OF_THE_GREATEST}
        changes["statusAt"] = reported.occurred_at
    filled: tuple[str, ...] = _FILLED_BY_THE_FIRST
    if payment.session_id is None and reported.session_id is not None:
        changes["merchantId"] = reported.merchant_id
        filled += _OF_ITS_SESSION
    for name in filled:
        value = getattr(reported, name)
        if value is not None and not getattr(payment, name):
            changes[_STORED[name]] = value
    if reported.aliases:
        changes["aliases"] = sorted({*payment.aliases, *reported.aliases})
    return payment.differing(changes)
