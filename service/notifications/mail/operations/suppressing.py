"""Keep addresses that get receipts alone, list them, and lift that again."""

from datetime import timedelta

from service.audit.operations import Act, record
from service.core.paging import Cursor
from service.core.principal import Principal
from service.notifications.mail import repository
from service.notifications.mail.documents import MailMessage, MailSuppression
from service.notifications.mail.errors import SuppressionNotFound
from service.notifications.mail.operations.addresses import (
    masked,
    suppression_id,
    suppression_ids,
)
from service.notifications.mail.operations.services import MailServices
from service.storage.answering import answers_in_time
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction

REMEMBER_REFUSALS_FOR = timedelta(days=180)
"""A mailbox that was full or closed may be there again; who unsubscribed stays so."""


async def suppress_refused(mail: MailMessage, said: str, services: MailServices) -> None:
    """Send an address that its server does not know nothing but receipts."""
    now = services.clock.now()
    suppression = MailSuppression(
        id=suppression_id(mail.merchant_id, mail.to, services.peppers[0]),
        merchant_id=mail.merchant_id,
        masked=mail.masked,
        reason="refused",
        says=said,
        created_at=now,
        purge_at=now + REMEMBER_REFUSALS_FOR,
    )
    async with answers_in_time():
        await repository.suppress(suppression)


async def note_bounce(
    address: str, says: str | None, by: Principal, services: MailServices
) -> MailSuppression:
    """Keep that a mail to an address came back: mail comes in somewhere else, so we are told."""
    now = services.clock.now()
    suppression = MailSuppression(
        id=suppression_id(by.merchant_id, address, services.peppers[0]),
        merchant_id=by.merchant_id,
        masked=masked(address),
        reason="bounced",
        says=says,
        created_at=now,
        purge_at=now + REMEMBER_REFUSALS_FOR,
    )

    async def work(tx: Transaction) -> None:
        await repository.suppress(suppression, tx)
        await record(tx, by, Act("mail.suppressed", f"mail:{suppression.masked}"), now)

    await in_transaction(work)
    return suppression


async def lift_suppression(address: str, by: Principal, services: MailServices) -> None:
    """Send an address everything again, on the record. Raises `SuppressionNotFound`."""
    ids = suppression_ids(by.merchant_id, address, services.peppers)

    async def work(tx: Transaction) -> None:
        lifted = await repository.lift(ids, by.merchant_id, tx)
        if lifted is None:
            raise SuppressionNotFound
        act = Act("mail.suppression_lifted", f"mail:{lifted.masked}", detail={"was": lifted.reason})
        await record(tx, by, act, services.clock.now())

    await in_transaction(work)


async def list_suppressions(
    merchant_id: str, *, cursor: Cursor | None, limit: int
) -> tuple[list[MailSuppression], Cursor | None]:
    """List the addresses that get receipts alone, masked, newest first."""
    async with answers_in_time():
        return await repository.suppressions(merchant_id, cursor=cursor, limit=limit)
