"""Signing in and out over HTTP, and the reader of every other page."""

from typing import Annotated

from litestar import Controller, Response, get, post
from litestar.params import QueryParameter
from litestar.response import Redirect
from msgspec.structs import replace

from service.audit.operations import Act, record
from service.core.errors import Forbidden, TooManyRequests, Unauthenticated
from service.core.ids import digest
from service.core.principal import AccessScope, Kind, Principal
from service.dashboard.login.cookies import FORM, SIGN_IN, came_from_us, form_token
from service.dashboard.login.page import login_page
from service.dashboard.login.services import LoginServices, TheLogin
from service.storage.answering import answers_in_time
from service.storage.plain import NO_TRANSACTION
from service.web.authentication import AnyRequest
from service.web.keys.issuing import KEY_ID_LENGTH
from service.web.limits.addresses import network_of
from service.web.logs.clients import client_of
from service.web.sign_ins.operations import recognise, sign_in, sign_out

Following = Annotated[str, QueryParameter(name="next", max_length=200)]

HOME = "/dashboard"
_ROOMS = (
    *("sessions/", "operations", "payments", "subscriptions", "refunds", "reviews", "disputes"),
    *("alerts", "mail", "endpoints", "leads", "recovery", "figures", "reports"),
)
_PAGES = (*(f"{HOME}/{room}" for room in _ROOMS), f"{HOME}?")
ENDED = (
    "You were signed out: after 30 minutes without activity, after 12 hours, or with the end of "
    "your key or a suspension of your merchant. Please sign in again."
)
SUSPENDED = "The merchant of this key is suspended. Contact the operator of this service."
# Sent by a page that refreshes itself: this is no activity, and does not extend the sign-in.
UNATTENDED = "x-unattended"


async def reader_of(request: AnyRequest, login: LoginServices) -> Principal | None:
    """Return the reader: an admin whose sign-in and key are still valid. None for anybody else.

    The request's log line names the reader.
    """
    token = login.jar.read(request, SIGN_IN)
    attended = UNATTENDED not in request.headers
    found = await recognise(token, login.keys, login.clock, attended=attended)
    if found is None or not _may_read(found) or not await _is_active(found, login):
        return None
    return _let_in(request, found)


def token_of(request: AnyRequest, login: LoginServices) -> str:
    """Return the token that the forms of a reader's pages carry."""
    return form_token(login.jar.read(request, SIGN_IN) or "")


class Login(Controller):
    """Sign in and sign out."""

    path = "/dashboard"

    @get("/login")
    async def form(
        self, request: AnyRequest, login: TheLogin, following: Following = HOME
    ) -> Response[str]:
        """Ask for the key; say so if the browser's sign-in has ended.

        The answer is the same for every cookie that is not valid, whether it ever was or not.
        """
        brought = login.jar.read(request, SIGN_IN) is not None
        ended = brought and await reader_of(request, login) is None
        return _form(request, login, _ours(following), ENDED if ended else None)

    @post("/login", status_code=303)
    async def enter(self, request: AnyRequest, login: TheLogin) -> Response[str] | Redirect:
        """Sign in with an admin key. 403 for any other key or a form that is not ours, or 429."""
        given = await request.form()
        following = _ours(str(given.get("next") or ""))
        if not came_from_us(request, login.jar.read(request, FORM), _text(given.get("token"))):
            # Usually an old page: the form is shown again.
            return _form(request, login, following, "This form was old. Please try again.", 403)
        key = str(given.get("key") or "").strip()
        try:
            found = await _try(request, login, key)
        except TooManyRequests as error:
            return _too_many(request, login, following, error)
        if found is None:
            await login.refusals.note(client_of(request.scope))
            return _form(request, login, following, "This is no admin key of this service.", 403)
        if not await _is_active(found, login):
            return _form(request, login, following, SUSPENDED, 403)
        await _end(request, login)
        reader = _let_in(request, found)  # last: the log line names this one
        token = await sign_in(key, reader, login.clock)
        await _record("dashboard.signed_in", token, reader, login)
        known = login.jar.known_browser(request) is not None
        cookies = [login.jar.sign_in(token), login.jar.forget(FORM)]
        cookies += [] if known else [login.jar.browser()]
        return Redirect(following, status_code=303, cookies=cookies)

    @post("/logout", status_code=303)
    async def leave(self, request: AnyRequest, login: TheLogin) -> Redirect:
        """Sign out, here and in every process. Raises `Forbidden` for a form that is not ours."""
        given = await request.form()
        if not came_from_us(request, login.jar.read(request, SIGN_IN), _text(given.get("token"))):
            raise Forbidden("This form was not shown by the dashboard.")
        await _end(request, login)
        return Redirect(f"{HOME}/login", status_code=303, cookies=[login.jar.forget(SIGN_IN)])


async def _try(request: AnyRequest, login: LoginServices, key: str) -> Principal | None:
    """Check a key, within the limits on tries. Raises `TooManyRequests`."""
    network = network_of(login.addresses.of(request.scope))
    browser = login.jar.known_browser(request)
    try:
        login.guesses.take(network, browser)
    except TooManyRequests:
        await login.refusals.note(client_of(request.scope))
        raise
    found = await _holder_of(key, login)
    if found is None or not _may_read(found):
        return None
    login.guesses.give_back(network, browser)
    return found


async def _is_active(found: Principal, login: LoginServices) -> bool:
    """Return whether the merchant of a key may act. Raises `Unavailable`."""
    try:
        await login.merchants.admit(found)
    except Forbidden:
        return False
    return True


async def _holder_of(key: str, login: LoginServices) -> Principal | None:
    try:
        return await login.keys.identify(key)
    except Unauthenticated:
        return None


def _let_in(request: AnyRequest, found: Principal) -> Principal:
    reader = replace(found, client=client_of(request.scope))
    request.scope["state"]["principal"] = reader
    return reader


async def _end(request: AnyRequest, login: LoginServices) -> None:
    """End the sign-in that a browser has, if it has one."""
    token = login.jar.read(request, SIGN_IN)
    reader = await reader_of(request, login)
    if token is not None and await sign_out(token) and reader is not None:
        await _record("dashboard.signed_out", token, reader, login)


async def _record(action: str, token: str, reader: Principal, login: LoginServices) -> None:
    act = Act(action, f"sign-in:{digest(token)[:KEY_ID_LENGTH]}", detail={"keyId": reader.key_id})
    async with answers_in_time():
        await record(NO_TRANSACTION, reader, act, login.clock.now())


def _too_many(
    request: AnyRequest, login: LoginServices, following: str, error: TooManyRequests
) -> Response[str]:
    answer = _form(request, login, following, error.message, 429)
    answer.headers["Retry-After"] = str(error.retry_after)
    return answer


def _may_read(reader: Principal) -> bool:
    return reader.kind is Kind.ADMIN and AccessScope.TIMELINES_READ in reader.scopes


def _form(
    request: AnyRequest,
    login: LoginServices,
    following: str,
    problem: str | None = None,
    status: int = 200,
) -> Response[str]:
    cookie = login.jar.form()
    standing = login.jar.read(request, FORM)
    token = form_token(standing or str(cookie.value))
    answer = login_page(token, following, problem, status)
    if standing is None:
        answer.set_cookie(cookie)
    return answer


def _text(field: object) -> str | None:
    return field if isinstance(field, str) else None


def _ours(address: str) -> str:
    """Return a page of our own: a link to the login must not redirect elsewhere."""
    plain = address.startswith(_PAGES) and "\\" not in address
    return address if plain else HOME
