"""What an act came to, said once on the page that follows it.

The cookie that carries the words is signed by the reader's sign-in, so nobody else puts any there.
"""

import base64
from typing import Literal

from litestar.datastructures import Cookie
from msgspec import Struct

from service.core.ids import derive, same
from service.dashboard.login.cookies import SIGN_IN, Cookies
from service.web.authentication import AnyRequest

SAID = "tillgate_said"
_LASTS_S = 60
_LONGEST = 400


class Said(Struct, frozen=True):
    """What is said, and whether it is good or bad news."""

    text: str
    tone: Literal["good", "warn", "bad"] = "good"


def say(said: Said, request: AnyRequest, jar: Cookies) -> Cookie:
    """Make the cookie by which the next page says it."""
    written = f"{said.tone}:{shortened(said.text, _LONGEST)}".encode()
    content = base64.urlsafe_b64encode(written).decode().rstrip("=")
    return jar.brief(SAID, f"{content}.{_mark(content, request, jar)}", _LASTS_S)


def said_before(request: AnyRequest, jar: Cookies) -> Said | None:
    """Return what the act before this page came to, None where there was none."""
    content, _, mark = (jar.read(request, SAID) or "").partition(".")
    if not content or not same(_mark(content, request, jar), mark):
        return None
    padded = content + "=" * (-len(content) % 4)
    tone, _, text = base64.urlsafe_b64decode(padded).decode().partition(":")
    return Said(text, "good" if tone == "good" else "warn" if tone == "warn" else "bad")


def shortened(text: str, longest: int) -> str:
    """Return a text with its end left out where it is long."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _mark(content: str, request: AnyRequest, jar: Cookies) -> str:
    return derive(jar.read(request, SIGN_IN) or "nobody", "dashboard-said", content)
