"""Turn messages of the outbox into mails that wait to be sent: one a template and address."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Final

import structlog

from service.core.news import WRITTEN
from service.core.strict_json import JsonObject
from service.merchants.documents import Merchant
from service.merchants.errors import MerchantNotFound
from service.merchants.operations.changing import find_merchant
from service.notifications.mail import repository
from service.notifications.mail.documents import MailMessage
from service.notifications.mail.operations.about import About, about
from service.notifications.mail.operations.addresses import mail_id, masked
from service.notifications.mail.operations.services import MailServices
from service.notifications.mail.states import MAILS, TEMPLATES
from service.outbox.documents import Delivery, OutboxMessage
from service.outbox.operations.subscribers import Subscriber
from service.storage.answering import answers_in_time
from service.storage.database import Row

NEWS: Final = "mail_messages"
"""The kind of news that wakes the sending."""

GIVE_UP_AFTER = timedelta(days=3)
KEEP_FOR = timedelta(days=90)

log = structlog.get_logger(__name__)


def mail_subscriber(services: MailServices) -> Subscriber:
    """Return the subscriber of mail.

    Without a mail server it hears nothing new, and what was dispatched before is done with.
    """
    topics = frozenset(MAILS) if services.server is not None else frozenset[str]()
    return Subscriber("mail", topics, partial(make_mails, services=services), at_dispatch=True)


async def make_mails(delivery: Delivery, message: OutboxMessage, *, services: MailServices) -> None:
    """Have mails wait that a message gives cause for. Twice for one message adds none."""
    if services.server is None or message.topic not in MAILS:
        return
    async with answers_in_time():
        merchant = await merchant_of(message.merchant_id, services)
        told = await about(message)
        rows = [
            mail_row(merchant, name, to, message.id, services)
            | {"values": _values(told, name, services), "sessionId": message.session_id}
            for name in MAILS[message.topic]
            for to in _recipients(told, name, merchant)
        ]
        await add_mails(rows)


async def add_mails(rows: Sequence[Row]) -> None:
    """Keep mails that wait, and wake who sends them."""
    if rows:
        await repository.add_once(rows)
        WRITTEN.notify([NEWS])


async def merchant_of(merchant_id: str, services: MailServices) -> Merchant:
    """Return a merchant as it is now; one that is gone is known by its id alone."""
    now = services.clock.now()
    try:
        return await find_merchant(merchant_id, now)
    except MerchantNotFound:
        return Merchant.unnamed(merchant_id, now)


def mail_row(merchant: Merchant, template: str, to: str, cause: str, services: MailServices) -> Row:
    """Return the row of a mail that waits, without values."""
    now = services.clock.now()
    return MailMessage.new_row(
        {
            "_id": mail_id(cause, template, to),
            "merchantId": merchant.id,
            "template": template,
            "cause": cause,
            "to": to,
            "masked": masked(to),
            "createdAt": now,
            "nextAttemptAt": now,
            "giveUpAt": now + GIVE_UP_AFTER,
            "purgeAt": now + KEEP_FOR,
        }
    )


def _recipients(told: About, template: str, merchant: Merchant) -> list[str]:
    if told.silent:
        return []
    if TEMPLATES[template].audience == "customer":
        return [told.customer] if told.customer else []
    if not merchant.mail_recipients:
        log.info("mail has nobody to go to", merchant=merchant.id, template=template)
    return list(merchant.mail_recipients)


def _values(told: About, template: str, services: MailServices) -> JsonObject:
    """Return what a mail says, without what there is not; a merchant is told where to read more."""
    page = services.public_url + told.page if told.page else ""
    more: JsonObject = {"page": page} if page and TEMPLATES[template].audience == "merchant" else {}
    return {name: value for name, value in told.values.items() if value is not None} | more
