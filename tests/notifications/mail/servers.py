"""Mail servers of tests: real ones, which take mail, refuse it, put it off, or say nothing."""

import asyncio
import ssl
import warnings
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

USER, PASSWORD = "tillgate", "a-password-of-the-relay"


class Server:
    """Takes mail, and does at each step what a test has told it to. `replies` are used up."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, EmailMessage]] = []
        self.replies: dict[str, list[str]] = {}
        self.for_address: dict[str, str] = {}
        self.hangs_at = ""
        self.breaks_after_data = 0
        self.connections = 0
        self.seen = asyncio.Event()
        self.port = 0
        self.scheme = "smtp+plain"

    @property
    def url(self) -> str:
        """Return the address for SMTP_URL."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def to(self, address: str) -> list[EmailMessage]:
        """Return what was taken for an address."""
        return [message for to, message in self.taken if to == address]

    def ids(self) -> list[str]:
        """Return the Message-IDs of all that was taken."""
        return [str(message["Message-ID"]) for _, message in self.taken]

    async def _reply(self, step: str, otherwise: str) -> str:
        self.seen.set()
        if self.hangs_at == step:
            await asyncio.Event().wait()
        waiting = self.replies.get(step)
        return waiting.pop(0) if waiting else otherwise

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer to MAIL FROM."""
        answer = await self._reply("MAIL", "250 OK")
        if answer.startswith("250"):
            envelope.mail_from = address
        return answer

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer to RCPT TO."""
        answer = await self._reply("RCPT", self.for_address.get(address, "250 OK"))
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Answer to the end of a mail's text; what is taken is kept before."""
        answer = await self._reply("DATA", "250 OK queued")
        if answer.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            read = message_from_bytes(content, policy=policy.default)
            assert isinstance(read, EmailMessage)
            self.taken += [(to, read) for to in envelope.rcpt_tos]
        if self.breaks_after_data:
            self.breaks_after_data -= 1
            server.transport.abort()
        return answer


class _Quiet(SMTP):
    def connection_made(self, transport: Any) -> None:
        handler = self.event_handler
        handler.connections += 1
        super().connection_made(transport)


def _authenticates(server: SMTP, session: Session, envelope: Envelope, how: str, data: Any) -> Any:
    right = data.login == USER.encode() and data.password == PASSWORD.encode()
    return AuthResult(success=right, handled=False)  # not handled: the server answers by itself


@asynccontextmanager
async def serving(
    *,
    tls: ssl.SSLContext | None = None,
    starttls: ssl.SSLContext | None = None,
    auth: bool = False,
    port: int = 0,
) -> AsyncIterator[Server]:
    """Serve mail on the loopback for as long as the block lasts; on any port, or on one."""
    server = Server()
    options: dict[str, Any] = {"hostname": "mail.test", "enable_SMTPUTF8": True}
    if starttls is not None:
        options |= {"tls_context": starttls, "require_starttls": True}
    if auth:
        options |= {"authenticator": _authenticates, "auth_require_tls": False}
        options["auth_required"] = True
    loop = asyncio.get_running_loop()

    def answering() -> SMTP:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a password without TLS, on the loopback
            return _Quiet(server, loop=loop, **options)

    made = await loop.create_server(answering, "127.0.0.1", port, ssl=tls)
    server.port = made.sockets[0].getsockname()[1]
    server.scheme = "smtps" if tls is not None else "smtp" if starttls else "smtp+plain"
    try:
        yield server
    finally:
        made.close()


def addresses(messages: Iterable[tuple[str, EmailMessage]]) -> list[str]:
    """Return for whom mails were taken, sorted."""
    return sorted(to for to, _ in messages)
