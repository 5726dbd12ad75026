"""List mails, and have one sent again."""

from service.audit.operations import Act, record
from service.core.news import WRITTEN
from service.core.paging import Cursor
from service.core.principal import Principal
from service.notifications.mail import repository
from service.notifications.mail.documents import MailMessage
from service.notifications.mail.errors import MailNotFound, MailRefused, MailWaits
from service.notifications.mail.operations.compose import (
    GIVE_UP_AFTER,
    NEWS,
    add_mails,
    mail_row,
    merchant_of,
)
from service.notifications.mail.operations.services import MailServices
from service.notifications.mail.operations.words import time
from service.notifications.mail.states import TEST, MailStatus
from service.storage.answering import answers_in_time
from service.storage.plain import NO_TRANSACTION, in_transaction
from service.storage.transaction import Transaction

NO_SERVER = "There is no mail server: set SMTP_URL. Until then no mail is made, and none is kept."


async def list_mails(
    merchant_id: str, status: MailStatus | None, *, cursor: Cursor | None, limit: int
) -> tuple[list[MailMessage], Cursor | None]:
    """List a merchant's mails, newest first. Raises `Unavailable`."""
    async with answers_in_time():
        return await repository.page(merchant_id, status, cursor=cursor, limit=limit)


async def read_mail(mail_id: str, merchant_id: str | None) -> MailMessage:
    """Return a mail of a merchant or, for None, of any. Raises `MailNotFound`."""
    async with answers_in_time():
        found = await repository.find(mail_id, merchant_id, NO_TRANSACTION)
    if found is None:
        raise MailNotFound(mail_id)
    return found


async def resend(mail: MailMessage, by: Principal, services: MailServices) -> MailMessage:
    """Have a mail sent once more, on the record, as a new edition: receivers take it for another.

    Of two who want it at once only one has it sent. Raises `MailWaits`, `MailRefused`.
    """
    if services.server is None:
        raise MailRefused(NO_SERVER)
    if mail.status is MailStatus.PENDING:
        raise MailWaits
    now = services.clock.now()

    async def work(tx: Transaction) -> None:
        if not await repository.send_again(mail, GIVE_UP_AFTER, now, tx):
            raise MailWaits
        act = Act("mail.resent", f"mail:{mail.id}", detail={"was": mail.status.value})
        await record(tx, by, act, now)

    await in_transaction(work)
    WRITTEN.notify([NEWS])
    return await read_mail(mail.id, mail.merchant_id)


async def add_test_mail(to: str, by: Principal, services: MailServices) -> MailMessage:
    """Have a mail wait that tries the settings, on the record.

    Raises `MailRefused` without a mail server.
    """
    if services.server is None:
        raise MailRefused(NO_SERVER)
    now = services.clock.now()
    async with answers_in_time():
        merchant = await merchant_of(by.merchant_id, services)
        row = mail_row(merchant, TEST, to, f"test:{now.isoformat()}", services)
        await add_mails([row | {"values": {"when": time(now)}}])
    act = Act("mail.test_sent", f"mail:{row['_id']}", detail={"to": row["masked"]})

    async def work(tx: Transaction) -> None:
        await record(tx, by, act, now)

    await in_transaction(work)
    return await read_mail(row["_id"], by.merchant_id)
