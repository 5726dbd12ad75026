"""The mailbox over HTTP. Development only: nobody is asked for a key."""

from typing import Annotated

from litestar import MediaType, Response, Router, get
from litestar.params import PathParameter

from service.core.errors import NotFound
from service.core.words import moment
from service.web.authentication import PUBLIC
from service.web.limits.rate_limits import UNLIMITED
from service.web.pages.assets import Assets
from service.web.pages.rendering import POLICY, Pages
from tillgate_sandbox.mailbox import repository
from tillgate_sandbox.mailbox.documents import SandboxMail

ASSETS = Assets("tillgate_sandbox.mailbox", "/sandbox/mailbox")
PAGES = Pages(ASSETS)

# The page may show a mail in a frame; a mail may show pictures and inline styles, and do nothing.
_WITH_FRAME = f"{POLICY}; frame-src 'self'"
_OF_A_MAIL = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; "
    "sandbox; frame-ancestors 'self'; base-uri 'none'; form-action 'none'"
)
_SHOWN = 100

MailId = Annotated[str, PathParameter(pattern=r"^[A-Za-z0-9_-]{1,60}$")]


@get("/sandbox/mail")
async def mails() -> Response[str]:
    """List what was mailed last."""
    return PAGES.show("mails.html", mails=await repository.latest(_SHOWN), moment=moment)


@get("/sandbox/mail/{mail_id:str}")
async def show(mail_id: MailId) -> Response[str]:
    """Show one mail: its HTML in a frame that can do nothing, and its plain text."""
    found = await _needed(mail_id)
    return PAGES.show("mail.html", policy=_WITH_FRAME, mail=found, at=moment(found.at))


@get("/sandbox/mail/{mail_id:str}/html")
async def html(mail_id: MailId) -> Response[str]:
    """Return the HTML of a mail as it came."""
    return Response(
        (await _needed(mail_id)).html,
        media_type=MediaType.HTML,
        headers={"Content-Security-Policy": _OF_A_MAIL, "X-Frame-Options": "SAMEORIGIN"},
    )


def mailbox_routes() -> Router:
    """Build the routes. `SHARED.route()` must be mounted besides."""
    return Router(
        "/",
        route_handlers=[mails, show, html, ASSETS.route()],
        opt={PUBLIC: True, UNLIMITED: True},
        include_in_schema=False,
    )


async def _needed(mail_id: str) -> SandboxMail:
    found = await repository.find(mail_id)
    if found is None:
        raise NotFound("There is no such mail in the mailbox.")
    return found
