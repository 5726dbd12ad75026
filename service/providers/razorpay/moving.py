"""Money that a customer paid, taken or given back.

https://razorpay.com/docs/api/payments/capture, /api/refunds/normal-refunds-idempotent. A refund
is made once for each id of ours: the value of a header, the receipt, and in the notes.
"""

import re
from datetime import datetime

from service.core.errors import (
    CaptureRefused,
    ProviderFailed,
    ProviderUnreachable,
    RefundRefused,
)
from service.core.strict_json import JsonObject
from service.providers.base import VerifiedEvent
from service.providers.calling import Refused
from service.providers.razorpay.client import PROVIDER, RazorpayClient
from service.providers.razorpay.entities import was_captured
from service.providers.razorpay.fetched import translate_fetched
from service.providers.razorpay.reasons import DESCRIBED, REFUSALS
from service.providers.razorpay.refunds import is_of
from service.providers.reading import entries
from service.providers.refunding import RefundRequest

_PAYMENT = re.compile(r"pay_[A-Za-z0-9_]{1,60}")
_REFUND = re.compile(r"rfnd_[A-Za-z0-9_]{1,60}")
# What is wrong is the payment, not the moment (429), our keys (401, 403) or Razorpay (5xx).
_FINAL = frozenset({400, 404, 422})
_CONFLICT = 409
_NOT_FOUND = frozenset({400, 404})
_PAGE, _MOST_PAGES = 100, 10


async def take_held(client: RazorpayClient, payment_id: str, amount: int, currency: str) -> None:
    """Capture an authorized payment; after a refusal the payment itself shows whether it was.

    Raises `CaptureRefused`, but not while another capture of it is in progress, which may be an
    earlier call of ours.
    """
    path = f"payments/{_checked(payment_id)}"
    try:
        await client.post(f"{path}/capture", {"amount": amount, "currency": currency})
    except Refused as refusal:
        payment = await client.get(path)
        if was_captured(payment):
            return
        if refusal.status in _FINAL and "in progress" not in refusal.message:
            raise CaptureRefused(refusal.message) from refusal
        raise


async def make_refund(
    client: RazorpayClient, request: RefundRequest, now: datetime, live: bool | None
) -> VerifiedEvent:
    """Make a refund, or get the answer of the call that made it.

    Raises `RefundRefused`, `ProviderUnreachable` and `ProviderFailed`.
    """
    path = f"payments/{_checked(request.provider_payment_id)}/refund"
    body: JsonObject = {
        "amount": request.amount,
        "speed": "normal",
        "receipt": request.refund_id,
        "notes": {"refundId": request.refund_id},
    }
    try:
        made = await client.post(path, body, {"X-Refund-Idempotency": request.refund_id})
    except Refused as refusal:
        raise _meant(refusal) from refusal
    except ProviderFailed as error:
        raise ProviderUnreachable(error.message) from error
    return _found(made, now, live)


async def look_for_refund(
    client: RazorpayClient,
    request: RefundRequest,
    provider_refund_id: str | None,
    now: datetime,
    live: bool | None,
) -> VerifiedEvent | None:
    """Read a refund by Razorpay's id, or find the one with our id among those of its payment."""
    if provider_refund_id is not None:
        read = await _read(client, provider_refund_id)
        return None if read is None else _found(read, now, live)
    path = f"payments/{_checked(request.provider_payment_id)}/refunds"
    for page in range(_MOST_PAGES):
        query = {"count": str(_PAGE), "skip": str(page * _PAGE)}
        listed = entries(await client.get(path, query), "items")
        for refund in listed:
            if is_of(refund, request.refund_id):
                return _found(refund, now, live)
        if len(listed) < _PAGE:
            return None
    raise ProviderUnreachable(f"{PROVIDER} has more refunds of this payment than can be read.")


async def _read(client: RazorpayClient, refund_id: str) -> JsonObject | None:
    if not _REFUND.fullmatch(refund_id):
        raise ProviderFailed(f"{refund_id!r} is not a refund of {PROVIDER}.")
    try:
        return await client.get(f"refunds/{refund_id}")
    except Refused as refusal:
        if refusal.status not in _NOT_FOUND:
            raise
        return None


def _found(refund: JsonObject, now: datetime, live: bool | None) -> VerifiedEvent:
    fetched: JsonObject = {"fetchedAt": int(now.timestamp()), "refund": refund}
    return translate_fetched(fetched, live)


def _meant(refusal: Refused) -> ProviderFailed:
    """Return what a refusal means: only what is about this refund is final."""
    said = (refusal.description or "").lower()
    if refusal.status == _CONFLICT or "idempotency key" in said:
        # It is still at it, or another refund was made under this id.
        return ProviderUnreachable(refusal.message)
    if refusal.status not in _FINAL:
        return refusal
    known = next((code for words, code in DESCRIBED.items() if words in said), None)
    code = known or refusal.reason or "BAD_REQUEST_ERROR"
    return RefundRefused(code, REFUSALS.get(code) or refusal.description or refusal.message)


def _checked(payment_id: str) -> str:
    """An id goes into a path, so it must be one."""
    if not _PAYMENT.fullmatch(payment_id):
        raise ProviderFailed(f"{payment_id!r} is not a payment of {PROVIDER}.")
    return payment_id
