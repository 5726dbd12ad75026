"""A whole page: its head, its frame, and the policy under which a browser shows it."""

from dataclasses import dataclass, field
from typing import Literal

from litestar import MediaType, Response

from service.web.pages.assets import SHARED
from service.web.pages.markup import Child, Html, h, join

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""No inline script or style, nothing from elsewhere. `data:` is for QR codes."""


@dataclass(frozen=True, slots=True)
class Link:
    """An entry of a page's navigation."""

    address: str
    text: str


@dataclass(frozen=True, slots=True)
class Page:
    """What stands in a page. `scripts` are modules, `meta` is what they are told.

    `notice` stands above everything, for what must not be taken for real.
    """

    title: str
    main: Html
    place: str = "Tillgate"
    home: str = "/dashboard"
    links: tuple[Link, ...] = ()
    styles: tuple[str, ...] = ()
    scripts: tuple[str, ...] = ()
    meta: dict[str, str] = field(default_factory=dict)
    notice: str | None = None
    width: Literal["narrow", "middle", "wide"] = "wide"
    tools: Child = None


def show(page: Page, *, status: int = 200) -> Response[str]:
    """Answer with a page. It is never kept: it shows a state that changes."""
    return Response(
        f"<!doctype html>\n{_document(page)}\n",
        status_code=status,
        media_type=MediaType.HTML,
        headers={"Content-Security-Policy": POLICY, "Cache-Control": "no-store"},
    )


def _document(page: Page) -> Html:
    return h("html", _head(page), _body(page), lang="en")


def _head(page: Page) -> Html:
    styles = (SHARED.url("page.css"), *page.styles)
    return h(
        "head",
        h("meta", charset="utf-8"),
        h("meta", name="viewport", content="width=device-width, initial-scale=1"),
        h("meta", name="color-scheme", content="light dark"),
        [h("meta", name=f"tillgate-{name}", content=text) for name, text in page.meta.items()],
        h("title", f"{page.title} · {page.place}"),
        h("link", rel="icon", type="image/svg+xml", href=SHARED.url("mark.svg")),
        [h("link", rel="stylesheet", href=address) for address in styles],
        [h("script", type="module", src=address) for address in page.scripts],
    )


def _body(page: Page) -> Html:
    header = h(
        "header",
        h(
            "div",
            h(
                "a",
                h("img", src=SHARED.url("mark.svg"), alt="", width=26, height=26),
                h("span", page.place),
                class_="brand",
                href=page.home,
            ),
            h(
                "nav",
                [h("a", link.text, href=link.address) for link in page.links],
                page.tools,
                aria_label="Pages",
            )
            if page.links or page.tools
            else None,
            class_="bar",
        ),
        class_="top",
    )
    notice = h("p", page.notice, class_="notice", role="note") if page.notice else None
    skip = h("a", "Skip to the content", class_="skip", href="#main")
    main = h("main", page.main, id="main", class_=page.width, tabindex="-1")
    return h("body", join(skip, notice, header, main))
