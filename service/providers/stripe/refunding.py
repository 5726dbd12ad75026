"""Refunds at Stripe (https://docs.stripe.com/api/refunds): made once for each id of ours, found.

Stripe forgets an idempotency key after 24 hours or more. What is made under it carries our id in
its metadata, so that it is found for good.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import stripe
from stripe.params import RefundCreateParams, RefundListParams

from service.core.errors import ProviderFailed, ProviderUnreachable, RefundRefused
from service.core.strict_json import JsonObject
from service.providers.base import VerifiedEvent
from service.providers.reading import entries, inner, needed_text
from service.providers.refunding import RefundRequest
from service.providers.stripe.calls import answer_of
from service.providers.stripe.reading import reference
from service.providers.stripe.reasons import REFUSALS
from service.providers.stripe.translate import translate_fetched

_Paid = tuple[Literal["payment_intent", "charge"], str]

# Not about this refund but about our key (401, 403) or the moment (409: it is still at it).
_NOT_FINAL = frozenset({401, 403, 409, 429})
_PAGE, _MOST_PAGES = 100, 10


async def make_refund(
    client: stripe.StripeClient, request: RefundRequest, live: bool | None
) -> VerifiedEvent:
    """Make a refund, or find the one that an earlier call made. Raises `RefundRefused`.

    Raises Stripe's errors besides, for `answering` to put in our words.
    """
    params = _params(request, await _paid_by(client, request))
    with _refusing():
        made = await client.v1.refunds.create_async(params, {"idempotency_key": request.refund_id})
    return translate_fetched(*answer_of(made), live)


async def look_for_refund(
    client: stripe.StripeClient,
    request: RefundRequest,
    provider_refund_id: str | None,
    live: bool | None,
) -> VerifiedEvent | None:
    """Read a refund by Stripe's id, or find the one with our id among those of its payment."""
    if provider_refund_id is not None:
        try:
            read = await client.v1.refunds.retrieve_async(provider_refund_id)
        except stripe.InvalidRequestError as error:
            if error.http_status != 404:
                raise
            return None
        return translate_fetched(*answer_of(read), live)
    kind, payment_id = await _paid_by(client, request)
    params: RefundListParams = {"limit": _PAGE}
    params[kind] = payment_id
    for _ in range(_MOST_PAGES):
        page = answer_of(await client.v1.refunds.list_async(params))[0]
        found = entries(page, "data")
        for refund in found:
            if inner(refund, "metadata").get("refundId") == request.refund_id:
                return translate_fetched(refund, _as_bytes(refund), live)
        if page.get("has_more") is not True or not found:
            return None
        params["starting_after"] = needed_text(found[-1], "id")
    raise ProviderUnreachable("Stripe has more refunds of this payment than can be looked through.")


async def _paid_by(client: stripe.StripeClient, request: RefundRequest) -> _Paid:
    """Return how Stripe names the payment: the same in each repetition, as its key demands."""
    payment_id = request.provider_payment_id
    if payment_id.startswith("pi_"):
        return "payment_intent", payment_id
    if payment_id.startswith(("ch_", "py_")):
        return "charge", payment_id
    if not payment_id.startswith("in_"):
        raise ProviderFailed(f"{payment_id!r} is not a payment of Stripe's.")
    # An invoice does not name what paid it (API version 2025-03-31.basil and later).
    listed = await client.v1.invoice_payments.list_async({"invoice": payment_id, "status": "paid"})
    for one in entries(answer_of(listed)[0], "data"):
        payment = inner(one, "payment")
        if (intent := reference(payment, "payment_intent")) is not None:
            return "payment_intent", intent
        if (charge := reference(payment, "charge")) is not None:
            return "charge", charge
    raise ProviderFailed(f"Stripe names no payment of the invoice {payment_id}.")


def _params(request: RefundRequest, paid: _Paid) -> RefundCreateParams:
    params: RefundCreateParams = {
        "amount": request.amount,
        "metadata": {"refundId": request.refund_id},
    }
    params[paid[0]] = paid[1]
    # It takes no other; the words of a customer are not its business.
    if request.reason in ("duplicate", "fraudulent", "requested_by_customer"):
        params["reason"] = request.reason
    return params


@contextmanager
def _refusing() -> Iterator[None]:
    """Tell a refusal, which is final, from an outcome that is unknown."""
    try:
        yield
    except stripe.IdempotencyError:
        # Another refund was asked for under this id, and may well have been made.
        raise ProviderUnreachable("Stripe knows another refund under this id.") from None
    except stripe.StripeError as error:
        status = error.http_status or 0
        if status == 409 or status >= 500:
            message = f"Stripe gave no answer about the refund (status {status})."
            raise ProviderUnreachable(message) from None
        if status < 400 or status in _NOT_FINAL:
            raise
        code = error.code or "invalid_request_error"
        words = REFUSALS.get(code) or error.user_message or "Stripe gives no reason."
        raise RefundRefused(code, words) from None


def _as_bytes(found: JsonObject) -> bytes:
    return json.dumps(found, separators=(",", ":")).encode()
