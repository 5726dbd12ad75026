"""The chaos page: the standing rule, and the checkouts that were opened last."""

from service.web.pages.markup import Html, h, join
from service.web.pages.page import Page
from tillgate_sandbox.chaos import Chaos
from tillgate_sandbox.pages.chaos_form import chaos_form
from tillgate_sandbox.pages.frame import frame
from tillgate_sandbox.pages.views import CheckoutView
from tillgate_sandbox.pages.words import FAULTS, PROVIDERS, STANDINGS


def chaos_page(standing: Chaos, checkouts: list[CheckoutView]) -> Page:
    """Build the page."""
    main = join(
        h(
            "div",
            h("h1", "Chaos"),
            h(
                "p",
                "What goes wrong between the provider and this service, on purpose. The rule holds "
                "for every checkout that has no faults of its own; a seed repeats a run.",
                class_="lead",
            ),
            class_="stack",
        ),
        h("section", h("h2", "Standing rule"), chaos_form(standing), class_="card"),
        h("section", h("h2", "Latest checkouts"), _table(checkouts), class_="card"),
    )
    return frame("Chaos", main, "chaos.js")


def _table(checkouts: list[CheckoutView]) -> Html:
    if not checkouts:
        return h(
            "p", "None yet. ", h("a", "Buy something in the shop", href="/shop"), ".", class_="soft"
        )
    head = h("tr", [h("th", name, scope="col") for name in _COLUMNS])
    return h(
        "div",
        h("table", h("thead", head), h("tbody", map(_row, checkouts))),
        class_="scroll",
        tabindex="0",
        role="region",
        aria_label="Latest checkouts",
    )


_COLUMNS = ("Session", "Provider", "Amount", "State", "Faults", "Pay page")


def _row(view: CheckoutView) -> Html:
    standing = STANDINGS[view.status]
    faults = "standing rule"
    if view.has_own_chaos:
        faults = ", ".join(FAULTS[fault][0] for fault in view.chaos.faults) or "none"
    session = h("a", h("code", view.session_id), href=f"/dashboard/sessions/{view.session_id}")
    return h(
        "tr",
        h("td", session),
        h("td", PROVIDERS[view.provider]),
        h("td", f"{view.price} {view.currency}", class_="num"),
        h("td", h("span", standing.name, class_=f"badge {standing.tone}")),
        h("td", faults, class_="soft long"),
        h("td", h("a", "Open", href=f"/sandbox/pay/{view.page_id}")),
    )
