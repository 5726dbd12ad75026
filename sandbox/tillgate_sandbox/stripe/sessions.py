"""Calls about Checkout sessions (https://docs.stripe.com/api/checkout/sessions)."""

import secrets

from service.core.errors import Conflict
from service.core.strict_json import JsonObject, JsonValue
from service.providers.reading import text
from service.storage.database import Row
from tillgate_sandbox import repository
from tillgate_sandbox.base import Sandbox, pay_page
from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.playing import happen
from tillgate_sandbox.repository import KEEP_FOR
from tillgate_sandbox.states import CheckoutStatus, Happening
from tillgate_sandbox.stripe import billing
from tillgate_sandbox.stripe.parameters import read_new_session
from tillgate_sandbox.stripe.refusals import StripeRefused, no_such
from tillgate_sandbox.stripe.render import (
    charge,
    checkout_session,
    payment_intent,
    subscribes,
)

_STANDING = {
    "open": [CheckoutStatus.OPEN],
    "complete": [CheckoutStatus.PROCESSING, CheckoutStatus.PAID, CheckoutStatus.FAILED],
    "expired": [CheckoutStatus.EXPIRED, CheckoutStatus.CANCELED],
}


async def create(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """Create a session."""
    now = sandbox.clock.now()
    new = read_new_session(given, now)
    checkout_id = f"cs_test_{secrets.token_hex(29)}"
    checkout = SandboxCheckout(
        id=checkout_id,
        provider="stripe",
        kind="session",
        page_id=secrets.token_urlsafe(16),
        session_id=new.session_id,
        amount=new.amount,
        currency=new.currency,
        request=given,
        success_url=new.success_url.replace("{CHECKOUT_SESSION_ID}", checkout_id),
        cancel_url=new.cancel_url,
        created_at=now,
        updated_at=now,
        expires_at=new.expires_at,
        purge_at=new.expires_at + KEEP_FOR,
    )
    if subscribes(checkout):
        ids_of_it = [billing.subscription_id(checkout), billing.invoice_id(checkout)]
        checkout = checkout.model_copy(update={"object_ids": ids_of_it})
    await repository.insert_checkout(checkout)
    return _shown(checkout, sandbox, given)


async def retrieve(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """Read a session; `expand[]` puts its intent, subscription, invoice or items in."""
    return _shown(await _found(ids[0], sandbox), sandbox, given)


async def expire(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """Expire an open session."""
    checkout = await _found(ids[0], sandbox)
    if checkout.status is not CheckoutStatus.OPEN:
        status = text(checkout_session(checkout), "status")
        message = (
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of `{status}`."
        )
        raise StripeRefused(message, began=True)
    return _shown(await happen(checkout, Happening.EXPIRED, sandbox), sandbox, given)


async def list_all(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """List sessions, newest first."""
    limit = page_size(given)
    wanted: Row = {}
    status, intent = text(given, "status"), text(given, "payment_intent")
    if status is not None:
        wanted["status"] = {"$in": _STANDING.get(status, [])}
    if intent is not None:
        wanted["payments.id"] = {"$eq": intent}
    after = text(given, "starting_after")
    if after is not None:
        last = await _found(after, sandbox)
        at = last.created_at
        wanted["$or"] = [{"createdAt": {"$lt": at}}, {"createdAt": at, "_id": {"$lt": last.id}}]
    found = await repository.list_checkouts("stripe", "session", wanted, limit + 1)
    listed = [_shown(checkout, sandbox, {}) for checkout in found]
    return page(listed, limit, "/v1/checkout/sessions")


def page(listed: list[JsonObject], limit: int, url: str) -> JsonObject:
    """Return a list as Stripe does; one more than `limit` was asked for."""
    data: list[JsonValue] = [*listed[:limit]]
    return {"object": "list", "data": data, "has_more": len(listed) > limit, "url": url}


def page_size(given: JsonObject) -> int:
    """Read how many are asked for: 1 to 100, by default 10."""
    asked = text(given, "limit") or "10"
    if not asked.isdecimal() or not 1 <= int(asked) <= 100:
        raise StripeRefused("This value must be between 1 and 100.", param="limit")
    return int(asked)


async def _found(checkout_id: str, sandbox: Sandbox) -> SandboxCheckout:
    checkout = await repository.find_checkout(checkout_id)
    if checkout is None or checkout.provider != "stripe":
        raise no_such("checkout.session", checkout_id)
    over = checkout.expires_at is not None and checkout.expires_at <= sandbox.clock.now()
    if checkout.status is CheckoutStatus.OPEN and over:
        try:
            return await happen(checkout, Happening.EXPIRED, sandbox)
        except Conflict:  # somebody else was quicker, with this or with a payment
            return await repository.find_checkout(checkout_id) or checkout
    return checkout


def _shown(checkout: SandboxCheckout, sandbox: Sandbox, given: JsonObject) -> JsonObject:
    shown = checkout_session(checkout, pay_page(sandbox.settings, checkout.page_id))
    for name in _expands(given):
        top = name.partition(".")[0]
        if top not in _EXPANDABLE:
            raise StripeRefused(f"This property cannot be expanded ({name}).", param="expand")
        if shown.get(top) is not None or top == "line_items":
            shown[top] = _expanded(checkout, name)
    return shown


_EXPANDABLE = frozenset({"payment_intent", "subscription", "invoice", "customer", "line_items"})


def _expanded(checkout: SandboxCheckout, name: str) -> JsonValue:
    if name == "subscription":
        return billing.subscription(checkout)
    if name == "invoice":
        return billing.invoice(checkout)
    if name == "customer":
        customer = checkout_session(checkout)["customer"]
        return {"id": customer, "object": "customer", "livemode": False}
    if name == "line_items":
        return {"object": "list", "data": [], "has_more": False}
    intent = payment_intent(checkout, checkout.payments[-1])
    if name == "payment_intent.latest_charge":
        intent["latest_charge"] = charge(checkout, checkout.payments[-1])
    return intent


def _expands(given: JsonObject) -> list[str]:
    asked = given.get("expand")
    if asked is None:
        return []
    if not isinstance(asked, list):
        raise StripeRefused("Invalid array", param="expand")
    return [name for name in asked if isinstance(name, str)]
