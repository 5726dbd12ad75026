"""Opening at Razorpay: an order for a payment session, a payment link for a checkout session.

Razorpay has no idempotency header. What makes a repetition safe is the reference that goes out,
`receipt` or `reference_id`: it is looked for before a second try, and after a refusal.
"""

from datetime import datetime, timedelta

from service.core.clock import from_unix
from service.core.strict_json import JsonObject
from service.providers.base import CheckoutRequest, OpenedCheckout
from service.providers.calling import Refused
from service.providers.razorpay.client import RazorpayClient
from service.providers.razorpay.entities import notes_of
from service.providers.reading import entries, inner, needed_amount, needed_text, text, whole

# Links must live for 15 minutes at least (https://razorpay.com/docs/payments/payment-links);
# a minute more, so that a slow call does not fall below it.
_SHORTEST_LINK = timedelta(minutes=16)
_LONGEST_DESCRIPTION = 2048
_ENDED = frozenset({"cancelled", "expired"})


async def open_order(client: RazorpayClient, request: CheckoutRequest) -> OpenedCheckout:
    """Open an order; our page draws the checkout, so there is no address.

    Raises as `calling.ask` does, and `MalformedBody`.
    """
    body: JsonObject = {
        "amount": request.amount,
        "currency": request.currency,
        "receipt": request.attempt_id,
        "notes": notes_of(request),
    }
    order = await _open_once(client, request, "orders", body)
    return OpenedCheckout(
        ref=needed_text(order, "id"),
        url=None,
        amount=needed_amount(order),
        currency=needed_text(order, "currency"),
    )


async def open_link(
    client: RazorpayClient, request: CheckoutRequest, now: datetime
) -> OpenedCheckout:
    """Open a payment link, a page at Razorpay; it notifies nobody of itself.

    Raises as `calling.ask` does, and `MalformedBody`.
    """
    body: JsonObject = {
        "amount": request.amount,
        "currency": request.currency,
        "accept_partial": False,
        "reference_id": request.attempt_id,
        "description": request.description[:_LONGEST_DESCRIPTION],
        "expire_by": int(max(request.expires_at, now + _SHORTEST_LINK).timestamp()),
        "callback_url": request.success_url,
        "callback_method": "get",
        "notify": {"sms": False, "email": False},
        "reminder_enable": False,
        "notes": notes_of(request),
    }
    if request.email:
        body["customer"] = {"email": request.email}
    link = await _open_once(client, request, "payment_links", body)
    ends = whole(link, "expire_by")
    return OpenedCheckout(
        ref=needed_text(link, "id"),
        url=needed_text(link, "short_url"),
        amount=needed_amount(link),
        currency=needed_text(link, "currency"),
        expires_at=from_unix(ends) if ends else None,
    )


async def _open_once(
    client: RazorpayClient, request: CheckoutRequest, path: str, body: JsonObject
) -> JsonObject:
    if request.repeated:
        found = await _find(client, request, path)
        if found:
            return found
    try:
        return await client.post(path, body)
    except Refused as refusal:
        # A reference that was used is a 400 among others; its text is not documented.
        found = await _find(client, request, path) if refusal.status in (400, 409) else None
        if found is None:
            raise
        return found


async def _find(client: RazorpayClient, request: CheckoutRequest, path: str) -> JsonObject | None:
    """Find the first open order or link of this attempt.

    Every item is compared again, for people report that the filter is not always honoured.
    """
    field = "receipt" if path == "orders" else "reference_id"
    answer = await client.get(path, {field: request.attempt_id})
    ours = [
        item
        for item in (*entries(answer, "items"), *entries(answer, "payment_links"))
        if text(item, field) == request.attempt_id
        and text(item, "status") not in _ENDED
        and _is_for(item, request)
    ]
    return min(ours, key=lambda item: whole(item, "created_at") or 0, default=None)


def _is_for(item: JsonObject, request: CheckoutRequest) -> bool:
    """Two merchants may use one session id behind one account of Razorpay."""
    notes = inner(item, "notes")
    return (text(notes, "sessionId"), text(notes, "merchantId")) == (
        request.session_id,
        request.merchant_id,
    )
