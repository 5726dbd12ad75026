"""Refunds at PhonePe, asked for once for each id of ours.

https://developer.phonepe.com/payment-gateway/website-integration/standard-checkout/
api-integration/api-reference/refund

There is no idempotency key: an id that PhonePe has seen is refused, whichever refund it names, so a
refusal is believed only after asking whether there is a refund under the id.
"""

from datetime import datetime

from service.core.errors import (
    MalformedBody,
    ProviderFailed,
    ProviderUnreachable,
    RefundRefused,
)
from service.core.strict_json import JsonObject
from service.providers.base import VerifiedEvent
from service.providers.calling import Refused
from service.providers.facts import RefundUpdated
from service.providers.phonepe.client import PROVIDER, PhonePeClient
from service.providers.phonepe.orders import is_order_id
from service.providers.phonepe.reasons import REFUSALS
from service.providers.phonepe.translate import translate_fetched
from service.providers.reading import text
from service.providers.refunding import RefundRequest

# Refusals of the caller; every other one is about the refund, whichever status PhonePe gives it.
_NOT_FINAL = frozenset({401, 403, 429})
_CONFLICT = 409


async def make_refund(
    client: PhonePeClient, request: RefundRequest, now: datetime, live: bool | None
) -> VerifiedEvent:
    """Ask for a refund, and how it stands then. Raises `RefundRefused`.

    Raises `ProviderUnreachable` and `ProviderFailed` besides.
    """
    order_id = _order_id(request)
    body: JsonObject = {
        "merchantRefundId": request.refund_id,
        "originalMerchantOrderId": order_id,
        "amount": request.amount,
    }
    try:
        made = await client.refund(body)
    except Refused as refusal:
        return await _made_before(client, request, refusal, now, live)
    except ProviderFailed as error:
        raise ProviderUnreachable(error.message) from error
    try:
        found = await look_for_refund(client, request, now, live)
    except ProviderFailed:
        found = None
    # What it answers names neither the refund nor the order: it is the answer to this call.
    state = text(made, "state") or "PENDING"
    return found or _event(request, {**made, **body, "state": state}, now, live)


async def look_for_refund(
    client: PhonePeClient, request: RefundRequest, now: datetime, live: bool | None
) -> VerifiedEvent | None:
    """Read a refund by our id."""
    try:
        return _event(request, await client.refund_status(request.refund_id), now, live)
    except Refused as refusal:
        if refusal.status in _NOT_FINAL:
            raise
        return None


async def _made_before(
    client: PhonePeClient,
    request: RefundRequest,
    refusal: Refused,
    now: datetime,
    live: bool | None,
) -> VerifiedEvent:
    """Return the refund that an earlier call made, or say what the refusal means."""
    if refusal.status in _NOT_FINAL:
        raise refusal
    if refusal.status == _CONFLICT:
        raise ProviderUnreachable(refusal.message) from refusal
    try:
        found = await look_for_refund(client, request, now, live)
    except ProviderFailed as error:
        raise ProviderUnreachable(error.message) from error
    if found is not None and _is_of(found, request):
        return found
    if found is not None:
        message = f"{PROVIDER} knows another refund under this id."
        raise ProviderUnreachable(message) from refusal
    code = refusal.reason or "BAD_REQUEST"
    words = REFUSALS.get(code) or refusal.description or refusal.message
    raise RefundRefused(code, words) from refusal


def _is_of(found: VerifiedEvent, request: RefundRequest) -> bool:
    return all(
        isinstance(fact, RefundUpdated)
        and (fact.amount, fact.provider_payment_id) == (request.amount, _order_id(request))
        for fact in found.facts
    )


def _event(
    request: RefundRequest, answer: JsonObject, now: datetime, live: bool | None
) -> VerifiedEvent:
    envelope: JsonObject = {
        "fetched": request.refund_id,
        "fetchedAt": int(now.timestamp()),
        "refund": answer,
    }
    try:
        return translate_fetched(envelope, live)
    except MalformedBody as error:
        raise ProviderUnreachable(f"{PROVIDER} gave an unreadable answer.") from error


def _order_id(request: RefundRequest) -> str:
    order_id = request.order_id or request.provider_payment_id
    if not is_order_id(order_id) or not is_order_id(request.refund_id):
        raise ProviderFailed(f"{order_id!r} is not an order of {PROVIDER}.")
    return order_id
