"""The pay page: what a customer could do at the provider, one button each."""

from service.web.pages.markup import Child, Html, h, join
from service.web.pages.page import Page
from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.pages.chaos_form import chaos_form
from tillgate_sandbox.pages.frame import frame
from tillgate_sandbox.pages.items import Item, items_of
from tillgate_sandbox.pages.views import CheckoutView
from tillgate_sandbox.pages.words import (
    DECLINES,
    DELAYED_METHODS,
    PROVIDERS,
    STANDINGS,
)
from tillgate_sandbox.states import CheckoutStatus, Happening, possible_now


def pay_page(checkout: SandboxCheckout, view: CheckoutView) -> Page:
    """Build the page of a checkout as it stands; its script keeps it so."""
    main = join(
        _bill(view, items_of(checkout)),
        h("noscript", h("p", "This page needs JavaScript.", class_="say warn")),
        h("p", id="said", class_="say", role="status", aria_live="polite"),
        _when(CheckoutStatus.OPEN, view, _open(view)),
        _when(CheckoutStatus.PROCESSING, view, _processing(view)),
        _when(CheckoutStatus.PAID, view, _paid(view)),
        _when(CheckoutStatus.EXPIRED, view, _expired(view)),
        _when(CheckoutStatus.FAILED, view, _over(CheckoutStatus.FAILED, view)),
        _when(CheckoutStatus.CANCELED, view, _over(CheckoutStatus.CANCELED, view)),
        _log(),
        _chaos(view),
    )
    return frame(f"Pay {view.price} {view.currency}", main, "pay.js", narrow=True)


def missing_page() -> Page:
    """Build the page of a checkout that nobody opened."""
    main = join(
        h("h1", "There is no such checkout"),
        h("p", "Nobody opened it here, or it was deleted after a week.", class_="lead"),
        h("p", h("a", "Go to the shop", class_="button", href="/shop")),
    )
    return frame("No such checkout", main, "pay.js", narrow=True)


def _bill(view: CheckoutView, items: list[Item]) -> Html:
    standing = STANDINGS[view.status]
    return h(
        "section",
        h(
            "div",
            h("p", f"{PROVIDERS[view.provider]}, played", class_="eyebrow"),
            h("span", standing.name, class_=f"badge {standing.tone}", id="status"),
            class_="row between",
        ),
        h(
            "h1",
            h("span", f"{view.price} {view.currency}", class_="price"),
        ),
        h("ul", [_line(item) for item in items], class_="items"),
        h(
            "p",
            "Checkout ",
            h("code", view.id),
            " of session ",
            h("a", h("code", view.session_id), href=f"/dashboard/sessions/{view.session_id}"),
            class_="soft small",
        ),
        class_="card bill",
        data_page=view.page_id,
    )


def _line(item: Item) -> Html:
    many = f" × {item.quantity}" if item.quantity != "1" else ""
    return h("li", h("span", item.name, many), h("span", item.price, class_="num soft"))


def _when(status: CheckoutStatus, view: CheckoutView, *children: Child) -> Html:
    """Give a part that shows in one state only."""
    return h(
        "section",
        children,
        class_="stack part",
        data_when=status.value,
        hidden=view.status is not status,
    )


def _button(text: str, happening: Happening, style: str = "", method: str | None = None) -> Html:
    return h(
        "button",
        text,
        type="button",
        disabled=True,  # until the script listens
        class_=f"wide {style}".strip(),
        data_happening=happening.value,
        data_method=method,
    )


def _open(view: CheckoutView) -> Html:
    code, name = DELAYED_METHODS[view.provider]
    return join(
        _button("Pay by card", Happening.PAID, "primary", "card"),
        _button(f"Pay by {name}, which takes days", Happening.DELAYED, "", code),
        _button("Authorize only; the service captures", Happening.AUTHORIZED, "", "card")
        if view.provider == "razorpay"
        else None,
        _decline(view),
        h("hr"),
        h(
            "div",
            _leave(view, "Abandon", "quiet"),
            h(
                "button",
                "Let it expire",
                type="button",
                disabled=True,
                class_="quiet",
                data_happening=Happening.EXPIRED.value,
            ),
            class_="row between",
        ),
    )


def _decline(view: CheckoutView) -> Html:
    options = [
        h("option", f"{code} ({meaning})", value=code)
        for code, meaning in DECLINES[view.provider].items()
    ]
    return h(
        "form",
        h("label", "Decline the payment", for_="decline", class_="eyebrow"),
        h(
            "div",
            h("select", options, id="decline", name="declineCode"),
            h("button", "Decline", class_="danger", disabled=True),
            class_="joined",
        ),
        id="declining",
        class_="stack",
        data_method="card",
    )


def _processing(view: CheckoutView) -> Html:
    return join(
        h("h2", "The bank is thinking"),
        h("p", STANDINGS[CheckoutStatus.PROCESSING].sentence, class_="soft"),
        _button("The money arrives", Happening.SETTLED, "primary"),
        _button("The bank refuses", Happening.BOUNCED, "danger"),
        h("hr"),
        _return(view, "Return to the shop meanwhile", "quiet"),
    )


def _paid(view: CheckoutView) -> Html:
    return join(
        h("h2", "Paid"),
        h("p", "", class_="soft", id="returning"),
        _return(view, "Return to the shop", "primary"),
        _button("Later: the customer disputes it", Happening.DISPUTED, "quiet danger")
        if Happening.DISPUTED in possible_now(CheckoutStatus.PAID, view.provider)
        else None,
    )


def _expired(view: CheckoutView) -> Html:
    return join(
        h("h2", "Expired"),
        h(
            "p",
            "Nobody can open this page any more at a real provider. A payment that was on its way "
            "can still succeed: the bank settles what the checkout has given up on.",
            class_="soft",
        ),
        _button("Pay all the same, late", Happening.PAID, "primary", "card"),
        _leave(view, "Back to the shop", "quiet wide"),
    )


def _over(status: CheckoutStatus, view: CheckoutView) -> Html:
    return join(
        h("h2", STANDINGS[status].name),
        h("p", STANDINGS[status].sentence, class_="soft"),
        _leave(view, "Back to the shop", "wide"),
    )


def _return(view: CheckoutView, text: str, style: str) -> Html:
    """Where no address is known, the page's own query names one; the script fills it in."""
    address = view.success_url
    return h(
        "a",
        text,
        class_=f"button wide {style}",
        href=address,
        data_goes="success",
        hidden=not address,
    )


def _leave(view: CheckoutView, text: str, style: str) -> Html:
    address = view.cancel_url or view.success_url
    return h(
        "a", text, class_=f"button {style}", href=address, data_goes="cancel", hidden=not address
    )


def _log() -> Html:
    return h(
        "section",
        h("h2", "What happened"),
        h("ol", id="attempts", class_="attempts"),
        h("p", id="deliveries", class_="soft small"),
        class_="stack",
        id="log",
        hidden=True,
    )


def _chaos(view: CheckoutView) -> Html:
    summary = "Let things go wrong with this checkout"
    return h(
        "details",
        h("summary", summary),
        chaos_form(view.chaos, own=view.page_id, is_own=view.has_own_chaos),
        class_="card",
    )
