"""Settings of outgoing mail, and the server that they name."""

from typing import Annotated, Literal, TypeAlias
from urllib.parse import SplitResult, unquote, urlsplit

from msgspec import Struct
from pydantic import AfterValidator, Field

from service.core.variables import Group

Security: TypeAlias = Literal["tls", "starttls", "offered", "plain"]
"""How the way to the server is protected; `offered`: where the server offers it."""

_PORTS = {"smtps": 465, "smtp": 587, "smtp+plain": 25}
_ON_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


class MailServer(Struct, frozen=True):
    """Where mail is handed over, and as whom."""

    host: str
    port: int
    security: Security
    user: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        """Name the server alone: what is printed by chance holds no password."""
        return f"MailServer({self.host}:{self.port})"


def read_server(url: str) -> MailServer:
    """Read SMTP_URL. Raises `ValueError`, whose text shows no part of the address."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise ValueError("is no address: smtp://user:password@host:587") from error
    if parts.scheme not in _PORTS or not host or not port:
        raise ValueError(
            "is no address of a mail server: smtps://user:password@host (TLS from the start), "
            "smtp://user:password@host (STARTTLS), or smtp+plain://host (no TLS)"
        )
    if not url.isprintable() or " " in url or parts.path.strip("/") or parts.query:
        raise ValueError("takes a host and a port, and nothing behind them")
    security = _security(parts, host)
    if security == "plain" and parts.password and host not in _ON_THIS_MACHINE:
        raise ValueError("would send its password without TLS: use smtp:// or smtps://")
    return MailServer(host, port, security, _text(parts.username), _text(parts.password))


def _security(parts: SplitResult, host: str) -> Security:
    if parts.scheme == "smtps":
        return "tls"
    if parts.scheme == "smtp+plain":
        return "plain"
    return "offered" if host in _ON_THIS_MACHINE else "starttls"


def _text(part: str | None) -> str | None:
    return unquote(part) if part else None


def _readable(value: str) -> str:
    read_server(value)
    return value


def _plain_address(value: str) -> str:
    local, at, domain = value.rpartition("@")
    plain = value.isascii() and value.isprintable() and " " not in value
    if not (local and at and domain) or not plain or any(sign in value for sign in '<>,;"\\'):
        raise ValueError("is no plain email address, such as billing@shop.example")
    return value


class MailSettings(Group):
    """Outgoing mail."""

    smtp_url: Annotated[str, AfterValidator(_readable)] | None = Field(
        None, validation_alias="SMTP_URL"
    )
    """`smtp://user:password@host:587` (STARTTLS), `smtps://…` (TLS from the start) or
    `smtp+plain://host:25` (no TLS: a relay on your own network); unset: no mail."""
    sender: Annotated[str, AfterValidator(_plain_address)] | None = Field(
        None, validation_alias="MAIL_FROM"
    )
    """The sender's address, of merchants that have none of their own."""

    @property
    def server(self) -> MailServer | None:
        """Return the server that takes the mail, None where there is none."""
        return read_server(self.smtp_url) if self.smtp_url is not None else None
