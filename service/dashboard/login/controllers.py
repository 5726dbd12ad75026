"""Signing in and out over HTTP, and the reader of every other page."""

from typing import Annotated

import structlog
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation
from litestar.response import Redirect

from service.core.errors import Forbidden, Unauthenticated
from service.dashboard.login.cookies import BADGE, FORM, Cookies
from service.dashboard.login.page import login_page
from service.web.authentication import AnyRequest
from service.web.keys.ring import KeyRing
from service.web.pages.page import show
from service.web.principal import AccessScope, Kind, Principal

TheCookies = NamedDependency[SkipValidation[Cookies]]
TheKeys = NamedDependency[SkipValidation[KeyRing]]

Following = Annotated[str, QueryParameter(name="next", max_length=200)]

HOME = "/dashboard"
_LONGEST_KEY = 256

log = structlog.get_logger(__name__)


async def reader_of(request: AnyRequest, jar: Cookies, keys: KeyRing) -> Principal | None:
    """Give who reads: an admin whose key is still good. None for anybody else."""
    key_hash = jar.key_hash(request.cookies.get(BADGE))
    if key_hash is None:
        return None
    try:
        found = await keys.recall(key_hash)
    except Unauthenticated:
        return None
    return found if _may_read(found) else None


class Login(Controller):
    """In and out."""

    path = "/dashboard"

    @get("/login")
    async def form(
        self, request: AnyRequest, jar: TheCookies, following: Following = HOME
    ) -> Response[str]:
        """Ask for the key."""
        return _form(request, jar, _ours(following))

    @post("/login", status_code=303)
    async def enter(
        self, request: AnyRequest, jar: TheCookies, keys: TheKeys
    ) -> Response[str] | Redirect:
        """Take an admin key for a badge. 403 for any other, and for a form that is not ours."""
        given = await request.form()
        following = _ours(str(given.get("next") or ""))
        if not jar.came_from_us(request.cookies.get(FORM), str(given.get("token") or "")):
            # Mostly an old page: the form is shown anew.
            return _form(request, jar, following, "This form was old. Please try again.")
        key = str(given.get("key") or "").strip()
        if not await _opens(key, keys):
            log.warning("dashboard login refused")
            return _form(request, jar, following, "This is no admin key of this service.")
        return Redirect(following, status_code=303, cookies=[jar.badge(key), jar.forget(FORM)])

    @post("/logout", status_code=303)
    async def leave(self, request: AnyRequest, jar: TheCookies) -> Redirect:
        """Take the badge away. Raises `Forbidden` for a form that is not ours."""
        given = await request.form()
        if not jar.came_from_us(request.cookies.get(BADGE), str(given.get("token") or "")):
            raise Forbidden("This form was not shown by the dashboard.")
        return Redirect(f"{HOME}/login", status_code=303, cookies=[jar.forget(BADGE)])


async def _opens(key: str, keys: KeyRing) -> bool:
    if not 0 < len(key) <= _LONGEST_KEY:
        return False
    try:
        return _may_read(await keys.identify(key))
    except Unauthenticated:
        return False


def _may_read(reader: Principal) -> bool:
    return reader.kind is Kind.ADMIN and AccessScope.TIMELINES_READ in reader.scopes


def _form(
    request: AnyRequest, jar: Cookies, following: str, problem: str | None = None
) -> Response[str]:
    cookie = jar.form()
    standing = request.cookies.get(FORM)
    token = jar.token(standing or str(cookie.value))
    answer = show(login_page(token, following, problem), status=403 if problem else 200)
    if standing is None:
        answer.set_cookie(cookie)
    return answer


def _ours(address: str) -> str:
    """Keep to our own pages: nobody is sent elsewhere by a link to the login."""
    plain = address.startswith((f"{HOME}/sessions/", f"{HOME}?")) and "\\" not in address
    return address if plain else HOME
