"""What every page behind the login begins with: who reads it, its frame, what was last done."""

from collections.abc import Mapping, Sequence

from litestar.di import NamedDependency
from litestar.params import SkipValidation
from litestar.response import Redirect
from msgspec import Struct

from service.dashboard.login.controllers import token_of
from service.dashboard.login.services import LoginServices
from service.extension import ExtensionPage, Mounted
from service.web.authentication import AnyRequest

TheExtension = NamedDependency[SkipValidation[Mounted | None]]


class Frame(Struct, frozen=True):
    """What every page is given: the token of its forms, and an extension's pages and kinds."""

    token: str
    pages: Sequence[ExtensionPage] = ()
    kinds: Mapping[str, str] = {}


def frame_of(request: AnyRequest, login: LoginServices, extension: Mounted | None) -> Frame:
    """Return the frame of a reader's page."""
    token = token_of(request, login)
    return Frame(token, extension.pages, extension.kinds) if extension is not None else Frame(token)


def to_login(following: str) -> Redirect:
    """Lead to the login, and from there to the page that was asked for."""
    return Redirect(f"/dashboard/login?next={following}", status_code=303)
