"""What the shop sells, at the catalog's prices."""

import json

from msgspec import Struct, field

from service.catalog.operations.prices import list_catalog
from service.core.money import exponent, to_major
from service.core.principal import DEFAULT_MERCHANT
from service.providers.base import CheckoutMode
from service.providers.registry import ProviderName, every_traits


class Offer(Struct, frozen=True):
    """Something to buy. `named_by` is the field of the call that names it: `eventId` or `plan`.

    `prices` are of one unit, by currency, in major units. Only a ticket can be bought twice.
    """

    item: str
    named_by: str
    title: str
    story: str
    picture: str
    prices: dict[str, str] = field(default_factory=dict)

    @property
    def written_prices(self) -> str:
        """Return the prices as the page's script reads them."""
        return json.dumps(self.prices)

    @property
    def counted(self) -> bool:
        """Return whether there may be several of it."""
        return self.named_by == "eventId"


_SHELF = (
    Offer(
        "event_456",
        "eventId",
        "One evening",
        "Chamber music under paper lanterns. Doors open at seven, soup is included.",
        "ticket.svg",
    ),
    Offer(
        "basic",
        "plan",
        "Basic, a month",
        "Every recording of the hall, to hear at home whenever you like.",
        "basic.svg",
    ),
    Offer(
        "premium",
        "plan",
        "Premium, a month",
        "All recordings, a seat at every evening, and a friend comes along.",
        "premium.svg",
    ),
)


class PaymentOption(Struct, frozen=True):
    """A provider to pay with, in which currency, and what the customer may expect of it."""

    provider: ProviderName
    title: str
    hint: str
    currency: str


def payment_options(
    available: frozenset[str], default_currency: str, mode: CheckoutMode = "payment"
) -> list[PaymentOption]:
    """Return the providers that have credentials and open such checkouts."""
    return [
        PaymentOption(one.name, one.title, one.hint, one.usual_currency or default_currency)
        for one in every_traits()
        if one.name in available and mode in one.modes
    ]


async def offers() -> list[Offer]:
    """Return what is on the shelf, with the prices that the catalog has for it."""
    prices, _ = await list_catalog(DEFAULT_MERCHANT)
    return [
        Offer(
            offer.item,
            offer.named_by,
            next((it.title for it in prices if it.item == offer.item and it.title), offer.title),
            offer.story,
            offer.picture,
            {
                it.currency: to_major(it.amount, exponent(it.currency))
                for it in prices
                if it.item == offer.item
            },
        )
        for offer in _SHELF
    ]
