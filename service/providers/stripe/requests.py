"""What we ask Stripe for when a checkout opens (https://docs.stripe.com/api/checkout/sessions/create)."""

from datetime import timedelta

from stripe.params.checkout import SessionCreateParams, SessionCreateParamsLineItem

from service.core.errors import ProviderFailed
from service.core.strict_json import JsonObject
from service.providers.base import CheckoutRequest, OpenedCheckout
from service.providers.reading import entries, inner, needed_text, text, whole
from service.providers.stripe.reading import interval_in, moment

# Stripe takes 30 minutes to 24 hours from its own clock, and a repeated call has to be the same to
# the letter. So each checkout ends this much before its session, which leaves room for a clock that
# differs, and for the 31 minutes and the 24 hours that a caller asks for.
_CLOCK_MARGIN = timedelta(seconds=30)

_PRICE_VARIABLES = {"basic": "STRIPE_PRICE_BASIC", "premium": "STRIPE_PRICE_PREMIUM"}


def checkout_params(request: CheckoutRequest, prices: dict[str, str | None]) -> SessionCreateParams:
    """Write the parameters of a new checkout session; equal for each repetition of an attempt.

    `prices` are Stripe's price ids by plan. Raises `ProviderFailed` where a plan has none.
    """
    metadata = _metadata(request)
    params: SessionCreateParams = {
        "mode": request.mode,
        "client_reference_id": request.session_id,
        "metadata": metadata,
        "success_url": request.success_url,
        "cancel_url": request.cancel_url,
        "expires_at": int((request.expires_at - _CLOCK_MARGIN).timestamp()),
    }
    if request.mode == "subscription":
        params["line_items"] = [_plan_item(request, prices)]
        params["expand"] = ["line_items"]  # they tell how long a period is
        params["subscription_data"] = {"metadata": metadata}
        if request.trial_days:
            params["subscription_data"]["trial_period_days"] = request.trial_days
    else:
        params["line_items"] = [_priced_item(request)]
        params["payment_intent_data"] = {"metadata": metadata}
    if request.customer_id:
        params["customer"] = request.customer_id
    elif request.email:
        params["customer_email"] = request.email
    return params


def read_opened(session: JsonObject) -> OpenedCheckout:
    """Read the session that Stripe opened. Raises `MalformedBody`."""
    currency = text(session, "currency")
    items = entries(inner(session, "line_items"), "data")
    recurring = inner(items[0], "price", "recurring") if items else {}
    return OpenedCheckout(
        ref=needed_text(session, "id"),
        url=text(session, "url"),
        amount=whole(session, "amount_total"),
        currency=currency.upper() if currency else None,
        expires_at=moment(session, "expires_at"),
        interval=interval_in(recurring),
        interval_count=whole(recurring, "interval_count") or 1,
    )


def _metadata(request: CheckoutRequest) -> dict[str, str]:
    """Return what comes back with every event; the reference stack reads `checkoutSessionId`.

    By the attempt's id a payment intent, which names no checkout, proves whose it is.
    """
    sent = {
        "checkoutSessionId": request.session_id,
        "sessionId": request.session_id,
        "merchantId": request.merchant_id,
        "attemptId": request.attempt_id,
        "userId": request.user_id,
        "plan": request.plan,
    }
    return {key: value for key, value in sent.items() if value}


def _priced_item(request: CheckoutRequest) -> SessionCreateParamsLineItem:
    """Return one item that makes the total exactly, even where a coupon left it indivisible."""
    whole = request.amount % request.quantity == 0
    quantity = request.quantity if whole else 1
    return {
        "quantity": quantity,
        "price_data": {
            "currency": request.currency.lower(),
            "unit_amount": request.amount // quantity,
            "product_data": {"name": request.description},
        },
    }


def _plan_item(
    request: CheckoutRequest, prices: dict[str, str | None]
) -> SessionCreateParamsLineItem:
    price = request.plan_price or prices.get(request.plan or "")
    if not price:
        plan = request.plan or "none"
        variable = _PRICE_VARIABLES.get(plan)
        remedy = f"set {variable}" if variable else "name one in the catalog (providerPrices)"
        raise ProviderFailed(f"Stripe has no price for the plan {plan!r}: {remedy}.")
    return {"quantity": request.quantity, "price": price}
