"""Write what providers said of a payment into its one row."""

from datetime import datetime

from msgspec import Struct

from service.core.strict_json import JsonObject
from service.payments.payments import repository
from service.payments.payments.documents import Claim, Payment
from service.payments.payments.states import LIVE, PaymentStatus, standing
from service.storage.database import Row
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import Transaction


class Told(Struct, frozen=True):
    """What one event tells of one payment, and of the session that it belongs to, if known."""

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
    plan: str | None = None
    metadata: JsonObject | None = None
    aliases: tuple[str, ...] = ()


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


async def record_payment(tx: Transaction, told: Told, now: datetime) -> Recorded:
    """Merge what was told into the payment's row, and return how it now stands.

    The result does not depend on the order of the calls: the status is the greatest by `standing`,
    and every other field is the same in all events of one payment or filled by the first.
    """
    payment = await repository.find(told.provider, told.account, told.provider_payment_id, tx)
    if payment is None:
        await repository.insert(_new(told, now), tx)
        claimed_by = None
        if told.session_id:
            claimed_by = Claim(told.merchant_id, told.session_id, told.session_opened_at)
        return Recorded(
            told.status,
            told.provider_session_id,
            told.provider_customer_id,
            claimed_by,
            told.amount,
            told.currency,
        )
    changes = _changes(payment, told)
    if changes:
        await repository.change(payment, changes | {"updatedAt": now}, tx)
    claimed_by = payment.claim
    if claimed_by is None and told.session_id:
        claimed_by = Claim(told.merchant_id, told.session_id, told.session_opened_at)
    return Recorded(
        PaymentStatus(changes.get("status", payment.status)),
        changes.get("providerSessionId", payment.provider_session_id),
        changes.get("providerCustomerId", payment.provider_customer_id),
        claimed_by,
        changes.get("amount", payment.amount),
        changes.get("currency", payment.currency),
    )


async def abandon_payment(tx: Transaction, payment: Payment, now: datetime) -> bool:
    """Give up a payment with an open outcome; return whether it was. Only money overrules this."""
    return await _end(tx, payment, PaymentStatus.ABANDONED, None, now)


async def lapse_payment(tx: Transaction, payment: Payment, now: datetime) -> bool:
    """Note that its provider was asked and knows of nothing under way; return whether it was live.

    A failure as an event tells it: the same payment may be tried again.
    """
    return await _end(tx, payment, PaymentStatus.FAILED, "not_under_way", now)


async def note_heard(payment: Payment, now: datetime) -> None:
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


def _new(told: Told, now: datetime) -> Row:
    """Make the row: a `Payment` would be made only to be taken apart again, at each event."""
    return Payment.new_row(
        {
            "planId": told.plan,
            "planName": told.plan,
            "status": told.status.value,
            "statusAt": told.occurred_at,
            "aliases": list(told.aliases),
            "metadata": told.metadata or {},
            "createdAt": now,
            "updatedAt": now,
        },
        told,
    )


def _place(said: Told | Payment, at: datetime) -> tuple[object, ...]:
    """Return the place in the order; of two that are alike in it, the content decides."""
    content = (said.amount, said.currency, said.failure_code or "", said.failure_message or "")
    return (*standing(said.status, at, final=said.final), *content)


def _changes(payment: Payment, told: Told) -> Row:
    changes: Row = {}
    if _place(told, told.occurred_at) > _place(payment, payment.status_at):
        changes |= {"status": told.status, "statusAt": told.occurred_at, "final": told.final}
        changes |= {"amount": told.amount, "currency": told.currency}
        changes |= {"failureCode": told.failure_code, "failureMessage": told.failure_message}
    known = payment.to_row()
    news: Row = {
        "providerSessionId": told.provider_session_id,
        "providerSubscriptionId": told.provider_subscription_id,
        "providerCustomerId": told.provider_customer_id,
        "paymentMethod": told.payment_method,
        "metadata": told.metadata or None,
    }
    if payment.session_id is None and told.session_id is not None:
        changes["merchantId"] = told.merchant_id
        news |= {"sessionId": told.session_id, "userId": told.user_id}
        news |= {"sessionOpenedAt": told.session_opened_at}
        news |= {"planId": told.plan, "planName": told.plan}
    for name, value in news.items():
        if value is not None and not known[name]:
            changes[name] = value
    if told.aliases:
        changes["aliases"] = sorted({*payment.aliases, *told.aliases})
    return {name: value for name, value in changes.items() if known[name] != value}
