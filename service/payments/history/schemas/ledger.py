"""What goes over the wire about what has become of payments."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from service.core.paging import Cursor, Swept, next_cursor
from service.core.strict_json import JsonObject
from service.core.views import view_of
from service.payments.attempts.states import AttemptStatus
from service.payments.disputes.documents import Dispute
from service.payments.disputes.states import DisputeStatus
from service.payments.entries.states import Balances
from service.payments.history.operations.gather import Told, Whole
from service.payments.history.states import RefundState, refund_state
from service.payments.payments.states import PaymentStatus
from service.payments.refunds.states import RefundStatus, Source


class RefundLine(Struct, frozen=True, rename="camel", kw_only=True):
    """A refund of the payment that it stands with; `amount` in its minor units."""

    refund_id: str
    provider_refund_id: str | None
    amount: int
    currency: str
    status: RefundStatus
    source: Source
    reason: str | None
    admin_reason: str | None
    failure_code: str | None
    failure_message: str | None
    bank_reference: str | None
    void: bool
    created_at: datetime
    updated_at: datetime


class TryLine(Struct, frozen=True, rename="camel", kw_only=True):
    """A try at paying; `number` counts from 1 among those of its payment."""

    attempt_id: str
    number: int
    status: AttemptStatus
    amount: int
    currency: str
    failure_code: str | None
    decline_code: str | None
    failure_message: str | None
    method: str | None
    method_details: JsonObject | None
    country: str | None
    made_at: datetime


class PaymentView(Struct, frozen=True, rename="camel", kw_only=True):
    """A payment with its refunds and the tries at it. Amounts in minor units of `currency`.

    `refunded` is the sum of the refunds that succeeded, `reserved` that of those under way. `fee`,
    `net` (null while the provider has not named its fee) and `held`, which disputes hold or have
    taken, are for keys.
    """

    payment_id: str
    provider_payment_id: str
    provider: str
    live: bool | None
    session_id: str | None
    user_id: str | None
    plan_id: str | None
    plan_name: str | None
    amount: int
    currency: str
    status: PaymentStatus
    refund_state: RefundState
    refunded: int
    reserved: int
    payment_method: str | None
    method_details: JsonObject | None
    country: str | None
    failure_code: str | None
    failure_message: str | None
    decline_code: str | None
    created_at: datetime
    updated_at: datetime
    metadata: JsonObject
    refunds: list[RefundLine]
    attempts: list[TryLine]
    fee: int | UnsetType | None = UNSET
    net: int | UnsetType | None = UNSET
    held: int | UnsetType = UNSET


class PaymentsAnswer(Struct, frozen=True, rename="camel"):
    """A page of payments, newest first.

    `nextUpdatedSince` is there with `updatedSince` alone, null while there are more pages.
    """

    payments: list[PaymentView]
    next_cursor: str | None
    next_updated_since: datetime | UnsetType | None = UNSET


class DisputeView(Struct, frozen=True, rename="camel", kw_only=True):
    """A dispute. `disputeId` is ours; amounts are in minor units of `currency`.

    `withdrawn` is what is gone by now, null where nobody said; `held` what that leaves to nobody.
    """

    dispute_id: str
    provider_dispute_id: str
    provider: str
    live: bool | None
    payment_id: str
    provider_payment_id: str
    session_id: str | None
    user_id: str | None
    amount: int
    currency: str
    status: DisputeStatus
    provider_status: str | None
    phase: str | None
    reason: str | None
    respond_by: datetime | None
    refundable: bool | None
    evidence_submitted: bool
    withdrawn: int | None
    held: int
    opened_at: datetime | None
    closed_at: datetime | None
    created_at: datetime
    updated_at: datetime


class DisputeAnswer(Struct, frozen=True, rename="camel"):
    """One dispute."""

    dispute: DisputeView


class DisputesAnswer(Struct, frozen=True, rename="camel"):
    """A page of disputes, newest first."""

    disputes: list[DisputeView]
    next_cursor: str | None


class BalanceLine(Struct, frozen=True, rename="camel"):
    """What stands on an account, in minor units: positive is debit, negative credit."""

    account: str
    currency: str
    amount: int


class WholePayment(Struct, frozen=True, rename="camel"):
    """All that the ledger has of a payment; `balances` are of all entries about it."""

    payment: PaymentView
    disputes: list[DisputeView]
    balances: list[BalanceLine]


def payment_view(told: Told, *, to_user: bool = False) -> PaymentView:
    """Show a payment; its user is not shown what is between the merchant and its provider."""
    payment, details = told.payment, told.payment.details
    fee = details.get("fee") if details.get("feeCurrency") == payment.currency else None
    view = view_of(
        PaymentView,
        payment,
        payment_id=str(payment.id),
        refund_state=refund_state(payment.amount, payment.refunded),
        method_details=details.get("methodDetails"),
        country=details.get("country"),
        refunds=[view_of(RefundLine, one) for one in told.refunds],
        attempts=[view_of(TryLine, one) for one in told.attempts],
        fee=fee,
    )
    return replace(view, fee=UNSET, net=UNSET, held=UNSET) if to_user else view


def payments_answer(
    told: Sequence[Told], following: Cursor | None, *, to_user: bool = False
) -> PaymentsAnswer:
    """Show a page of payments."""
    views = [payment_view(one, to_user=to_user) for one in told]
    return PaymentsAnswer(views, next_cursor(following))


def swept_answer(swept: Swept[Told], *, to_user: bool = False) -> PaymentsAnswer:
    """Show a page of what was changed."""
    shown = payments_answer(swept.found, swept.following, to_user=to_user)
    return replace(shown, next_updated_since=swept.until)


def dispute_view(dispute: Dispute) -> DisputeView:
    """Show a dispute."""
    return view_of(DisputeView, dispute, dispute_id=str(dispute.id))


def whole_view(whole: Whole) -> WholePayment:
    """Show all that the ledger has of a payment."""
    return WholePayment(
        payment_view(whole.told),
        [dispute_view(one) for one in whole.disputes],
        balance_lines(whole.balances),
    )


def balance_lines(balances: Balances) -> list[BalanceLine]:
    """Show what stands on accounts."""
    return [
        BalanceLine(account, currency, amount)
        for (account, currency), amount in sorted(balances.items())
    ]


_COLUMNS: Final = tuple(
    name
    for name in PaymentView.__struct_fields__
    if name not in {"method_details", "metadata", "refunds", "attempts", "fee", "net", "held"}
)
_WRITTEN: Final = dict(
    zip(PaymentView.__struct_fields__, PaymentView.__struct_encode_fields__, strict=True)
)


def csv_header(*, to_user: bool = False) -> list[str]:
    """Return the columns of a download."""
    own = () if to_user else ("fee", "net", "held")
    return [*(_WRITTEN[name] for name in (*_COLUMNS, *own)), "refunds", "attempts"]


def csv_row(told: Told, *, to_user: bool = False) -> list[object]:
    """Show a payment as a row: instead of its refunds and tries, how many there are."""
    view = payment_view(told, to_user=to_user)
    names = (*_COLUMNS, *(() if to_user else ("fee", "net", "held")))
    values = [getattr(view, name) for name in names]
    cells = [one.isoformat() if isinstance(one, datetime) else one for one in values]
    return [*cells, len(view.refunds), len(view.attempts)]
