"""One connection to the mail server, and what its answers mean."""

import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPResponseException,
    SMTPTimeoutError,
)

from service.core.visible import visible_line
from service.notifications.mail.settings import MailServer
from service.web.logs.masking import mask_text

ANSWER_WITHIN_S = 30.0
"""How long the server may take for each answer but the last."""

TAKE_WITHIN_S = 120.0
"""How long it may take to say that it has a mail: it may look through all of it before."""

_LONGEST_ANSWER = 300
# RFC 3463: the first digit says whether it is for good, the second that it is about the address.
_ENHANCED = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})\b")
_ABOUT_THE_ADDRESS = frozenset({550, 551, 553})


class ServerTrouble(Exception):
    """The server can't be used now, for no mail: the message says why, and shows no secret."""


@asynccontextmanager
async def connected(server: MailServer) -> AsyncIterator[SMTP]:
    """Yield a connection, signed in and protected as the settings say. Raises `ServerTrouble`."""
    client = SMTP(
        hostname=server.host,
        port=server.port,
        timeout=ANSWER_WITHIN_S,
        use_tls=server.security == "tls",
        start_tls={"starttls": True, "offered": None}.get(server.security, False),
        tls_context=ssl.create_default_context(),
    )
    try:
        await client.connect()
        if server.user is not None:
            await client.login(server.user, server.password or "")
    except (SMTPException, OSError, ValueError) as error:
        client.close()
        raise ServerTrouble(_why_not(server, error)) from error
    try:
        yield client
    finally:
        await _leave(client)


async def _leave(client: SMTP) -> None:
    """Say good-bye, and wait for no more than a moment for the answer: nothing hangs on it."""
    try:
        if client.is_connected:
            await client.quit(timeout=min(2.0, ANSWER_WITHIN_S))
    except (SMTPException, OSError):
        pass
    finally:
        client.close()


def _why_not(server: MailServer, error: Exception) -> str:
    where = f"the mail server {server.host}:{server.port}"
    if isinstance(error, SMTPAuthenticationError):
        said = said_of(error.code, error.message)
        return f"{where.capitalize()} refused our user and password ({said}): see SMTP_URL."
    if isinstance(error, ssl.SSLError) or isinstance(error.__cause__, ssl.SSLError):
        return f"{where.capitalize()} has a certificate that can't be trusted, or no TLS."
    if isinstance(error, SMTPResponseException):
        return f"{where.capitalize()} takes nothing now ({said_of(error.code, error.message)})."
    if isinstance(error, SMTPTimeoutError | TimeoutError):
        return f"{where.capitalize()} did not answer within {ANSWER_WITHIN_S:g} s."
    if isinstance(error, OSError):
        return f"{where.capitalize()} can't be reached ({type(error.__cause__ or error).__name__})."
    return f"{where.capitalize()} can't be used ({type(error).__name__}: {told(str(error))})."


def is_for_good(code: int) -> bool:
    """Return whether an answer says no for good; 421 and its like are about now."""
    return 500 <= code < 600


def refuses_the_address(code: int, text: str) -> bool:
    """Return whether a refusal is about the address itself, and not about us or this mail."""
    found = _ENHANCED.match(text)
    if found is not None:
        return found[1] == "5" and found[2] == "1"
    return code in _ABOUT_THE_ADDRESS


def said_of(code: int, text: str) -> str:
    """Return what a server said, as it is kept and shown."""
    return f"{code} {told(text)}".strip()


def told(text: str) -> str:
    """Return a text of the server's: one line, without addresses or secrets, and not long."""
    return mask_text(visible_line(" ".join(text.split())))[:_LONGEST_ANSWER]


LEAST_LEASE_S: Final = 2 * TAKE_WITHIN_S
"""A mail is held for longer than its last answer may take, so that nobody else begins with it."""
