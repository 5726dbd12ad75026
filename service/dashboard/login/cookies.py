"""The cookies of the dashboard: who has shown an admin key, and which form was ours.

The badge holds the SHA-256 of the key, encrypted and authenticated (Fernet) under a key that is
derived from PII_PEPPER. So nothing is stored here, and a key that is revoked opens nothing more.
"""

import secrets
from datetime import timedelta

from cryptography.fernet import Fernet, InvalidToken
from litestar.datastructures import Cookie

from service.core.clock import Clock
from service.core.ids import derive, digest, same

LASTS = timedelta(hours=12)
BADGE = "tillgate_badge"
FORM = "tillgate_form"
_PATH = "/dashboard"


class Cookies:
    """Makes and reads them. Over https they are `Secure`; a script never sees them."""

    def __init__(self, pepper: str, clock: Clock, *, secure: bool) -> None:
        """Derive the keys."""
        self._pepper = pepper
        self._clock = clock
        self._secure = secure
        self._seal = Fernet(derive(pepper, "dashboard-badge") + "=")

    def badge(self, key: str) -> Cookie:
        """Make the badge of somebody who has shown this key."""
        sealed = self._seal.encrypt_at_time(digest(key).encode(), self._unix_now())
        return self._cookie(BADGE, sealed.decode(), int(LASTS.total_seconds()))

    def key_hash(self, badge: str | None) -> str | None:
        """Read a badge: the SHA-256 of the key. None for one that is forged, or over."""
        if badge is None:
            return None
        try:
            ttl = int(LASTS.total_seconds())
            opened = self._seal.decrypt_at_time(badge.encode(), ttl, self._unix_now())
        except (InvalidToken, ValueError):
            return None
        return opened.decode()

    def form(self) -> Cookie:
        """Make the cookie of a form that is shown to somebody without a badge."""
        return self._cookie(FORM, secrets.token_urlsafe(24), None)

    def forget(self, name: str) -> Cookie:
        """Make a cookie that takes one away."""
        return self._cookie(name, "", 0)

    def token(self, cookie: str) -> str:
        """Give what a form must carry: only a page of ours can know it of the reader's cookie."""
        return derive(self._pepper, "dashboard-form", cookie)

    def came_from_us(self, cookie: str | None, token: str | None) -> bool:
        """Tell whether a form was shown by us to this reader."""
        return bool(cookie and token and same(self.token(cookie), token))

    def _cookie(self, name: str, value: str, max_age: int | None) -> Cookie:
        return Cookie(
            key=name,
            value=value,
            path=_PATH,
            max_age=max_age,
            httponly=True,
            secure=self._secure,
            samesite="strict",
        )

    def _unix_now(self) -> int:
        return int(self._clock.now().timestamp())
