"""Calls about subscriptions (https://docs.stripe.com/api/subscriptions)."""

from collections.abc import Iterable

from service.core.clock import from_unix
from service.core.strict_json import JsonObject
from service.providers.reading import entries, text
from tillgate_sandbox import lives, repository
from tillgate_sandbox.base import MadeEvent, Sandbox
from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.listing import MOST_LOOKED_AT
from tillgate_sandbox.lives import Life, Step
from tillgate_sandbox.playing import Announcement, announce, chaos_of
from tillgate_sandbox.states import CheckoutStatus
from tillgate_sandbox.stripe import billing, clocks, render
from tillgate_sandbox.stripe.events import made_event
from tillgate_sandbox.stripe.lists import PAGING, page_of
from tillgate_sandbox.stripe.parameters import (
    SANDBOX_PRICE,
    merged_metadata,
    read_whole,
    refuse_unknown,
)
from tillgate_sandbox.stripe.refusals import StripeRefused, no_such

_UPDATE_TAKES = frozenset(
    "cancel_at_period_end metadata items proration_behavior default_payment_method expand".split()
)
_LIST_TAKES = PAGING | {"created", "customer", "status"}
_REFUSING_CARD = "pm_card_chargeCustomerFail"


async def retrieve_subscription(
    sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject
) -> JsonObject:
    """Read a subscription."""
    return billing.subscription(await subscribed("subscription", ids[0]))


async def list_subscriptions(
    sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject
) -> JsonObject:
    """List subscriptions: without a `status` those that are not canceled, or `all`."""
    refuse_unknown(given, _LIST_TAKES)
    found = [billing.subscription(one) for one in await every_subscribed()]
    if text(given, "status") is None:
        found = [one for one in found if one["status"] != "canceled"]
    filters = ("customer",) if given.get("status") == "all" else ("customer", "status")
    return page_of(found, given, "/v1/subscriptions", filters)


async def update_subscription(
    sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject
) -> JsonObject:
    """Change its plan, its end or its metadata.

    A `default_payment_method` of `pm_card_chargeCustomerFail` declines what is tried from now on;
    an empty one leaves nothing to pay with.
    """
    refuse_unknown(given, _UPDATE_TAKES)
    checkout = await subscribed("subscription", ids[0])
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
    metadata = merged_metadata(life.metadata, given.get("metadata"))
    life = lives.labelled(life, metadata)
    step = Step(life, now, ("customer.subscription.updated",))
    return billing.subscription(await _take([step], checkout, sandbox))


async def cancel_subscription(
    sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject
) -> JsonObject:
    """Cancel a subscription at once."""
    checkout = await subscribed("subscription", ids[0])
    life = billing.life_of(checkout)
    if life.ended_at is not None:
        raise no_such("subscription", ids[0])
    step = lives.canceled(life, await _now(sandbox))
    return billing.subscription(await _take([step], checkout, sandbox))


async def resume_subscription(
    sandbox: Sandbox, ids: tuple[str, ...], given: JsonObject
) -> JsonObject:
    """Let a paused subscription go on."""
    checkout = await subscribed("subscription", ids[0])
    life = billing.life_of(checkout)
    if life.status != "paused":
        raise StripeRefused(f"The subscription is {life.status}: it is not paused.", began=True)
    step = lives.resumed(life, await _now(sandbox))
    return billing.subscription(await _take([step], checkout, sandbox))


async def advance(checkout: SandboxCheckout, until: int, sandbox: Sandbox) -> SandboxCheckout:
    """Let happen to one subscription what does by itself until a time."""
    steps = list(lives.lived(billing.life_of(checkout), until))
    return await _take(steps, checkout, sandbox) if steps else checkout


async def _take(steps: list[Step], checkout: SandboxCheckout, sandbox: Sandbox) -> SandboxCheckout:
    """Keep what happened, and report each step by its events."""
    life = steps[-1].life
    found_by = [*checkout.object_ids, *(one.id for one in life.invoices)]
    changes = {
        "more": checkout.more | {"subscription": lives.kept(life)},
        "object_ids": list(dict.fromkeys(found_by)),
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


def _refuse_ended(life: Life) -> None:
    if life.ended_at is not None:
        message = "A canceled subscription can only update its cancellation_details and metadata."
        raise StripeRefused(message, began=True)


async def every_subscribed() -> list[SandboxCheckout]:
    """Return the checkouts of all subscriptions, the newest first."""
    return (await repository.subscriptions(MOST_LOOKED_AT))[::-1]


async def _now(sandbox: Sandbox) -> int:
    """Return the time of the subscriptions: the latest that a clock was moved to, if later."""
    clock = await clocks.latest_clock()
    now = render.unix(sandbox.clock.now())
    return max(now, clock.frozen_time) if clock is not None else now


async def subscribed(kind: str, object_id: str) -> SandboxCheckout:
    """Return the checkout of a subscription, or of an invoice. Raises `StripeRefused`."""
    checkout = await repository.find_by_object(object_id)
    if checkout is None or checkout.status is not CheckoutStatus.PAID:
        raise no_such(kind, object_id)
    return checkout
