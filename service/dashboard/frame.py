"""The frame that the dashboard's pages share."""

from service.web.pages.assets import Assets
from service.web.pages.markup import Html, h
from service.web.pages.page import Link, Page

ASSETS = Assets("service.dashboard", "/dashboard/assets")


def frame(title: str, main: Html, token: str, *, live: bool = False, sandbox: bool = False) -> Page:
    """Put content into the frame. `token` belongs to the form that signs out."""
    signing_out = h(
        "form",
        h("input", type="hidden", name="token", value=token),
        h("button", "Sign out", class_="quiet"),
        method="post",
        action="/dashboard/logout",
    )
    played = (Link("/shop", "Shop"), Link("/sandbox/chaos", "Chaos"))
    return Page(
        title=title,
        main=main,
        links=(Link("/dashboard", "Sessions"), *(played if sandbox else ()), Link("/docs", "API")),
        styles=(ASSETS.url("dashboard.css"),),
        scripts=(ASSETS.url("live.js"),) if live else (),
        tools=signing_out,
        width="middle",
    )
