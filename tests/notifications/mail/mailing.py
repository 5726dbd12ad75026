"""A shop that sends mail, and what its background loop would do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from service.core.clock import ManualClock
from service.notifications.mail.operations.services import MailServices
from service.notifications.mail.sending.send import send_due
from service.outbox import repository as outbox
from service.outbox.operations.messages import message
from service.settings import Settings
from service.storage.database import Database, Row
from service.storage.plain import NO_TRANSACTION
from tests.notifications.mail.servers import Server
from tests.support.shop import Shop, open_shop

CUSTOMER = "joe@customer.example"
PEOPLE = ["ann@shop.example", "bob@shop.example"]


@dataclass(frozen=True, slots=True)
class Mailing:
    """The shop, its mail server, and its clock."""

    shop: Shop
    server: Server

    @property
    def services(self) -> MailServices:
        """Return what mail is given."""
        return self.shop.api.container.mail

    async def born(self) -> None:
        """Have the subscriber be born: it hears what is written from now on."""
        await self.shop.api.settle()

    async def settle(self) -> None:
        """Deliver the outbox, and send what is due."""
        await self.shop.api.settle()
        await self.send()

    async def send(self) -> int:
        """Send until nothing is due; return how many mails were tried."""
        tried = 0
        while count := await send_due(self.services):
            tried += count
        return tried

    async def mails(self, **wanted: Any) -> list[Row]:
        """Return mails as they are stored."""
        found = self.shop.database["mail_messages"].find(wanted)
        return await found.sort([("template", 1), ("to", 1)]).to_list()

    async def the_mail(self, **wanted: Any) -> Row:
        """Return the one mail that there is."""
        (found,) = await self.mails(**wanted)
        return found

    async def set_merchant(self, **fields: Any) -> None:
        """Set the merchant as a whole."""
        body = {"name": "The Shop", "zone": "UTC", "mailRecipients": PEOPLE} | fields
        answer = await self.shop.admin("PUT", "/merchants/default", json=body)
        assert answer.status_code in {200, 201}, answer.text

    async def bought(self, **fields: Any) -> dict[str, Any]:
        """Open a checkout session of a customer with an address, and pay it."""
        session = await self.checkout(**fields)
        await self.shop.api.told(self.shop.stripe_paid(session))
        return session

    async def checkout(self, **fields: Any) -> dict[str, Any]:
        """Open a checkout session of a customer with an address."""
        body = {
            "userId": "user_123",
            "email": CUSTOMER,
            "plan": "basic",
            "provider": "stripe",
            "amount": 123450,
            "currency": "EUR",
        } | fields
        answer = await self.shop.api.call("POST", "/api/checkout-sessions", json=body)
        assert answer.status_code == 201, answer.text
        session: dict[str, Any] = answer.json()["session"]
        return session

    async def write(self, topic: str, key: str = "1", session_id: str = "", **told: Any) -> None:
        """Write a message by hand."""
        now = self.shop.clock.now()
        about = {"merchant_id": "default", "session_id": session_id, "payload": told}
        await outbox.add_once([message(topic, key, now=now, **about)], NO_TRANSACTION)


@asynccontextmanager
async def mailing_to(
    server: Server,
    settings: Settings,
    database: Database,
    clock: ManualClock,
) -> AsyncIterator[Mailing]:
    """Open a shop that sends mail to a server."""
    async with open_shop(settings, database, clock) as shop:
        yield Mailing(shop, server)
