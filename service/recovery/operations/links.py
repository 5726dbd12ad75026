"""The link of a reminder: signed, and over after some days. It names its session, no person."""

import base64
import binascii
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from service.core.clock import from_unix
from service.core.ids import derive, same
from service.core.peppers import Pepper
from service.notifications.mail.operations.services import MailServices
from service.recovery.errors import LinkOver, LinkRefused

PATH: Final = "/resume"
LINK_FOR: Final = timedelta(days=3)
_PURPOSE = "recovery-link"
_LONGEST = 400
_REFUSED = "This link is not complete, or not from us."


class Link(Struct, frozen=True):
    """Which session a link leads back to."""

    merchant_id: str
    session_id: str


def link(merchant_id: str, session_id: str, now: datetime, services: MailServices) -> str:
    """Return the link to a session's page: whoever has it may pay, and can do nothing else."""
    until = int((now + LINK_FOR).timestamp())
    told = base64.urlsafe_b64encode(f"{merchant_id}\n{session_id}\n{until}".encode())
    named = told.rstrip(b"=").decode()
    return f"{services.public_url}{PATH}?t={named}.{_mac(services.peppers[0], named)}"


def read_link(token: str, now: datetime, services: MailServices) -> Link:
    """Return which session a link leads to. Raises `LinkRefused`, `LinkOver`."""
    named, _, mac = token.partition(".")
    if len(token) > _LONGEST or not any(same(mac, _mac(one, named)) for one in services.peppers):
        raise LinkRefused(_REFUSED)
    try:
        padded = named + "=" * (-len(named) % 4)
        merchant_id, session_id, until = base64.urlsafe_b64decode(padded).decode().split("\n")
        ends = from_unix(int(until))
    except (binascii.Error, ValueError) as error:
        raise LinkRefused(_REFUSED) from error
    if ends <= now:
        raise LinkOver("This link is too old.")
    return Link(merchant_id, session_id)


def _mac(pepper: Pepper, named: str) -> str:
    return derive(pepper.secret, _PURPOSE, named)
