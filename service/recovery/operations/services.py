"""What the routes, the job and the commands of recovery share."""

from msgspec import Struct

from service.core.clock import Clock
from service.merchants.operations.merchants import Merchants
from service.notifications.mail.operations.services import MailServices
from service.sessions.checkouts.services import CheckoutServices


class RecoveryServices(Struct, frozen=True):
    """The clock, the merchants, what opens checkouts, and what mail is sent by."""

    clock: Clock
    merchants: Merchants
    checkouts: CheckoutServices
    mail: MailServices
