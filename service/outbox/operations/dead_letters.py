"""List what was not delivered, and have it delivered again."""

from typing import Literal

from msgspec import Struct

from service.audit.operations import Act, record
from service.core.clock import Clock
from service.core.news import WRITTEN
from service.core.paging import Cursor
from service.core.principal import Principal
from service.outbox import repository
from service.outbox.documents import Delivery
from service.outbox.errors import DeliveryNotFound, DeliveryUnderWay, MessageGone
from service.outbox.operations.making import GIVE_UP_AFTER
from service.outbox.operations.messages import KEEP_FOR
from service.storage.answering import answers_in_time
from service.storage.database import Row
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction

Listed = Literal["dead", "pending"]
"""What is listed: a delivery that is done is found in the timeline of its session."""


WHY_GIVEN_UP = (
    f"A delivery that fails is tried for {GIVE_UP_AFTER.days} days, and then given up. Mend what "
    "its error names, and redeliver it: it is tried at once, and for as long again."
)


class DeliveryFilter(Struct, frozen=True):
    """Which deliveries are wanted; None: any."""

    status: Listed = "dead"
    subscriber: str | None = None

    def query(self) -> Row:
        """Return the filter as a query; values are compared, never interpreted."""
        of = {} if self.subscriber is None else {"subscriber": {"$eq": self.subscriber}}
        return {"status": self.status} | of


async def list_deliveries(
    merchant_id: str | None, filters: DeliveryFilter, *, cursor: Cursor | None, limit: int
) -> tuple[list[Delivery], Cursor | None]:
    """List deliveries of a merchant or, for None, of all, newest first. Raises `Unavailable`."""
    whose = {} if merchant_id is None else {"merchantId": merchant_id}
    async with answers_in_time():
        return await repository.page(filters.query() | whose, cursor=cursor, limit=limit)


async def find_delivery(delivery_id: str, merchant_id: str | None) -> Delivery:
    """Return a delivery of a merchant or, for None, of any. Raises `DeliveryNotFound`."""
    async with answers_in_time():
        found = await repository.find_delivery(delivery_id, merchant_id)
    if found is None:
        raise DeliveryNotFound(delivery_id)
    return found


async def redeliver(found: Delivery, by: Principal, clock: Clock) -> Delivery:
    """Have a delivery made again, on the record: a dead one, one that waits, or one that is done.

    It is tried at once, and given up anew only after its whole time: if it stands as it was
    `found`, so that of two who want it at once only one has it delivered. Raises
    `DeliveryUnderWay`, `MessageGone`.
    """

    async def work(tx: Transaction) -> None:
        if not await repository.make_due(found, GIVE_UP_AFTER, KEEP_FOR, clock, tx):
            raise DeliveryUnderWay(
                f"{found.id} is being delivered, or was meanwhile; look again in a minute."
            )
        if not await repository.keep_message(found, KEEP_FOR, clock, tx):
            raise MessageGone(f"The message of {found.id} was deleted after its time.")
        act = Act("delivery.redelivered", f"delivery:{found.id}", detail={"was": found.status})
        await record(tx, by, act, clock.now())

    await in_transaction(work)
    WRITTEN.notify([found.topic])
    return await find_delivery(found.id, by.merchant_id)
