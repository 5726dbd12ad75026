"""What a Checkout session is for: its line items, with their prices and products.

https://docs.stripe.com/api/checkout/sessions/line_items. Neither prices nor products are kept: both
are made of the parameters of the session, or, for a price of the sandbox, of its id.
"""

from service.core.ids import digest
from service.core.strict_json import JsonObject
from service.providers.reading import entries, inner, text
from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.lives import cost_of
from tillgate_sandbox.stripe.render import derived_id, unix

PRODUCT = "prod_"


def line_items(checkout: SandboxCheckout) -> list[JsonObject]:
    """Render the line items, in the order in which they were given."""
    return [
        _line_item(checkout, place, item)
        for place, item in enumerate(entries(checkout.request, "line_items"))
    ]


def price(price_id: str, *, recurs: bool = True) -> JsonObject:
    """Render a price of the sandbox: what it costs stands in its id."""
    amount, currency = cost_of(price_id)
    recurring = recurring_by("month") if recurs else None
    return _price(price_id, amount, currency, product_id_of(price_id), recurring)


def product_id_of(price_id: str) -> str:
    """Return the product of a price of the sandbox: the words after its currency."""
    return f"{PRODUCT}sandbox_{_name(price_id)}"


def product_ids(checkout: SandboxCheckout) -> list[str]:
    """Return the ids of the products that a session makes, by which it is found."""
    return [
        _own_product(checkout, place)
        for place, item in enumerate(entries(checkout.request, "line_items"))
        if text(item, "price") is None and text(inner(item, "price_data"), "product") is None
    ]


def product(product_id: str, checkout: SandboxCheckout | None) -> JsonObject | None:
    """Render a product: of the sandbox, or one that a session made; None if there is none."""
    if product_id.startswith(f"{PRODUCT}sandbox_"):
        return _product(product_id, {"name": product_id.removeprefix(f"{PRODUCT}sandbox_")}, 0)
    if checkout is None:
        return None
    for place, item in enumerate(entries(checkout.request, "line_items")):
        if _own_product(checkout, place) == product_id:
            told = inner(item, "price_data", "product_data")
            return _product(product_id, told, unix(checkout.created_at))
    return None


def recurring_by(interval: str) -> JsonObject:
    """Render how often a price is due."""
    return {
        "interval": interval,
        "interval_count": 1,
        "meter": None,
        "trial_period_days": None,
        "usage_type": "licensed",
    }


def _line_item(checkout: SandboxCheckout, place: int, item: JsonObject) -> JsonObject:
    recurs = checkout.request.get("mode") == "subscription"
    price_id = text(item, "price")
    of = price(price_id, recurs=recurs) if price_id else _inline(checkout, place, item)
    quantity = int(text(item, "quantity") or "1")
    unit = of["unit_amount"]
    # A trial asks for nothing yet.
    total = unit * quantity if isinstance(unit, int) and checkout.amount else 0
    told = product(str(of["product"]), checkout)
    return {
        "id": f"li_1{digest(f'{checkout.id}:{place}')[:23]}",
        "object": "item",
        "adjustable_quantity": None,
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": of["currency"],
        "description": told["name"] if told else None,
        "metadata": {},
        "price": of,
        "quantity": quantity,
    }


def _inline(checkout: SandboxCheckout, place: int, item: JsonObject) -> JsonObject:
    data = inner(item, "price_data")
    recurring = inner(data, "recurring")
    made = {
        **_price(
            f"price_1{digest(f'{checkout.id}:price:{place}')[:23]}",
            int(text(data, "unit_amount") or "0"),
            (text(data, "currency") or "").lower(),
            text(data, "product") or _own_product(checkout, place),
            recurring_by(text(recurring, "interval") or "month") if recurring else None,
        ),
        # Made for this session alone: it can't be sold again.
        "active": False,
    }
    return made | {"created": unix(checkout.created_at)}


def _price(
    price_id: str, amount: int, currency: str, product_id: str, recurring: JsonObject | None
) -> JsonObject:
    return {
        "id": price_id,
        "object": "price",
        "active": True,
        "billing_scheme": "per_unit",
        "created": 0,
        "currency": currency,
        "custom_unit_amount": None,
        "livemode": False,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": product_id,
        "recurring": recurring,
        "tax_behavior": "unspecified",
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "recurring" if recurring else "one_time",
        "unit_amount": amount,
        "unit_amount_decimal": str(amount),
    }


def _product(product_id: str, told: JsonObject, created: int) -> JsonObject:
    return {
        "id": product_id,
        "object": "product",
        "active": True,
        "created": created,
        "default_price": None,
        "description": text(told, "description"),
        "images": told.get("images") or [],
        "livemode": False,
        "marketing_features": [],
        "metadata": inner(told, "metadata"),
        "name": text(told, "name"),
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": text(told, "tax_code"),
        "tax_details": None,
        "type": "service",
        "unit_label": text(told, "unit_label"),
        "updated": created,
        "url": None,
    }


def _own_product(checkout: SandboxCheckout, place: int) -> str:
    return derived_id(checkout, PRODUCT, 10) + f"{place:04d}"


def _name(price_id: str) -> str:
    words = price_id.split("_", 4)
    return words[4] if len(words) > 4 else "price"
