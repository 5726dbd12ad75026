"""Stripe's `expand[]`: an object instead of its id (https://docs.stripe.com/expand).

Which property leads to what stands in one table: a wrong path is refused before anything is done.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from service.core.strict_json import JsonObject, JsonValue
from tillgate_sandbox import repository
from tillgate_sandbox.stripe import billing, render
from tillgate_sandbox.stripe.charges import the_charge
from tillgate_sandbox.stripe.items import line_items, product
from tillgate_sandbox.stripe.paid import the_payment
from tillgate_sandbox.stripe.refusals import StripeRefused, no_such
from tillgate_sandbox.stripe.shapes import complete
from tillgate_sandbox.stripe.subscriptions import subscribed

_DEEPEST = 4

_LEADS_TO: Mapping[str, Mapping[str, str]] = {
    "checkout.sessions": {"data": "checkout.session"},
    "checkout.session": {
        "customer": "customer",
        "invoice": "invoice",
        "line_items": "items",
        "payment_intent": "payment_intent",
        "subscription": "subscription",
    },
    "items": {"data": "item"},
    "item": {"price": "price"},
    "price": {"product": "product"},
    "payment_intents": {"data": "payment_intent"},
    "payment_intent": {"customer": "customer", "latest_charge": "charge"},
    "charges": {"data": "charge"},
    "charge": {"customer": "customer", "payment_intent": "payment_intent", "refunds": "refunds"},
    "refunds": {"data": "refund"},
    "refund": {"charge": "charge", "payment_intent": "payment_intent"},
    "disputes": {"data": "dispute"},
    "dispute": {"charge": "charge", "payment_intent": "payment_intent"},
    "subscriptions": {"data": "subscription"},
    "subscription": {
        "customer": "customer",
        "items": "subscription_items",
        "latest_invoice": "invoice",
    },
    "subscription_items": {"data": "subscription_item"},
    "subscription_item": {"price": "price"},
    "invoices": {"data": "invoice"},
    "invoice": {"customer": "customer", "payments": "invoice_payments"},
    "invoice_payments": {"data": "invoice_payment"},
    "invoice_payment": {"invoice": "invoice", "payment": "payment"},
    "payment": {"payment_intent": "payment_intent"},
}
"""Kind of object -> property -> kind of what is there; what is not named can't be expanded."""


def read_expands(given: JsonObject, kind: str) -> list[list[str]]:
    """Read the paths that an answer of a kind is to be expanded by. Raises `StripeRefused`."""
    asked = given.get("expand")
    if asked is None:
        return []
    if not isinstance(asked, list):
        raise StripeRefused("Invalid array", param="expand")
    return [_checked(path, kind) for path in asked if isinstance(path, str)]


async def expanded(answer: JsonObject, kind: str, paths: Sequence[Sequence[str]]) -> JsonObject:
    """Return an answer with objects in place of the ids that the paths lead to."""
    for path in paths:
        await _expand(answer, kind, path)
    return answer


def _checked(path: str, kind: str) -> list[str]:
    steps = path.split(".")
    if len(steps) > _DEEPEST:
        message = f"You cannot expand more than {_DEEPEST} levels of a property. Property: {path}"
        raise StripeRefused(message, param="expand")
    for place, step in enumerate(steps):
        following = _LEADS_TO.get(kind, {}).get(step)
        if following is None:
            raise StripeRefused(_no_way(steps, place, kind), param="expand")
        kind = following
    return steps


def _no_way(steps: Sequence[str], place: int, kind: str) -> str:
    said = f"This property cannot be expanded ({steps[place]})."
    if place == 0 and steps[0] in _LEADS_TO.get(_LEADS_TO.get(kind, {}).get("data", ""), {}):
        said += f" You may want to try expanding 'data.{steps[0]}' instead."
    return said


async def _expand(value: JsonObject, kind: str, path: Sequence[str]) -> None:
    """Walk on from an object, by one step; at an object that is there already nothing changes."""
    name, following = path[0], _LEADS_TO[kind][path[0]]
    if isinstance(found := value.get(name), str) or name in _LEFT_OUT.get(kind, ()):
        object_id = found if isinstance(found, str) else str(value["id"])
        value[name] = await _LOADED[following](object_id)
    inside = value.get(name)
    for one in inside if isinstance(inside, list) else [inside]:
        if isinstance(one, dict) and len(path) > 1:
            await _expand(one, following, path[1:])


# What is not even an id until it is asked for: it is loaded by the id of what it belongs to.
_LEFT_OUT: Mapping[str, tuple[str, ...]] = {
    "checkout.session": ("line_items",),
    "charge": ("refunds",),
    "invoice": ("payments",),
}


async def _intent(object_id: str) -> JsonObject:
    return render.payment_intent(*await the_payment(object_id))


async def _charge(object_id: str) -> JsonObject:
    return render.charge(*await the_charge(object_id))


async def _subscription(object_id: str) -> JsonObject:
    return billing.subscription(await subscribed("subscription", object_id))


async def _invoice(object_id: str) -> JsonObject:
    return billing.invoice(await subscribed("invoice", object_id), object_id)


async def _invoice_payments(invoice_id: str) -> JsonObject:
    paid = billing.invoice_payments(await subscribed("invoice", invoice_id))
    found: list[JsonValue] = [one for one in paid if one["invoice"] == invoice_id]
    return _listed(found, f"/v1/invoice_payments?invoice={invoice_id}")


async def _items(session_id: str) -> JsonObject:
    checkout = await repository.find_checkout(session_id)
    found: list[JsonValue] = [*line_items(checkout)] if checkout else []
    return _listed(found, f"/v1/checkout/sessions/{session_id}/line_items")


async def _refunds(charge_id: str) -> JsonObject:
    _, payment = await the_charge(charge_id)
    found: list[JsonValue] = [render.refund(payment, one) for one in reversed(payment.refunds)]
    return _listed(found, f"/v1/charges/{charge_id}/refunds")


async def _customer(object_id: str) -> JsonObject:
    """Render a customer: none is kept, so it is an id and nothing else."""
    return complete({"id": object_id, "object": "customer"})


async def _product(object_id: str) -> JsonObject:
    found = product(object_id, await repository.find_by_object(object_id))
    if found is None:
        raise no_such("product", object_id)
    return found


def _listed(data: list[JsonValue], url: str) -> JsonObject:
    return {"object": "list", "data": data, "has_more": False, "url": url}


_LOADED: Mapping[str, Callable[[str], Awaitable[JsonObject]]] = {
    "charge": _charge,
    "customer": _customer,
    "invoice": _invoice,
    "invoice_payments": _invoice_payments,
    "items": _items,
    "payment_intent": _intent,
    "product": _product,
    "refunds": _refunds,
    "subscription": _subscription,
}
