"""The cookies of the dashboard: who is signed in, which form was ours, which browser is known.

They hold random values and no data. Over https their names start with `__Secure-`: a browser then
accepts them over https only, and a page without TLS can't set them.
"""

import secrets
from collections.abc import Sequence

from litestar.datastructures import Cookie

from service.core.ids import derive, same
from service.core.peppers import Pepper
from service.web.authentication import AnyRequest
from service.web.sign_ins.operations import LASTS

SIGN_IN = "tillgate_sign_in"
FORM = "tillgate_form"
BROWSER = "tillgate_browser"
_PATH = "/dashboard"
_BROWSER_LASTS_S = 180 * 86_400


class Cookies:
    """Makes and reads cookies that no script sees and no other site's request carries."""

    def __init__(self, peppers: Sequence[Pepper], *, secure: bool) -> None:
        """Use the peppers to sign the cookie of a known browser; `secure`: behind https."""
        self._peppers = peppers
        self._secure = secure

    def name(self, cookie: str) -> str:
        """Return the name of a cookie as a browser knows it."""
        return f"__Secure-{cookie}" if self._secure else cookie

    def read(self, request: AnyRequest, cookie: str) -> str | None:
        """Return the cookie that a browser sent, None if it sent none."""
        return request.cookies.get(self.name(cookie)) or None

    def sign_in(self, token: str) -> Cookie:
        """Make the cookie of a signed-in reader."""
        return self._cookie(SIGN_IN, token, int(LASTS.total_seconds()))

    def form(self) -> Cookie:
        """Make the cookie of a form shown to somebody who is not signed in."""
        return self._cookie(FORM, secrets.token_urlsafe(32), None)

    def browser(self) -> Cookie:
        """Make the cookie of a browser that was used to sign in."""
        known = secrets.token_urlsafe(16)
        return self._cookie(BROWSER, f"{known}.{_mark(self._peppers[0], known)}", _BROWSER_LASTS_S)

    def known_browser(self, request: AnyRequest) -> str | None:
        """Return the id of a known browser, None for an unknown one."""
        known, _, mark = (self.read(request, BROWSER) or "").partition(".")
        ours = sum(same(_mark(pepper, known), mark) for pepper in self._peppers)
        return known if known and ours else None

    def brief(self, name: str, value: str, lasts_s: int) -> Cookie:
        """Make a cookie of another room that lasts for some seconds."""
        return self._cookie(name, value, lasts_s)

    def forget(self, cookie: str) -> Cookie:
        """Make the cookie that deletes this one."""
        return self._cookie(cookie, "", 0)

    def _cookie(self, name: str, value: str, max_age: int | None) -> Cookie:
        return Cookie(
            key=self.name(name),
            value=value,
            path=_PATH,
            max_age=max_age,
            httponly=True,
            secure=self._secure,
            samesite="strict",
        )


def _mark(pepper: Pepper, known: str) -> str:
    return derive(pepper.secret, "dashboard-browser", known)


def form_token(cookie: str) -> str:
    """Return the token that a form must carry: only our own page can derive it from the cookie.

    Each sign-in has a cookie of its own, so a form's token is bound to it and ends with it.
    """
    return derive(cookie, "dashboard-form")


def came_from_us(request: AnyRequest, cookie: str | None, token: str | None) -> bool:
    """Return whether a form was shown by us to this reader, and sent from our own page.

    `Sec-Fetch-Site` comes from the browser and no page can change it: unlike `SameSite`, it
    detects another host of the same site.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return False
    return bool(cookie and token and same(form_token(cookie), token))
