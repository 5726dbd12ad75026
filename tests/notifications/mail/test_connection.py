"""TLS from the start, STARTTLS, a password: what is trusted, and what no password is sent to."""

from pathlib import Path

import pytest

from service.notifications.mail.sending.connection import ServerTrouble, connected
from service.notifications.mail.settings import MailServer, MailSettings, read_server
from tests.notifications.mail.certificates import make_certificate
from tests.notifications.mail.servers import PASSWORD, USER, serving


async def _trouble(server: MailServer) -> str:
    with pytest.raises(ServerTrouble) as raised:
        async with connected(server):
            pass
    return str(raised.value)


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_a_trusted_certificate_is_talked_to_and_an_unknown_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, security: str
) -> None:
    certificate, context = make_certificate(tmp_path)
    options = {security: context}
    async with serving(**options) as made:  # type: ignore[arg-type]
        server = MailServer("127.0.0.1", made.port, security)  # type: ignore[arg-type]
        assert "has a certificate that can't be trusted" in await _trouble(server)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        async with connected(server) as client:
            assert client.get_transport_info("sslcontext") is not None


async def test_a_certificate_of_another_name_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, context = make_certificate(tmp_path, "127.0.0.2")
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    async with serving(tls=context) as made:
        assert "certificate" in await _trouble(MailServer("127.0.0.1", made.port, "tls"))


async def test_a_server_without_starttls_gets_no_password() -> None:
    async with serving(auth=True) as made:
        server = MailServer("127.0.0.1", made.port, "starttls", USER, PASSWORD)
        assert "can't be used" in await _trouble(server)
        # The control: where it is enough that TLS is offered, the same server is talked to.
        async with connected(MailServer("127.0.0.1", made.port, "offered", USER, PASSWORD)):
            pass


async def test_a_password_that_is_refused_is_said_and_not_shown() -> None:
    async with serving(auth=True) as made:
        said = await _trouble(MailServer("127.0.0.1", made.port, "plain", USER, "wrong-password"))
        assert "refused our user and password (535 5.7.8" in said
        assert "wrong-password" not in said
        async with connected(MailServer("127.0.0.1", made.port, "plain", USER, PASSWORD)):
            pass


@pytest.mark.parametrize(
    ("url", "host", "port", "security"),
    [
        ("smtp://mail.example", "mail.example", 587, "starttls"),
        ("smtp://u:p%40w@mail.example:2525", "mail.example", 2525, "starttls"),
        ("smtps://u:p@mail.example", "mail.example", 465, "tls"),
        ("smtp+plain://relay", "relay", 25, "plain"),
        ("smtp://localhost:1025", "localhost", 1025, "offered"),
    ],
)
def test_an_address_says_how_its_server_is_reached(
    url: str, host: str, port: int, security: str
) -> None:
    server = read_server(url)
    assert (server.host, server.port, server.security) == (host, port, security)
    assert "p%40w" not in repr(server)
    assert "p@w" not in repr(server)


@pytest.mark.parametrize(
    "url",
    [
        "mail.example",
        "http://mail.example",
        "smtp://",
        "smtp://u:p@mail.example:99999",
        "smtp://mail.example/inbox",
        "smtp://mail.example?tls=no",
        "smtp+plain://u:password@mail.example",
    ],
)
def test_an_address_that_can_not_be_used_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ValueError, match=r"is no address|takes a host|without TLS") as raised:
        read_server(url)
    assert "password@" not in str(raised.value).replace("user:password@", "")


@pytest.mark.parametrize("sender", ["nobody", "A <a@b.example>", "a@b.example\r\nBcc: c@d.example"])
def test_a_sender_that_is_no_plain_address_is_refused(sender: str) -> None:
    with pytest.raises(ValueError, match="is no plain email address"):
        MailSettings(MAIL_FROM=sender)
