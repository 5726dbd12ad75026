"""The shop's two pages: choose and pay, and wait for the payment.

They hold no state: `static/shop.js` and `static/return.js` do the work, as any frontend would.
"""

import json

from service.web.pages.assets import Assets
from service.web.pages.markup import Html, h, join
from service.web.pages.page import Link, Page
from tillgate_sandbox.shop.offers import Offer, Till

ASSETS = Assets("tillgate_sandbox.shop", "/shop/assets")

_LINKS = (Link("/sandbox/chaos", "Chaos"), Link("/dashboard", "Dashboard"))
_NOTICE = "A demo shop. The providers are played by the sandbox; no money moves."


def shop_page(offers: list[Offer], tills: list[Till], meta: dict[str, str]) -> Page:
    """Build the page where one chooses and pays."""
    main = join(
        h(
            "div",
            h("p", "Lantern Hall", class_="eyebrow"),
            h("h1", "Quiet music, warm light"),
            h(
                "p",
                "Sixty seats by the river. Choose an evening, or take the hall home.",
                class_="lead",
            ),
            class_="stack hero",
        ),
        h(
            "form",
            h("div", _offers(offers), _details(), class_="stack wares"),
            _summary(tills),
            id="order",
            class_="shop",
            novalidate=True,
        ),
        h("noscript", h("p", "The checkout needs JavaScript.", class_="say warn")),
    )
    return _framed("Shop", main, "shop.js", meta)


def return_page(meta: dict[str, str]) -> Page:
    """Build the page where a customer comes back to; its script fills it."""
    main = join(
        h(
            "section",
            h("div", h("div", class_="spinner"), id="sign", class_="sign", aria_hidden="true"),
            h("h1", "One moment", id="headline", tabindex="-1"),
            h("p", "Your order is being looked up.", id="words", class_="lead"),
            h("div", id="code", class_="code", hidden=True),
            h("dl", id="facts", class_="facts receipt", hidden=True),
            h("div", id="actions", class_="actions"),
            h("p", id="problem", class_="say bad", role="alert"),
            class_="card waiting",
            id="state",
            data_status="loading",
        ),
        h("p", id="live", class_="unseen", role="status", aria_live="polite"),
        h("p", id="behind", class_="soft small centred"),
        h("noscript", h("p", "This page needs JavaScript.", class_="say warn")),
    )
    return _framed("Your order", main, "return.js", meta, narrow=True)


def _framed(
    title: str, main: Html, script: str, meta: dict[str, str], narrow: bool = False
) -> Page:
    return Page(
        title=title,
        main=main,
        place="Lantern Hall",
        home="/shop",
        links=_LINKS,
        styles=(ASSETS.url("shop.css"),),
        scripts=(ASSETS.url(script),),
        meta=meta,
        notice=_NOTICE,
        width="narrow" if narrow else "wide",
    )


def _offers(offers: list[Offer]) -> Html:
    return h(
        "fieldset",
        h("legend", "What would you like?"),
        h("div", [_offer(offer, first=n == 0) for n, offer in enumerate(offers)], class_="offers"),
    )


def _offer(offer: Offer, *, first: bool) -> Html:
    radio = h(
        "input",
        type="radio",
        name="item",
        value=offer.item,
        checked=first,
        disabled=not offer.prices,
        data_field=offer.named_by,
        data_title=offer.title,
        data_prices=json.dumps(offer.prices),
        data_counted=offer.counted,
    )
    words = h(
        "span",
        h("b", offer.title),
        h("small", offer.story),
        h(
            "span",
            "" if offer.prices else "Has no price in the catalog",
            class_="tag num",
            data_price=offer.item,
        ),
    )
    picture = h("img", src=ASSETS.url(offer.picture), alt="", width=320, height=180)
    return h("label", picture, h("span", radio, words, class_="pick"), class_="choice offer")


def _details() -> Html:
    return h(
        "fieldset",
        h("legend", "Your details"),
        h(
            "div",
            _field(
                "email",
                "Email",
                "for the receipt",
                type="email",
                autocomplete="email",
                required=True,
            ),
            _field(
                "quantity",
                "Seats",
                "one to ten",
                type="number",
                min=1,
                max=10,
                value=1,
                inputmode="numeric",
            ),
            _field("couponCode", "Coupon", "try WELCOME10", autocomplete="off"),
            class_="details",
        ),
    )


def _field(name: str, label: str, hint: str, **attributes: str | int | bool) -> Html:
    return h(
        "div",
        h("label", label, " ", h("span", hint, class_="hint"), for_=name),
        h("input", id=name, name=name, aria_describedby=f"{name}-wrong", **attributes),
        h("p", id=f"{name}-wrong", class_="wrong"),
        class_="field",
        data_field_of=name,
    )


def _summary(tills: list[Till]) -> Html:
    return h(
        "aside",
        h(
            "fieldset",
            h("legend", "Pay with"),
            h("div", [_till(till, first=n == 0) for n, till in enumerate(tills)], class_="tills"),
        ),
        h("hr"),
        h(
            "div",
            h("p", id="chosen", class_="soft"),
            h("p", id="total", class_="price"),
            class_="stack",
            role="status",
        ),
        h("button", "Continue to payment", class_="primary wide", id="pay", disabled=True),
        h("p", id="problem", class_="say bad", role="alert"),
        h(
            "p",
            "The server decides the price, and the order is opened at the one that stands here.",
            class_="soft small",
        ),
        class_="card summary",
        aria_label="Payment",
    )


def _till(till: Till, *, first: bool) -> Html:
    radio = h(
        "input",
        type="radio",
        name="provider",
        value=till.provider,
        checked=first,
        data_currency=till.currency,
    )
    return h("label", radio, h("span", h("b", till.title), h("small", till.hint)), class_="choice")
