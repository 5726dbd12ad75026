"""What goes over the wire about refunds."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar

from msgspec import UNSET, Struct, UnsetType
from pydantic import Field

from service.core.paging import Swept
from service.core.views import view_of
from service.payments.refunds.documents import Refund
from service.payments.refunds.states import RefundStatus, Source
from service.providers.reasons import why_not_refunded
from service.web.fields import CurrencyCode, LongText, ShortText, StrictAmount, Text
from service.web.wire import WireModel


class RefundAction(StrEnum):
    """What becomes of a request."""

    APPROVE = "approve"
    DENY = "deny"


class RequestRefund(WireModel):
    """Requests a refund of a payment, or of what was paid in a session: one of the two is named.

    Without an amount all that is left is meant. A `currency` must be the payment's.
    """

    example: ClassVar = {
        "sessionId": "docs-1",
        "amount": 500,
        "currency": "USD",
        "reason": "One seat of two.",
    }

    payment_id: Text | None = None
    session_id: Text | None = None
    amount: StrictAmount | None = None
    currency: CurrencyCode | None = None
    reason: LongText


class MakeRefund(WireModel):
    """Refunds a payment at once. `bankReference` names the transfer of one that is made by hand."""

    example: ClassVar = {"amount": 500, "currency": "USD", "reason": "One seat of two."}

    amount: StrictAmount | None = None
    currency: CurrencyCode | None = None
    reason: LongText
    bank_reference: ShortText | None = None


class ProcessRefund(WireModel):
    """Approves a requested refund, of all or of less, or denies it."""

    example: ClassVar = {
        "refundId": "docs-refund-1",
        "action": "approve",
        "adminReason": "Within 14 days.",
    }

    refund_id: Text
    action: Annotated[RefundAction, Field(strict=False)]
    amount: StrictAmount | None = None
    admin_reason: LongText | None = None
    bank_reference: ShortText | None = None


class RefundView(Struct, frozen=True, rename="camel", kw_only=True):
    """A refund. `amount` is in minor units of `currency`; times are UTC.

    `paymentId` is our own id of its payment. `needsPerson` says why nobody can tell whether it was
    made; null where nobody must look at it.
    """

    refund_id: str
    payment_id: str
    amount: int
    currency: str
    status: RefundStatus
    reason: str | None
    admin_reason: str | None
    created_at: datetime
    provider: str
    provider_payment_id: str
    provider_refund_id: str | None
    session_id: str | None
    user_id: str | None
    source: Source
    failure_code: str | None
    failure_message: str | None
    pending_reason: str | None
    needs_person: str | None
    bank_reference: str | None
    void: bool
    requested_at: datetime | None
    decided_at: datetime | None
    updated_at: datetime


class RefundAnswer(Struct, frozen=True, rename="camel"):
    """One refund."""

    refund: RefundView


class RefundsAnswer(Struct, frozen=True, rename="camel"):
    """A page of refunds, newest first.

    `nextUpdatedSince` is there with `updatedSince` alone, null while there are more pages.
    """

    refunds: list[RefundView]
    next_cursor: str | None
    next_updated_since: datetime | UnsetType | None = UNSET


def refund_view(refund: Refund) -> RefundView:
    """Show a refund."""
    words = why_not_refunded(refund.provider, refund.failure_code) or refund.failure_message
    return view_of(RefundView, refund, needs_person=refund.awaits_person, failure_message=words)


def swept_answer(swept: Swept[Refund]) -> RefundsAnswer:
    """Show a page of what was changed."""
    views = [refund_view(one) for one in swept.found]
    following = swept.following.encode() if swept.following else None
    return RefundsAnswer(views, following, swept.until)
