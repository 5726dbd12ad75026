"""Calls about Checkout sessions (https://docs.stripe.com/api/checkout/sessions)."""

import secrets

from msgspec.structs import replace

from service.core.errors import Busy, Conflict
from service.core.strict_json import JsonObject
from service.providers.reading import inner, text
from tillgate_sandbox import listing, repository
from tillgate_sandbox.base import Sandbox, pay_page
from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.playing import happen
from tillgate_sandbox.repository import KEEP_FOR
from tillgate_sandbox.states import CheckoutStatus, Happening
from tillgate_sandbox.stripe import billing
from tillgate_sandbox.stripe.items import line_items, product_ids
from tillgate_sandbox.stripe.lists import PAGING, page, page_of, read_created, read_cursor
from tillgate_sandbox.stripe.parameters import merged_metadata, read_new_session, refuse_unknown
from tillgate_sandbox.stripe.refusals import StripeRefused, no_such
from tillgate_sandbox.stripe.render import checkout_session, subscribes

_URL = "/v1/checkout/sessions"
_STANDING = {
    "open": [CheckoutStatus.OPEN],
    "complete": [CheckoutStatus.PROCESSING, CheckoutStatus.PAID, CheckoutStatus.FAILED],
    "expired": [CheckoutStatus.EXPIRED, CheckoutStatus.CANCELED],
}
# What a list can be narrowed by, and where it stands.
_WHERE = {"payment_intent": "payments.id", "subscription": "objectIds"}
_LIST_TAKES = PAGING | {"created", "status", *_WHERE}
_CHANGES = frozenset({"metadata", "expand"})
_UPDATE_TAKES = _CHANGES | {"collected_information", "line_items", "shipping_options"}


async def create(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """Create a session."""
    now = sandbox.clock.now()
    new = read_new_session(given, now)
    checkout = SandboxCheckout(
        id=f"cs_test_{secrets.token_hex(29)}",
        provider="stripe",
        kind="session",
        page_id=secrets.token_urlsafe(16),
        session_id=new.session_id,
        amount=new.amount,
        currency=new.currency,
        request=given,
        success_url=new.success_url,
        cancel_url=new.cancel_url,
        created_at=now,
        updated_at=now,
        expires_at=new.expires_at,
        purge_at=new.expires_at + KEEP_FOR,
    )
    found_by = product_ids(checkout)
    if subscribes(checkout):
        found_by += [billing.subscription_id(checkout), billing.invoice_id(checkout)]
    checkout = checkout.model_copy(update={"object_ids": found_by})
    await repository.insert_checkout(checkout)
    return _shown(checkout, sandbox)


async def retrieve(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """Read a session."""
    return _shown(await _found(ids[0], sandbox), sandbox)


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
    return _shown(await happen(checkout, Happening.EXPIRED, sandbox), sandbox)


async def update(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """Change the metadata of a session, however it stands: the sandbox changes nothing else."""
    refuse_unknown(given, _UPDATE_TAKES)
    for name in given:
        if name not in _CHANGES:
            raise StripeRefused(f"The sandbox does not change a session's {name}.", param=name)
    before = await _found(ids[0], sandbox)
    metadata = merged_metadata(inner(before.request, "metadata"), given.get("metadata"))
    changes = {
        "request": before.request | {"metadata": metadata},
        "updated_at": sandbox.clock.now(),
    }
    after: SandboxCheckout = before.model_copy(update=changes)
    if not await repository.change_checkout(before, after):
        raise Busy("Something else happened to this session just now; try again.")
    return _shown(after, sandbox)


async def list_all(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """List sessions, newest first."""
    refuse_unknown(given, _LIST_TAKES)
    cursor, wanted = read_cursor(given), read_created(given).wanted()
    for name, where in _WHERE.items():
        if (value := text(given, name)) is not None:
            wanted[where] = {"$eq": value}
    if (status := text(given, "status")) is not None:
        wanted["status"] = {"$in": _STANDING.get(status, [])}
    span = cursor.span()
    if cursor.id is not None:
        near = await _found(cursor.id, sandbox, cursor.param)
        span = replace(span, at=near.created_at, id=near.id)
    found = await listing.list_checkouts("stripe", ["session"], wanted, span)
    return page([_shown(one, sandbox) for one in found], cursor, _URL)


async def list_line_items(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """List the line items of a session, in their order."""
    refuse_unknown(given, PAGING)
    checkout = await _found(ids[0], sandbox)
    return page_of(line_items(checkout), given, f"{_URL}/{checkout.id}/line_items")


async def _found(checkout_id: str, sandbox: Sandbox, param: str = "id") -> SandboxCheckout:
    checkout = await repository.find_checkout(checkout_id)
    if checkout is None or checkout.provider != "stripe":
        raise no_such("checkout.session", checkout_id, param)
    over = checkout.expires_at is not None and checkout.expires_at <= sandbox.clock.now()
    if checkout.status is CheckoutStatus.OPEN and over:
        try:
            return await happen(checkout, Happening.EXPIRED, sandbox)
        except Conflict:  # somebody else was quicker, with this or with a payment
            return await repository.find_checkout(checkout_id) or checkout
    return checkout


def _shown(checkout: SandboxCheckout, sandbox: Sandbox) -> JsonObject:
    return checkout_session(checkout, pay_page(sandbox.settings, checkout.page_id))
