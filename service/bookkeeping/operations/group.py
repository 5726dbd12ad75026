"""A payment with all that hangs on it, and what should be posted for these."""

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from service.bookkeeping.operations.doubts import is_doubted
from service.bookkeeping.operations.targets import (
    dispute_target,
    payment_target,
    refund_target,
    was_sale,
)
from service.payments.disputes import repository as disputes
from service.payments.disputes.documents import Dispute
from service.payments.entries import repository as entries
from service.payments.entries.documents import Entry, Kind
from service.payments.entries.operations import Posting, balances_of, by_object
from service.payments.entries.states import Balances
from service.payments.history.operations.gather import by_payment
from service.payments.payments import repository as payments
from service.payments.payments.documents import Payment
from service.payments.refunds import repository as refunds
from service.payments.refunds.documents import Refund
from service.sessions import repository as sessions
from service.sessions.repository import Sold
from service.storage.keys import Keys
from service.storage.transaction import Transaction

UNKNOWN: Final = "unknown"
"""The event of a row that was written before events were kept with it."""


class Group(Struct, frozen=True):
    """A payment, its refunds and disputes, and its session while there is one.

    `is_doubted`: a person must decide about the payment, or has rejected it.
    """

    payment: Payment
    refunds: Sequence[Refund]
    disputes: Sequence[Dispute]
    session: Sold | None
    is_doubted: bool

    @property
    def object_ids(self) -> list[str]:
        """Return the ids by which its entries are found."""
        return [str(row.id) for row in (self.payment, *self.refunds, *self.disputes)]


class Booked(Struct, frozen=True):
    """Groups with the entries that are posted for them, by object."""

    groups: Sequence[Group]
    entries: Mapping[str, Sequence[Entry]]


async def gather(keys: Keys, tx: Transaction) -> Booked:
    """Read payments with all that hangs on them, in one transaction."""
    found = await payments.by_keys(keys, tx)
    ids = [str(payment.id) for payment in found]
    back = by_payment(await refunds.of_payments(ids, tx))
    disputed = by_payment(await disputes.of_payments(ids, tx))
    claims = [claim for payment in found if (claim := payment.claim) is not None]
    sold = await sessions.find_sold([(one.merchant_id, one.session_id) for one in claims], tx)
    groups = [
        await _group(payment, back[str(payment.id)], disputed[str(payment.id)], sold, tx)
        for payment in found
    ]
    posted = await entries.find_of([id_ for group in groups for id_ in group.object_ids], tx)
    return Booked(groups, by_object(posted))


def postings_of(group: Group, posted: Mapping[str, Sequence[Entry]]) -> list[Posting]:
    """Return what should stand on the accounts for each row of a group."""
    payment, sale = group.payment, is_sale(group, posted)
    return [
        _posting("payment", payment, payment_target(payment, is_sale=sale)),
        *(
            _posting("refund", one, refund_target(one, payment, is_sale=sale))
            for one in group.refunds
        ),
        *(_posting("dispute", one, dispute_target(one, payment)) for one in group.disputes),
    ]


def is_sale(group: Group, posted: Mapping[str, Sequence[Entry]]) -> bool:
    """Return whether a payment is for what was sold; as it is posted once its session is gone.

    A subscription's renewals are sales though they complete no session; so is its first payment,
    unless that is in doubt.
    """
    payment, session = group.payment, group.session
    renews = payment.provider_subscription_id is not None
    if session is None:
        stands = balances_of(posted.get(str(payment.id), ()))
        return was_sale(stands) or (renews and not stands)
    if renews:
        return not group.is_doubted
    return payment.provider_payment_id in session.payment_ids


async def _group(
    payment: Payment,
    back: Sequence[Refund],
    disputed: Sequence[Dispute],
    sold: Sequence[Sold],
    tx: Transaction,
) -> Group:
    session = _session_of(payment, sold)
    return Group(payment, back, disputed, session, await is_doubted(payment, session, tx))


def _posting(kind: Kind, row: Payment | Refund | Dispute, target: Balances) -> Posting:
    return Posting(kind, str(row.id), row.merchant_id, row.event_id or UNKNOWN, target)


def _session_of(payment: Payment, sold: Sequence[Sold]) -> Sold | None:
    """Return the session that claimed a payment, not one that was opened anew under its id."""
    claim = payment.claim
    if claim is None:
        return None
    for one in sold:
        if claim.is_of(one.merchant_id, one.session_id, one.opened_at):
            return one
    return None
