"""What a checkout is for, read from the parameters that it was opened with. Pure."""

from msgspec import Struct

from service.core.strict_json import JsonObject, JsonValue
from service.providers.money import to_major
from tillgate_sandbox.documents import SandboxCheckout

_MOST = 20


class Item(Struct, frozen=True):
    """One line. `price` is in major units, None if the provider is not sent one."""

    name: str
    quantity: str = "1"
    price: str | None = None


def items_of(checkout: SandboxCheckout) -> list[Item]:
    """Return the lines of a checkout; each provider gets them in another form, some not at all."""
    request = checkout.request
    lines = [_stripe_item(line, checkout) for line in _listed(request.get("line_items"))]
    if lines:
        return lines[:_MOST]
    notes = _object(request.get("notes"))
    for sent in (request.get("description"), notes.get("plan"), request.get("receipt")):
        if isinstance(sent, str) and sent:
            return [Item(sent)]
    return [Item(f"Order {checkout.session_id}")]


def _stripe_item(line: JsonObject, checkout: SandboxCheckout) -> Item:
    data = _object(line.get("price_data"))
    name = _object(data.get("product_data")).get("name") or line.get("price") or "Item"
    unit = data.get("unit_amount")
    price = None
    if isinstance(unit, int | str) and str(unit).isdecimal():
        price = f"{to_major(int(unit), checkout.provider, checkout.currency)} {checkout.currency}"
    return Item(str(name), str(line.get("quantity") or 1), price)


def _listed(value: JsonValue) -> list[JsonObject]:
    """Return a list's items; some parsers turn form-encoded `line_items[0][…]` into an object."""
    if isinstance(value, dict):
        value = list(value.values())
    return [_object(one) for one in value] if isinstance(value, list) else []


def _object(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}
