"""The shop's pages: choose and pay, wait for the payment, and a customer's own membership.

They hold no state: `static/shop.js` and its like do the work, as any frontend would.
"""

from collections.abc import Mapping, Sequence

from litestar import Response

from service.web.pages.assets import Assets
from service.web.pages.rendering import Pages
from tillgate_sandbox.shop.offers import Offer, PaymentOption

ASSETS = Assets("tillgate_sandbox.shop", "/shop/assets")
PAGES = Pages(ASSETS)


def shop_page(
    offers: Sequence[Offer], payment_options: Sequence[PaymentOption], meta: Mapping[str, str]
) -> Response[str]:
    """Show the page where one chooses and pays; `meta` is for its script."""
    return PAGES.show("shop.html", offers=offers, payment_options=payment_options, meta=meta)


def return_page(meta: Mapping[str, str]) -> Response[str]:
    """Show the page where a customer comes back to; its script fills it."""
    return PAGES.show("return.html", meta=meta)


def membership_page(
    offers: Sequence[Offer], payment_options: Sequence[PaymentOption], meta: Mapping[str, str]
) -> Response[str]:
    """Show the page of a customer's subscription; its script fills it."""
    return PAGES.show("membership.html", offers=offers, payment_options=payment_options, meta=meta)
