"""Neutral facts: what a provider reported, in words that are the same for all of them.

A fact is past tense and immutable. Amounts are integers in the provider's minor units, currencies
ISO 4217 codes in capitals. Facts are stored in the inbox, so a field is added, never renamed.
"""

from datetime import datetime
from typing import Literal

from msgspec import Struct

from service.core.strict_json import JsonObject
from service.providers.subscribed import Subscribed


class Subject(Struct, frozen=True, rename="camel", omit_defaults=True):
    """By which ids an event finds its session.

    `checkout_refs`: the provider's checkout ids (`cs_…`, `order_…`, `plink_…`, a merchantOrderId);
    `object_ids`: order or payment ids that a server may have used as its `sessionId`. The others
    came back from fields that only a server can write, never a browser: `sent_ids` our session id
    in a field of our own name, `attempt_ids` the id of one attempt of it, `merchant_id` whose
    session it is. `references` stand in the field that the provider has for its merchants' own
    numbers: another system of the shop may have written them, and a browser may choose its session
    id to be equal to one. `subscription_id` is the subscription whose invoice the payment pays,
    where its provider said so; `renews`: not the first, for which alone a session is opened.
    """

    checkout_refs: tuple[str, ...] = ()
    object_ids: tuple[str, ...] = ()
    sent_ids: tuple[str, ...] = ()
    merchant_id: str | None = None
    attempt_ids: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    subscription_id: str | None = None
    renews: bool = False


class MethodDetails(Struct, frozen=True, rename="camel", omit_defaults=True):
    """What a payment was made with, as much of it as may be kept for good.

    Of a card its brand, last four digits and expiry, and no more; `vpa` is masked (`ga***@okbank`).
    `wallet` and `bank` are the provider's words for them (`apple_pay`, `HDFC`).
    """

    brand: str | None = None
    last4: str | None = None
    exp_month: int | None = None
    exp_year: int | None = None
    wallet: str | None = None
    bank: str | None = None
    vpa: str | None = None


class Details(Struct, frozen=True, rename="camel", omit_defaults=True):
    """What else an event reports of a payment; None where the provider does not say.

    `country` is that of the billing address, two capital letters. `fee` is what the provider
    takes, in minor units of `fee_currency`, with `fee_tax` in it; `tax` is what the customer paid
    as tax, within the payment's amount. `charge_id` is the attempt that the event is about, and
    `bank_reference` the bank's number of it (RRN, UTR, ARN). `made_at` is when the payment was
    made, to the second (Stripe, Razorpay) or the millisecond (PhonePe v2).
    """

    country: str | None = None
    fee: int | None = None
    fee_currency: str | None = None
    fee_tax: int | None = None
    tax: int | None = None
    charge_id: str | None = None
    invoice_id: str | None = None
    bank_reference: str | None = None
    method_id: str | None = None
    method_details: MethodDetails | None = None
    attempt_count: int | None = None
    made_at: datetime | None = None


class Payment(Struct, frozen=True, rename="camel", omit_defaults=True):
    """One payment at a provider, as far as one event reports it.

    `provider_payment_id` is what the ledger is keyed by: payment intent or invoice (Stripe),
    payment id (Razorpay), order id (PhonePe has no other id that is stable over its events).
    `aliases` are further ids of the same payment, equal in every event that names them.
    """

    provider_payment_id: str
    amount: int
    currency: str
    method: str | None = None
    checkout_ref: str | None = None
    customer_id: str | None = None
    subscription_id: str | None = None
    email: str | None = None
    aliases: tuple[str, ...] = ()
    details: Details | None = None


class PaymentSucceeded(Struct, frozen=True, rename="camel", tag=True):
    """The money is ours."""

    payment: Payment


class PaymentAuthorized(Struct, frozen=True, rename="camel", tag=True):
    """The money is held and waits for our capture (Razorpay)."""

    payment: Payment


class PaymentProcessing(Struct, frozen=True, rename="camel", tag=True):
    """The customer has finished, the money comes later (bank debits, vouchers, UPI pending)."""

    payment: Payment


class PaymentFailed(Struct, frozen=True, rename="camel", tag=True):
    """One attempt failed. It ends nothing: the customer may try again in the same checkout.

    `decline_code` is the bank's word for it, `failure_details` all that the provider says of it in
    fields of its own, each of one line; neither names the customer.
    """

    payment: Payment
    failure_code: str | None = None
    failure_message: str | None = None
    decline_code: str | None = None
    failure_details: JsonObject | None = None


class PaidPartially(Struct, frozen=True, rename="camel", tag=True):
    """A part of the amount was paid (Razorpay links): real money, but it completes nothing."""

    payment: Payment


class NoPaymentRequired(Struct, frozen=True, rename="camel", tag=True):
    """A checkout was completed and nothing was due: a trial, or a discount of the whole."""

    checkout_ref: str
    amount: int
    currency: str
    customer_id: str | None = None
    subscription_id: str | None = None


class CheckoutFailed(Struct, frozen=True, rename="camel", tag=True):
    """A whole checkout ended unpaid at the provider and can't be paid any more."""

    checkout_ref: str
    reason: str | None = None


class CheckoutExpired(Struct, frozen=True, rename="camel", tag=True):
    """A checkout ran out of time at the provider. `recovery_url` opens it anew (Stripe)."""

    checkout_ref: str
    recovery_url: str | None = None


class CheckoutOpen(Struct, frozen=True, rename="camel", tag=True):
    """A re-read found the checkout open and nothing under way; only `fetch` reports this."""

    checkout_ref: str


class InvoicePaid(Struct, frozen=True, rename="camel", tag=True):
    """A subscription's invoice was paid: it writes the ledger and moves no session."""

    payment: Payment


class InvoicePaymentFailed(Struct, frozen=True, rename="camel", tag=True):
    """A subscription's invoice could not be collected."""

    payment: Payment
    attempt_count: int | None = None


class RefundUpdated(Struct, frozen=True, rename="camel", tag=True):
    """A refund stands in a state: `pending`, `succeeded`, `failed` or `canceled`.

    `made_at` is when it was asked for, not when it came to this state. `refund_id` is what we sent
    along, where it came back and has the shape of ours: another system of the
    shop may have sent the like, so it counts for a refund that we know. `payment_ids` are all ids
    by which it names its payment, `provider_payment_id` the first of them. `failure_code` is the
    provider's word for why it failed, `pending_reason` for why it waits. `voids`: the payment was
    only held and never captured, so no money of ours went back.
    """

    provider_refund_id: str
    provider_payment_id: str | None
    amount: int
    currency: str
    status: str
    reason: str | None = None
    charge_id: str | None = None
    bank_reference: str | None = None
    made_at: datetime | None = None
    refund_id: str | None = None
    payment_ids: tuple[str, ...] = ()
    failure_code: str | None = None
    failure_message: str | None = None
    pending_reason: str | None = None
    voids: bool = False


class Movement(Struct, frozen=True, rename="camel", omit_defaults=True):
    """Money that a dispute moved: out of our balance (negative `amount`), or back into it.

    In minor units of the account's own currency, which may be another than the dispute's. `fee` is
    what was taken besides; one that comes back is negative.
    """

    id: str
    amount: int
    currency: str
    fee: int = 0
    at: datetime | None = None


DisputeStatus = Literal["inquiry", "needs_response", "under_review", "won", "lost", "closed"]


class DisputeUpdated(Struct, frozen=True, rename="camel", tag=True):
    """A dispute stands in a state: a `DisputeStatus`, `provider_status` being the provider's word.

    Where that is None, the fact was stored when `status` was the provider's word. An `inquiry`
    asks and moves no money; `closed` is one that came to nothing. `phase` is how far it went, in
    the provider's word. `movements` are all that moved so far (Stripe), `deducted` what was taken
    for it in all, in the dispute's currency (Razorpay); None where that is not said.
    `is_charge_refundable`: refunding the payment ends it.
    """

    provider_dispute_id: str
    provider_payment_id: str | None
    amount: int
    currency: str
    status: str
    reason: str | None = None
    respond_by: datetime | None = None
    charge_id: str | None = None
    opened_at: datetime | None = None
    payment_ids: tuple[str, ...] = ()
    provider_status: str | None = None
    phase: str | None = None
    inquiry: bool = False
    is_charge_refundable: bool | None = None
    movements: tuple[Movement, ...] = ()
    deducted: int | None = None
    evidence_submitted: bool = False


class SubscriptionUpdated(Struct, frozen=True, rename="camel", tag=True):
    """Something became of a subscription: a hint to read it, which alone says how it stands."""

    provider_subscription_id: str
    status: str
    customer_id: str | None = None
    current_period_end: datetime | None = None
    cancel_at_period_end: bool = False


class SubscriptionRead(Struct, frozen=True, rename="camel", tag=True):
    """A subscription was read, and stood so; the greatest `read` of all its readings counts."""

    subscription: Subscribed
    read: int


class Unreadable(Struct, frozen=True, rename="camel", tag=True):
    """A genuine event whose content can't be read: it is kept, and read again by a later version.

    A 4xx instead would make the provider give up on it, and in the end on our endpoint.
    """

    reason: str


PaymentFact = (
    PaymentSucceeded | PaymentAuthorized | PaymentProcessing | PaymentFailed | PaidPartially
)
CheckoutFact = NoPaymentRequired | CheckoutFailed | CheckoutExpired | CheckoutOpen
InvoiceFact = InvoicePaid | InvoicePaymentFailed
RefundFact = RefundUpdated
DisputeFact = DisputeUpdated
SubscriptionFact = SubscriptionUpdated | SubscriptionRead

Fact = (
    PaymentFact
    | CheckoutFact
    | InvoiceFact
    | RefundFact
    | DisputeFact
    | SubscriptionFact
    | Unreadable
)
"""All that can be reported. Each aggregate's facts have a file in `service/effects/`, which handles
every one of them: one that is not handled is a type error there."""
