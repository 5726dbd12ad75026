"""The pay page: what a customer could do at the provider, one button each."""

from litestar import Response

from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.pages.chaos_form import chaos_form
from tillgate_sandbox.pages.frame import PAGES
from tillgate_sandbox.pages.items import items_of
from tillgate_sandbox.pages.views import CheckoutView
from tillgate_sandbox.pages.words import DECLINES, DELAYED_METHODS, LATER, PROVIDERS, STANDINGS
from tillgate_sandbox.states import CheckoutStatus, possible_now


def pay_page(checkout: SandboxCheckout, view: CheckoutView) -> Response[str]:
    """Show the page of a checkout; its script keeps it up to date."""
    had = possible_now(CheckoutStatus.PAID, view.provider)
    code, name = DELAYED_METHODS[view.provider]
    return PAGES.show(
        "pay.html",
        view=view,
        provider=PROVIDERS[view.provider],
        items=items_of(checkout),
        delayed={"code": code, "name": name},
        declines=DECLINES[view.provider],
        standings=STANDINGS,
        later={one: text for one, text in LATER.items() if one in had},
        form=chaos_form(view.chaos, own=view.page_id, is_own=view.has_own_chaos),
    )


def missing_page() -> Response[str]:
    """Show the page of a checkout that does not exist."""
    return PAGES.show("missing.html", status_code=404)
