"""A mail server for development: it takes whatever comes on the loopback, and sends nothing on."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from service.core.clock import Clock
from service.core.ids import new_id
from tillgate_sandbox.mailbox import repository
from tillgate_sandbox.mailbox.documents import SandboxMail

KEPT_FOR = timedelta(days=7)
_LARGEST = 5 * 1024 * 1024

# It tells of each command, and whom each mail is for.
logging.getLogger("mail.log").setLevel(logging.WARNING)

log = structlog.get_logger(__name__)


class _Taking:
    """Keeps each mail that comes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep a mail, and say so once it is kept."""
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        try:
            await repository.keep(_read(content, envelope, self._clock))
        except Exception:
            log.exception("the mailbox could not keep a mail")
            return "451 4.3.0 The mailbox can't keep it now"
        return "250 2.0.0 Kept in the mailbox of the sandbox"


def _read(content: bytes, envelope: Envelope, clock: Clock) -> SandboxMail:
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)  # noqa: S101 - the policy's own kind
    now = clock.now()
    return SandboxMail(
        id=new_id("mail"),
        sender=str(message["From"] or envelope.mail_from),
        to=list(envelope.rcpt_tos),
        subject=str(message["Subject"] or ""),
        html=_part(message, "html"),
        text=_part(message, "plain"),
        size=len(content),
        at=now,
        purge_at=now + KEPT_FOR,
    )


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    text = str(part.get_content()) if isinstance(part, EmailMessage) else ""
    return text.replace("\r\n", "\n")


def listening() -> socket.socket:
    """Take a free port of the loopback for the mailbox."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    made.bind(("127.0.0.1", 0))
    return made


def address_of(port: socket.socket) -> str:
    """Return the SMTP_URL of a mailbox."""
    return f"smtp+plain://127.0.0.1:{port.getsockname()[1]}"


@asynccontextmanager
async def receiving(port: socket.socket, clock: Clock) -> AsyncIterator[None]:
    """Take mail for as long as the block lasts."""
    loop, taking = asyncio.get_running_loop(), _Taking(clock)

    def answering() -> SMTP:
        return SMTP(taking, hostname="mailbox.localhost", data_size_limit=_LARGEST, loop=loop)

    server = await loop.create_server(answering, sock=port)
    try:
        yield
    finally:
        server.close()
