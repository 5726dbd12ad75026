"""Build the bytes of a mail as they go out. Nothing from outside can end a header or begin one."""

import re
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from msgspec import Struct

from service.notifications.mail import repository
from service.notifications.mail.documents import MailMessage
from service.notifications.mail.errors import MailRefused
from service.notifications.mail.operations.compose import merchant_of
from service.notifications.mail.operations.render import Rendered, Wanted, render
from service.notifications.mail.operations.services import MailServices
from service.notifications.mail.operations.unsubscribe import link
from service.notifications.mail.states import TEMPLATES

# What ends a header for some reader of it, and what nobody sees.
_NOT_IN_A_HEADER = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_LONGEST_NAME = 100


class Built(Struct, frozen=True):
    """A mail that can be handed over: the envelope's two addresses, and its bytes.

    `flaw` says why a merchant's own template was left aside.
    """

    sender: str
    recipient: str
    content: bytes
    flaw: str | None


async def build(mail: MailMessage, services: MailServices) -> Built:
    """Build a mail as its merchant and its template are now. Raises `MailRefused`."""
    merchant = await merchant_of(mail.merchant_id, services)
    sender = merchant.mail_sender or services.sender
    if sender is None:
        raise MailRefused("Nobody sends it: set MAIL_FROM, or the merchant's mailSender.")
    unsubscribe = ""
    if not TEMPLATES[mail.template].receipt:
        unsubscribe = link(mail.merchant_id, mail.to, services)
    own = await repository.own_template(mail.merchant_id, mail.template)
    made = render(Wanted(mail.template, mail.values, unsubscribe), merchant, own)
    from_, to = _address(sender, merchant.name), _address(mail.to)
    content = _headers(mail, from_.domain, unsubscribe) + _message(mail, from_, to, made)
    return Built(from_.addr_spec, to.addr_spec, content, made.flaw)


def _message(mail: MailMessage, from_: Address, to: Address, made: Rendered) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = from_, to
    message["Subject"] = in_a_header(made.subject)
    message["Date"] = mail.created_at
    message.set_content(made.text, cte="quoted-printable")
    message.add_alternative(made.html, subtype="html", cte="quoted-printable")
    message.set_boundary(f"=_{mail.id}")
    return message.as_bytes()


def _headers(mail: MailMessage, domain: str, unsubscribe: str) -> bytes:
    """Write the headers that are ours to the last sign; a library would fold the long ones."""
    lines = [f"Message-ID: {message_id(mail, domain)}", "Auto-Submitted: auto-generated"]
    if unsubscribe:
        lines.append(f"List-Unsubscribe: <{unsubscribe}>")
        lines.append("List-Unsubscribe-Post: List-Unsubscribe=One-Click")
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def message_id(mail: MailMessage, domain: str) -> str:
    """Return the Message-ID: the same however often this edition of the mail is handed over."""
    return f"<{mail.id}.{mail.edition}@{domain}>"


def in_a_header(text: str) -> str:
    """Return a text without what could end a header."""
    return _NOT_IN_A_HEADER.sub(" ", text)


def _address(address: str, name: str = "") -> Address:
    """Read an address; a domain in other letters is written as the name system has it.

    Raises `MailRefused`, which does not show it.
    """
    local, _, domain = address.rpartition("@")
    try:
        written = domain.encode("idna").decode() if not domain.isascii() else domain
        made = Address(in_a_header(name)[:_LONGEST_NAME], username=local, domain=written)
        if not local or not written or not made.addr_spec.isascii():
            raise ValueError("not in ASCII")
        if _NOT_IN_A_HEADER.search(made.addr_spec) or " " in made.addr_spec:
            raise ValueError("a control character")
    except (ValueError, IndexError, UnicodeError) as error:
        raise MailRefused("The address can't be written to by mail as it stands.") from error
    return made
