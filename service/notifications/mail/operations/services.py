"""What mail is given by the wiring."""

from collections.abc import Sequence

from msgspec import Struct

from service.core.clock import Clock
from service.core.peppers import Pepper
from service.notifications.mail.settings import MailServer


class MailServices(Struct, frozen=True):
    """Where mail goes out, from whom, and under which address the service is reached.

    `server` is None where SMTP_URL is unset: no mail is made then.
    """

    clock: Clock
    server: MailServer | None
    sender: str | None
    public_url: str
    peppers: Sequence[Pepper]
