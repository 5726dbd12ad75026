"""The signed link by which an address ends whatever is no receipt, and what following it does."""

import base64
import binascii

from msgspec import Struct

from service.audit.operations import Act, record
from service.core.errors import InvalidInput
from service.core.ids import derive, same
from service.core.peppers import Pepper
from service.core.principal import Kind, Principal
from service.notifications.mail import repository
from service.notifications.mail.documents import MailSuppression
from service.notifications.mail.operations.addresses import masked, suppression_id
from service.notifications.mail.operations.services import MailServices
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction

PATH = "/mail/unsubscribe"
_PURPOSE = "mail-unsubscribe"
_LONGEST = 600


class Leaving(Struct, frozen=True):
    """Who unsubscribes from whom: the id of the suppression, and the address as it is shown."""

    merchant_id: str
    suppression_id: str
    masked: str


def link(merchant_id: str, address: str, services: MailServices) -> str:
    """Return the link for an address. It names the address by a keyed hash, and ends with a MAC."""
    pepper = services.peppers[0]
    leaving = (merchant_id, suppression_id(merchant_id, address, pepper), masked(address))
    told = base64.urlsafe_b64encode("\n".join(leaving).encode()).rstrip(b"=").decode()
    return f"{services.public_url}{PATH}?t={told}.{_mac(pepper, told)}"


def read_link(token: str, services: MailServices) -> Leaving:
    """Return who unsubscribes. Raises `InvalidInput` for a link that is not from us."""
    told, _, mac = token.partition(".")
    if len(token) > _LONGEST or not any(same(mac, _mac(one, told)) for one in services.peppers):
        raise InvalidInput("This link is not complete, or not from us.")
    try:
        padded = told + "=" * (-len(told) % 4)
        merchant_id, found, shown = base64.urlsafe_b64decode(padded).decode().split("\n")
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("This link is not complete, or not from us.") from error
    return Leaving(merchant_id, found, shown)


async def unsubscribe(leaving: Leaving, services: MailServices, client: str | None) -> None:
    """Send an address nothing of a merchant but receipts from now on, on the record."""
    now = services.clock.now()
    suppression = MailSuppression(
        id=leaving.suppression_id,
        merchant_id=leaving.merchant_id,
        masked=leaving.masked,
        reason="unsubscribed",
        created_at=now,
    )
    by = Principal(
        Kind.USER, leaving.merchant_id, key_id="mail", user_id=leaving.masked, client=client
    )

    async def work(tx: Transaction) -> None:
        known = await repository.suppressed([leaving.suppression_id])
        if known is not None and known.reason == "unsubscribed":
            return
        await repository.suppress(suppression, tx)
        await record(tx, by, Act("mail.unsubscribed", f"mail:{leaving.masked}"), now)

    await in_transaction(work)


def _mac(pepper: Pepper, told: str) -> str:
    return derive(pepper.secret, _PURPOSE, told)
