"""The page that a reminder's link leads to, as it is shown."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from litestar import Response
from msgspec import Struct
from msgspec.structs import replace

from service.merchants.documents import FIRST_LANGUAGE, Merchant
from service.notifications.mail.operations import words
from service.notifications.mail.operations.compose import merchant_of
from service.providers.base import CheckoutScript
from service.providers.money import exponent
from service.recovery.errors import LinkOver, LinkRefused
from service.recovery.operations.links import PATH
from service.recovery.operations.pages import page_words
from service.recovery.operations.services import RecoveryServices
from service.recovery.sending.resume import PAYABLE, Offer
from service.sessions.checkouts.open import OpenCheckout
from service.sessions.documents import Session
from service.web.pages.assets import Assets
from service.web.pages.rendering import POLICY, Pages

ASSETS = Assets("service.recovery", f"{PATH}/assets")
PAGES = Pages(ASSETS)


class Page(Struct, frozen=True):
    """What the page shows. `words` are those of its language; what is empty is not there.

    `minor` is the amount in minor units: that of the form, or of the checkout that is drawn.
    """

    lang: str
    merchant: str
    title: str
    says: str
    words: Mapping[str, str]
    item: str = ""
    quantity: str = ""
    amount: str = ""
    minor: int = 0
    currency: str = ""
    button: str = ""
    test: str = ""
    url: str = ""
    code: str = ""
    script: CheckoutScript | None = None
    order: str = ""
    back: str = ""


def show_refusal(error: LinkRefused) -> Response[str]:
    """Answer a link that can't be used."""
    kind, status_code = ("too_old", 410) if isinstance(error, LinkOver) else ("wrong", 400)
    return PAGES.show("resume.html", status_code=status_code, page=_page(None, kind))


async def show_offer(
    found: Offer, services: RecoveryServices, *, trouble: str = "", status_code: int = 200
) -> Response[str]:
    """Show what a link leads to; `trouble` says why nothing could be opened just now."""
    session = found.session
    if session is None:
        return PAGES.show("resume.html", status_code=404, page=_page(None, found.standing))
    merchant = await merchant_of(session.merchant_id, services.mail)
    page = _page(merchant, found.standing)
    if found.standing in PAYABLE:
        page = replace(
            page,
            says=page.words[trouble] if trouble else _with_price(page.says, session, merchant),
            item=session.title or session.plan or session.event_id or "",
            quantity=str(session.quantity) if session.quantity > 1 else "",
            amount=_written(found.amount, session, merchant),
            minor=found.amount,
            button=page.words["button"],
            test=page.words["test"] if session.live is False else "",
        )
    return PAGES.show("resume.html", status_code=status_code, page=page)


async def show_checkout(opened: OpenCheckout, services: RecoveryServices) -> Response[str]:
    """Lead on to a checkout: by its address, its code, or the script that draws it."""
    session = opened.session
    merchant = await merchant_of(session.merchant_id, services.mail)
    page = _page(merchant, "going")
    if opened.script is None:
        says = page.words["scanned"] if opened.qr_code else page.says
        page = replace(page, says=says, url=opened.url or "", code=opened.qr_code or "")
        return PAGES.show("resume.html", page=page)
    page = replace(
        page,
        says=page.words["drawn"],
        script=opened.script,
        order=opened.ref or "",
        minor=session.amount,
        currency=session.currency,
        back=session.success_url or services.mail.public_url,
    )
    return PAGES.show("resume.html", policy=_policy_with(opened.script.url), page=page)


def _page(merchant: Merchant | None, kind: str) -> Page:
    """Return a page of a kind in its merchant's language, with nothing but words."""
    lang = merchant.language if merchant is not None else FIRST_LANGUAGE
    said = page_words(lang)
    name = merchant.name if merchant is not None else ""
    return Page(lang, name, said[f"{kind}_title"], said[kind], said)


def _with_price(says: str, session: Session, merchant: Merchant) -> str:
    return says.replace("{before}", _written(session.amount, session, merchant))


def _written(amount: int, session: Session, merchant: Merchant) -> str:
    places = exponent(session.provider, session.currency)
    spoken = words.language(merchant.language).format
    return words.money(amount, places, session.currency, spoken)


def _policy_with(script: str) -> str:
    """Return the policy of a page on which a provider's script draws its checkout."""
    parts = urlsplit(script)
    origin = f"{parts.scheme}://{parts.netloc}"
    site = ".".join((parts.hostname or "").split(".")[-2:])
    around = f"{origin} https://*.{site}" if parts.scheme == "https" else origin
    policy = POLICY.replace("script-src 'self'", f"script-src 'self' {around}")
    policy = policy.replace("connect-src 'self'", f"connect-src 'self' {around}")
    return f"{policy}; frame-src {around}"
