"""The page that a reminder's link leads to: a button, and behind it the checkout."""

from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.params import QueryParameter

from service.core.errors import (
    Busy,
    Conflict,
    InvalidInput,
    ProviderFailed,
    ProviderUnreachable,
)
from service.recovery.controllers.showing import show_checkout, show_offer, show_refusal
from service.recovery.errors import LinkRefused
from service.recovery.operations.links import PATH, Link, read_link
from service.recovery.operations.services import RecoveryServices
from service.recovery.sending.resume import PAYABLE, Offer, Standing, offer, resume
from service.web.authentication import PUBLIC, AnyRequest
from service.web.forms import read_form
from service.web.logs.clients import client_of

Token = Annotated[str, QueryParameter(name="t", max_length=1000)]


def recovering_of(request: AnyRequest) -> RecoveryServices:
    """Return what all of recovery shares, from the application's state."""
    services: RecoveryServices = request.app.state.recovering
    return services


class ResumePage(Controller):
    """What somebody finds who follows a reminder's link."""

    path = PATH
    opt = {PUBLIC: True}
    include_in_schema = False

    @get("/")
    async def ask(self, request: AnyRequest, t: Token = "") -> Response[str]:
        """Show what was left and a button: programs that check mail follow links."""
        services = recovering_of(request)
        try:
            found = await offer(_link(t, services), client_of(request.scope), services)
        except LinkRefused as error:
            return show_refusal(error)
        return await show_offer(found, services)

    @post("/", status_code=200)
    async def go_on(self, request: AnyRequest, t: Token = "") -> Response[str]:
        """Open the checkout and lead there; at another price than was shown, show that first."""
        services, client = recovering_of(request), client_of(request.scope)
        try:
            found = await offer(_link(t, services), client, services)
        except LinkRefused as error:
            return show_refusal(error)
        shown = read_form(await request.body()).get("amount")
        if found.standing not in PAYABLE or shown != str(found.amount):
            return await show_offer(found, services)
        try:
            opened = await resume(found, client, services)
        except (ProviderFailed, ProviderUnreachable, Busy):
            return await show_offer(found, services, trouble="again", status_code=503)
        except (Conflict, InvalidInput):
            # It may have been paid meanwhile: what is said of it is looked at once more.
            now = await offer(_link(t, services), client, services)
            over = Offer(Standing.OVER, now.session)
            return await show_offer(over if now.standing in PAYABLE else now, services)
        if opened is None:
            return await show_offer(found, services)
        return await show_checkout(opened, services)


def _link(token: str, services: RecoveryServices) -> Link:
    return read_link(token, services.clock.now(), services.mail)
