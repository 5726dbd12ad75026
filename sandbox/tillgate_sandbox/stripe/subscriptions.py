"""Calls about subscriptions, their invoices, and the clock that moves them.

https://docs.stripe.com/api/subscriptions, /api/invoices, /api/test_clocks.
"""

import secrets
from collections.abc import Iterable

from service.core.clock import from_unix
from service.core.strict_json import JsonObject
from service.providers.reading import entries, inner, text
from tillgate_sandbox import lives, repository
from tillgate_sandbox.base import MadeEvent, Sandbox
from tillgate_sandbox.documents import SandboxCheckout, SandboxClock
from tillgate_sandbox.lives import Life, Step
from tillgate_sandbox.playing import Announcement, announce, chaos_of
from tillgate_sandbox.repository import KEEP_FOR
from tillgate_sandbox.states import CheckoutStatus
from tillgate_sandbox.stripe import billing, clocks, render
from tillgate_sandbox.stripe.events import made_event
from tillgate_sandbox.stripe.parameters import (
    SANDBOX_PRICE,
    check_metadata,
    read_whole,
    refuse_unknown,
)
from tillgate_sandbox.stripe.refusals import StripeRefused, missing, no_such
from tillgate_sandbox.stripe.sessions import page, page_size

_UPDATE_TAKES = frozenset(
    "cancel_at_period_end metadata items proration_behavior default_payment_method expand".split()
)
_REFUSING_CARD = "pm_card_chargeCustomerFail"
_MOST_MOVED = 1000


async def retrieve_subscription(
    sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject
) -> JsonObject:
    """Read a subscription; `expand[]` puts its latest invoice in."""
    checkout = await _subscribed("subscription", ids[0])
    return _shown(checkout, given)


async def update_subscription(
    sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject
) -> JsonObject:
    """Change its plan, its end or its metadata.

    A `default_payment_method` of `pm_card_chargeCustomerFail` declines what is tried from now on;
    an empty one leaves nothing to pay with.
    """
    refuse_unknown(given, _UPDATE_TAKES)
    check_metadata(given.get("metadata"))
    checkout = await _subscribed("subscription", ids[0])
    life, now = billing.life_of(checkout), await _now(sandbox)
    _refuse_ended(life)
    if "default_payment_method" in given:
        method = text(given, "default_payment_method")
        payer: lives.Payer = "pays" if method else "none"
        life = lives.paying(life, "declines" if method == _REFUSING_CARD else payer)
    if (ends := text(given, "cancel_at_period_end")) is not None:
        life = lives.ending(life, now, ends=ends == "true")
    for item in entries(given, "items") if "items" in given else ():
        life = _with_item(checkout, life, item, now, text(given, "proration_behavior"))
    life = lives.labelled(life, inner(given, "metadata"))
    step = Step(life, now, ("customer.subscription.updated",))
    return _shown(await _take([step], checkout, sandbox), given)


async def cancel_subscription(
    sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject
) -> JsonObject:
    """Cancel a subscription at once."""
    checkout = await _subscribed("subscription", ids[0])
    life = billing.life_of(checkout)
    if life.ended_at is not None:
        raise no_such("subscription", ids[0])
    step = lives.canceled(life, await _now(sandbox))
    return _shown(await _take([step], checkout, sandbox), given)


async def resume_subscription(
    sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject
) -> JsonObject:
    """Let a paused subscription go on."""
    checkout = await _subscribed("subscription", ids[0])
    life = billing.life_of(checkout)
    if life.status != "paused":
        raise StripeRefused(f"The subscription is {life.status}: it is not paused.", began=True)
    step = lives.resumed(life, await _now(sandbox))
    return _shown(await _take([step], checkout, sandbox), given)


async def retrieve_invoice(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """Read an invoice of a subscription."""
    return billing.invoice(await _subscribed("invoice", ids[0]), ids[0])


async def list_invoices(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """List the invoices of a subscription, the latest first, with what paid them if expanded."""
    refuse_unknown(given, frozenset({"subscription", "limit", "expand"}))
    subscription_id = text(given, "subscription")
    if subscription_id is None:
        raise missing("subscription")
    checkout = await _subscribed("subscription", subscription_id)
    life = billing.life_of(checkout)
    shown = billing.invoice_with_payments if given.get("expand") else billing.invoice
    listed = [shown(checkout, one.id, life) for one in reversed(life.invoices)]
    return page(listed, page_size(given), "/v1/invoices")


async def create_clock(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """Make a clock; every subscription of the sandbox follows the latest one that was moved."""
    refuse_unknown(given, frozenset({"frozen_time", "name", "expand"}))
    clock = SandboxClock(
        id=f"clock_1{secrets.token_hex(12)[:23]}",
        name=text(given, "name"),
        frozen_time=_frozen(given),
        created_at=sandbox.clock.now(),
        purge_at=sandbox.clock.now() + KEEP_FOR,
    )
    await clocks.put_clock(clock)
    return _clock(clock)


async def retrieve_clock(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """Read a clock."""
    return _clock(await _found_clock(ids[0]))


async def advance_clock(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """Move a clock on: renewals, tries and ends until then happen, and are reported."""
    clock, until = await _found_clock(ids[0]), _frozen(given)
    if until <= clock.frozen_time:
        raise StripeRefused("The frozen_time must be after the clock's own.", param="frozen_time")
    for checkout in await repository.subscriptions(_MOST_MOVED):
        await advance(checkout, until, sandbox)
    moved: SandboxClock = clock.model_copy(update={"frozen_time": until})
    await clocks.put_clock(moved)
    return _clock(moved)


async def delete_clock(sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject) -> JsonObject:
    """Delete a clock; what it has moved stays moved."""
    clock = await _found_clock(ids[0])
    await clocks.delete_clock(clock.id)
    return {"id": clock.id, "object": "test_helpers.test_clock", "deleted": True}


async def advance(checkout: SandboxCheckout, until: int, sandbox: Sandbox) -> SandboxCheckout:
    """Let happen to one subscription what does by itself until a time."""
    steps = list(lives.lived(billing.life_of(checkout), until))
    return await _take(steps, checkout, sandbox) if steps else checkout


async def _take(steps: list[Step], checkout: SandboxCheckout, sandbox: Sandbox) -> SandboxCheckout:
    """Keep what happened, and report each step by its events."""
    life = steps[-1].life
    changes = {
        "more": checkout.more | {"subscription": lives.kept(life)},
        "object_ids": [life.id, *(one.id for one in life.invoices)],
        "updated_at": sandbox.clock.now(),
    }
    after: SandboxCheckout = checkout.model_copy(update=changes)
    events = [event for step in steps for event in events_of(after, step)]
    salt = f"{checkout.session_id}:{checkout.version}"
    told = Announcement(events, await chaos_of(checkout), salt)
    return await announce(checkout, after, sandbox, told)


def events_of(checkout: SandboxCheckout, step: Step) -> Iterable[MadeEvent]:
    """Make the events that report a step."""
    life, at = step.life, from_unix(step.at)
    for kind in step.events:
        if kind == "invoice_payment.paid":
            yield made_event(kind, billing.invoice_payment(life, life.latest), at)
        elif kind.startswith("invoice."):
            yield made_event(kind, billing.invoice(checkout, life=life), at)
        else:
            yield made_event(kind, billing.subscription(checkout, life), at)


def _with_item(
    checkout: SandboxCheckout, life: Life, item: JsonObject, now: int, prorated: str | None
) -> Life:
    """Change the only item: a second one would be another line of the bill."""
    if text(item, "id") != billing.item_id(checkout):
        raise StripeRefused("The sandbox's subscriptions have one item.", param="items[0][id]")
    price = text(item, "price") or life.price
    if SANDBOX_PRICE.fullmatch(price) is None:
        message = f"No such price: '{price}'"
        raise StripeRefused(message, code="resource_missing", param="items[0][price]")
    if lives.cost_of(price)[1] != lives.cost_of(life.price)[1]:
        message = "The price specified only supports another currency than the subscription's."
        raise StripeRefused(message, param="items[0][price]")
    quantity = read_whole(item, "quantity", "items[0][quantity]") or life.quantity
    return lives.changed(life, price, quantity, now, prorated=prorated != "none")


def _shown(checkout: SandboxCheckout, given: JsonObject) -> JsonObject:
    life = billing.life_of(checkout)
    shown = billing.subscription(checkout, life)
    expands = given.get("expand")
    for name in expands if isinstance(expands, list) else ():
        if name == "latest_invoice":
            shown["latest_invoice"] = billing.invoice(checkout, life=life)
        else:
            raise StripeRefused(f"This property cannot be expanded ({name}).", param="expand")
    return shown


def _refuse_ended(life: Life) -> None:
    if life.ended_at is not None:
        message = "A canceled subscription can only update its cancellation_details and metadata."
        raise StripeRefused(message, began=True)


async def _now(sandbox: Sandbox) -> int:
    """Return the time of the subscriptions: the latest that a clock was moved to, if later."""
    clock = await clocks.latest_clock()
    now = render.unix(sandbox.clock.now())
    return max(now, clock.frozen_time) if clock is not None else now


async def _subscribed(kind: str, object_id: str) -> SandboxCheckout:
    checkout = await repository.find_by_object(object_id)
    if checkout is None or checkout.status is not CheckoutStatus.PAID:
        raise no_such(kind, object_id)
    return checkout


async def _found_clock(clock_id: str) -> SandboxClock:
    clock = await clocks.find_clock(clock_id)
    if clock is None:
        raise no_such("test_clock", clock_id)
    return clock


def _frozen(given: JsonObject) -> int:
    at = read_whole(given, "frozen_time")
    if at is None:
        raise missing("frozen_time")
    return at


def _clock(clock: SandboxClock) -> JsonObject:
    return {
        "id": clock.id,
        "object": "test_helpers.test_clock",
        "created": render.unix(clock.created_at),
        "deletes_after": render.unix(clock.purge_at),
        "frozen_time": clock.frozen_time,
        "livemode": False,
        "name": clock.name,
        "status": "ready",
        "status_details": {},
    }
