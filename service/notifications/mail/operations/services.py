"""What mail is given by the wiring."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TypeAlias

from msgspec import Struct

from service.core.clock import Clock
from service.core.peppers import Pepper
from service.notifications.mail.documents import MailMessage
from service.notifications.mail.settings import MailServer

StillWanted: TypeAlias = Callable[[MailMessage], Awaitable[bool]]
"""Whether a mail that waited still says what is true; asked right before it is sent."""


class MailServices(Struct, frozen=True):
    """Where mail goes out, from whom, and under which address the service is reached.

    `server` is None where SMTP_URL is unset: no mail is made then. `still_wanted` has the templates
    whose mails may be overtaken while they wait.
    """

    clock: Clock
    server: MailServer | None
    sender: str | None
    public_url: str
    peppers: Sequence[Pepper]
    still_wanted: Mapping[str, StillWanted] = MappingProxyType({})
