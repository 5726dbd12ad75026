"""What every page with buttons does: it lets the reader in, does what a form asks, says what came.

Who may see or do something here is who may by the routes of the API: their scopes are asked for.
"""

import secrets
from collections.abc import Awaitable, Callable, Collection
from typing import TypeAlias
from urllib.parse import quote

from litestar import Response
from litestar.di import NamedDependency
from litestar.params import SkipValidation
from litestar.response import Redirect
from msgspec import Struct

from service.core.errors import Conflict, Forbidden, InvalidInput, NotFound, ProviderFailed
from service.core.principal import AccessScope, Principal
from service.dashboard.frame import PAGES
from service.dashboard.login.controllers import reader_of
from service.dashboard.login.cookies import SIGN_IN, came_from_us
from service.dashboard.login.services import LoginServices, TheLogin
from service.dashboard.reading import Frame, TheExtension, frame_of, to_login
from service.dashboard.said import SAID, Said, said_before, say
from service.extension import Mounted
from service.web.authentication import AnyRequest, require
from service.web.pages.rendering import POLICY

OLD_FORM = Said("This form was old, and nothing was done. Please try again.", "bad")

Answer: TypeAlias = Response[str] | Redirect
Form: TypeAlias = dict[str, str]


class Desk(Struct, frozen=True):
    """What a page with buttons is given."""

    login: LoginServices
    extension: Mounted | None


TheDesk: TypeAlias = NamedDependency[SkipValidation[Desk]]


def provide_desk(login: TheLogin, extension: TheExtension) -> Desk:
    """Return what the handlers of such a page are given."""
    return Desk(login, extension)


class Sheet(Struct, frozen=True):
    """For whom a page is, in which frame, and what the act before it came to."""

    reader: Principal
    frame: Frame
    said: Said | None


async def page(
    request: AnyRequest,
    desk: Desk,
    needed: Collection[AccessScope],
    show: Callable[[Sheet], Awaitable[Answer]],
) -> Answer:
    """Show a page to a reader with the scopes; others are told which ones it takes."""
    reader = await reader_of(request, desk.login)
    if reader is None:
        query = f"?{request.url.query}" if request.url.query else ""
        return to_login(quote(f"{request.url.path}{query}", safe="/"))
    said = said_before(request, desk.login.jar)
    sheet = Sheet(reader, frame_of(request, desk.login, desk.extension), said)
    if not reader.scopes >= set(needed):
        return filled(sheet, "closed.html", status_code=403, needed=sorted(needed))
    answer = await show(sheet)
    if said is not None:
        answer.set_cookie(desk.login.jar.forget(SAID))
    return answer


def filled(sheet: Sheet, template: str, *, status_code: int = 200, **values: object) -> Answer:
    """Fill in the template of a page behind the login."""
    return PAGES.show(
        template,
        status_code=status_code,
        policy=POLICY,
        token=sheet.frame.token,
        pages=sheet.frame.pages,
        said=sheet.said,
        **values,
    )


async def act(
    request: AnyRequest,
    desk: Desk,
    needed: Collection[AccessScope],
    here: str,
    do: Callable[[Principal, Form], Awaitable[Said]],
) -> Answer:
    """Do what a form asks for, and lead back to the page, which says what it came to.

    What was refused is said there, too. Raises `Forbidden` for a reader without the scopes: the
    page has no such button.
    """
    reader, jar = await reader_of(request, desk.login), desk.login.jar
    if reader is None:
        return to_login(here)
    sent = await request.form()
    given = {name: value.strip() for name, value in sent.items() if isinstance(value, str)}
    if not came_from_us(request, jar.read(request, SIGN_IN), given.get("token")):
        sheet = Sheet(reader, frame_of(request, desk.login, desk.extension), OLD_FORM)
        return filled(sheet, "again.html", status_code=403, here=here)
    require(reader, *needed)
    try:
        said = await do(reader, given)
    except (Conflict, NotFound, InvalidInput, Forbidden, ProviderFailed) as error:
        said = Said(error.message, "bad")
    return Redirect(here, status_code=303, cookies=[say(said, request, jar)])


def drawn() -> str:
    """Draw what tells a form from all others: pressed twice, it is one act."""
    return secrets.token_urlsafe(16)
