"""A PhonePe order, as v1 and v2, webhooks and status answers report it, and what it means.

One reading for all of them, so that the documents are equal whichever arrives first.
"""

import re
from collections.abc import Sequence

from msgspec import Struct

from service.core.clock import from_unix
from service.core.errors import MalformedBody
from service.core.strict_json import JsonObject
from service.providers.facts import (
    CheckoutExpired,
    CheckoutFailed,
    CheckoutOpen,
    Details,
    Fact,
    MethodDetails,
    Payment,
    PaymentFailed,
    PaymentProcessing,
    PaymentSucceeded,
    Subject,
)
from service.providers.phonepe.reading import bank_reference_of, part_of
from service.providers.reading import (
    distinct,
    entries,
    inner,
    masked_vpa,
    needed_amount,
    needed_text,
    sentences,
    text,
    whole,
    word,
)

CURRENCY = "INR"

# https://developer.phonepe.com: at most 63 characters, no special ones but "_" and "-".
_ID = re.compile(r"[A-Za-z0-9_-]{1,63}")
_STATES = frozenset({"COMPLETED", "FAILED"})
_ERROR_CODES = ("errorCode", "detailedErrorCode")
_NOTHING = Details()
_NO_METHOD = MethodDetails()
_V1_FAILURES = frozenset(
    {
        "PAYMENT_ERROR",
        "PAYMENT_DECLINED",
        "PAYMENT_CANCELLED",
        "AUTHORIZATION_FAILED",
        "TIMED_OUT",
    }
)


class Order(Struct, frozen=True):
    """`state` is COMPLETED, FAILED or PENDING; `amount` is in paise.

    `merchant_order_id` is the id that we gave: v1 calls it merchantTransactionId. It is also what
    the ledger is keyed by, for it is the one id that v1, v2, refunds and status answers share;
    PhonePe's own orderId is missing in v1 and in refunds. `latest_attempt` is a transaction id and
    its state, `order_id` PhonePe's own.
    """

    merchant_order_id: str
    state: str
    amount: int
    under_way: bool
    attempted: bool
    expired: bool
    method: str | None = None
    failure_code: str | None = None
    failure_message: str | None = None
    session_id: str | None = None
    merchant_id: str | None = None
    other_ids: tuple[str, ...] = ()
    latest_attempt: str | None = None
    order_id: str | None = None
    decline_code: str | None = None
    failure_details: JsonObject | None = None
    details: Details | None = None


def order_id_of(value: JsonObject, key: str) -> str:
    """Return an id that is safe in a path and in an event id. Raises `MalformedBody`."""
    found = needed_text(value, key)
    if not _ID.fullmatch(found):
        raise MalformedBody(f"The provider's message has no usable {key!r}.")
    return found


def is_order_id(value: str) -> bool:
    """Return whether a text can be an order id of ours at PhonePe."""
    return _ID.fullmatch(value) is not None


def read_v2_order(payload: JsonObject, merchant_order_id: str) -> Order:
    """Read v2's order: a webhook's payload, or the answer of the status API.

    Only the root state counts. Raises `MalformedBody`.
    """
    given = needed_text(payload, "state")
    attempts = entries(payload, "paymentDetails")
    decisive = _latest([one for one in attempts if text(one, "state") == given] or attempts)
    codes = [text(source, key) for key in _ERROR_CODES for source in (payload, decisive)]
    meta = inner(payload, "metaInfo")
    return Order(
        merchant_order_id=merchant_order_id,
        state=given if given in _STATES else "PENDING",
        amount=needed_amount(payload),
        under_way=any(text(attempt, "state") == "PENDING" for attempt in attempts),
        attempted=bool(attempts),
        expired=any(code and "EXPIRED" in code for code in codes),
        method=_lower(text(decisive, "paymentMode")),
        failure_code=codes[0] or codes[1],
        failure_message=codes[2] or codes[3],
        session_id=text(meta, "udf1"),
        merchant_id=text(meta, "udf2"),
        other_ids=distinct(
            text(payload, "orderId"), *(text(attempt, "transactionId") for attempt in attempts)
        ),
        latest_attempt=_named(_latest(attempts)),
        order_id=word(payload, "orderId"),
        # Of the attempt: an order that ran out has words of its own (TXN_AUTO_FAILED).
        decline_code=word(decisive, "detailedErrorCode") or word(payload, "detailedErrorCode"),
        failure_details=_failure(payload, decisive),
        details=_v2_details(decisive),
    )


def read_v1_order(content: JsonObject, *, callback: bool) -> Order:
    """Read v1's transaction: a callback's response, or the answer of the status API.

    Money is ours only where code and state agree. A pending callback says that the customer has
    paid and the bank is slow; a pending status only if an instrument was chosen. Raises
    `MalformedBody`.
    """
    data = inner(content, "data")
    code = needed_text(content, "code")
    state = text(data, "state")
    instrument = inner(data, "paymentInstrument")
    paid = code == "PAYMENT_SUCCESS" and state in (None, "COMPLETED")
    failed = state == "FAILED" or (state is None and code in _V1_FAILURES)
    merchant_order_id = order_id_of(data, "merchantTransactionId")
    return Order(
        merchant_order_id=merchant_order_id,
        state="COMPLETED" if paid else "FAILED" if failed else "PENDING",
        amount=needed_amount(data),
        under_way=callback or bool(instrument),
        attempted=True,
        expired=code == "TIMED_OUT",
        method=_lower(text(instrument, "type")),
        failure_code=text(data, "responseCode") or code,
        failure_message=text(content, "message"),
        other_ids=distinct(text(data, "transactionId")),
        latest_attempt=_named(data),
        decline_code=word(data, "responseCode"),
        failure_details=sentences(content, ("code", "message")),
        details=_details(data, instrument, instrument),
    )


def subject_of(order: Order) -> Subject:
    """Return the ids by which the order's session is found."""
    return Subject(
        checkout_refs=(order.merchant_order_id,),
        object_ids=distinct(order.merchant_order_id, *order.other_ids),
        sent_ids=distinct(order.session_id),
        merchant_id=order.merchant_id,
        references=(order.merchant_order_id,),
    )


def facts_of(order: Order) -> tuple[Fact, ...]:
    """Return what an order's state means. A failed order is over: it can't be paid any more."""
    payment = Payment(
        provider_payment_id=order.merchant_order_id,
        amount=order.amount,
        currency=CURRENCY,
        method=order.method,
        checkout_ref=order.merchant_order_id,
        aliases=distinct(order.order_id),
        details=order.details,
    )
    if order.state == "COMPLETED":
        return (PaymentSucceeded(payment),)
    if order.state == "PENDING":
        open_still = CheckoutOpen(order.merchant_order_id)
        return (PaymentProcessing(payment) if order.under_way else open_still,)
    failed = PaymentFailed(
        payment,
        failure_code=order.failure_code,
        failure_message=order.failure_message,
        decline_code=order.decline_code,
        failure_details=order.failure_details,
    )
    if not order.expired:
        return (failed, CheckoutFailed(order.merchant_order_id, order.failure_code))
    expired = CheckoutExpired(order.merchant_order_id)
    return (failed, expired) if order.attempted else (expired,)


def _v2_details(attempt: JsonObject) -> Details | None:
    """Read an attempt: its instruments stand beside it, or in a list of those that share it."""
    part = part_of(attempt)
    return _details(attempt, inner(part, "rail"), inner(part, "instrument"))


def _details(attempt: JsonObject, rail: JsonObject, instrument: JsonObject) -> Details | None:
    """Read what an attempt was made with. PhonePe names no country, no fee and no card's digits.

    (https://developer.phonepe.com, *Order Status API*; a fee that stands there is the customer's.)
    """
    at = whole(attempt, "timestamp")
    method = MethodDetails(
        bank=word(instrument, "bankId"),
        vpa=masked_vpa(text(rail, "vpa") or ""),
    )
    found = Details(
        charge_id=word(attempt, "transactionId"),
        bank_reference=bank_reference_of(rail, instrument),
        method_details=method if method != _NO_METHOD else None,
        made_at=from_unix(at / 1000) if at else None,
    )
    return found if found != _NOTHING else None


def _failure(payload: JsonObject, attempt: JsonObject) -> JsonObject | None:
    """Return what an order says of its failure, else what its attempt does."""
    own = sentences(payload, _ERROR_CODES) or sentences(attempt, _ERROR_CODES) or {}
    context = inner(payload, "errorContext") or inner(attempt, "errorContext")
    said = own | (sentences(context, ("source", "stage", "description")) or {})
    return said or None


def _latest(attempts: Sequence[JsonObject]) -> JsonObject:
    return max(attempts, key=lambda one: whole(one, "timestamp") or 0, default={})


def _named(attempt: JsonObject) -> str | None:
    transaction_id = text(attempt, "transactionId")
    return transaction_id and f"{transaction_id}:{text(attempt, 'state')}"


def _lower(value: str | None) -> str | None:
    return value.lower() if value else None
