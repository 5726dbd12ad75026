"""Deliver what is due in a lane: a turn of it, after which others have theirs."""

from collections.abc import Mapping
from datetime import timedelta

from service.core.batches import Until
from service.core.clock import Clock
from service.outbox import repository
from service.outbox.documents import Delivery, OutboxMessage
from service.outbox.errors import MessageGone
from service.outbox.operations.subscribers import Subscriber
from service.outbox.operations.turn import Turn
from service.storage.answering import answers_in_time
from service.storage.database import Row

LEASE = timedelta(seconds=60)
# A lane that has more comes again after the others.
AT_ONCE = 100
TURN_S = 5.0
GONE = "Its message is gone: nobody knows any more what was to be delivered."


async def take_turn(lane: str, subscriber: Subscriber, clock: Clock, until: Until) -> int:
    """Deliver what is due longest in a lane; return how many were delivered.

    No delivery is begun after some seconds, nor once the work is over: what was claimed and not
    begun goes back. How they went is kept by one command at the end, also where the turn is cut.
    """
    async with answers_in_time():
        claimed = await repository.claim(lane, AT_ONCE, LEASE, clock)
        if claimed is None:
            return 0
        rows = await repository.by_ids([one.message_id for one in claimed.deliveries])

    def message_of(delivery: Delivery) -> OutboxMessage:
        return _read(rows, delivery.message_id)

    turn = Turn(subscriber, claimed.deliveries, message_of, until.at_most(TURN_S))
    try:
        await turn.run()
    finally:
        async with answers_in_time():
            await repository.keep(
                claimed,
                done=turn.done,
                failed=turn.failed,
                untouched=list(turn.left),
                clock=clock,
            )
        turn.count()
    return len(turn.done)


def _read(rows: Mapping[str, Row], message_id: str) -> OutboxMessage:
    """Read one of some messages. Raises `MessageGone`, and pydantic's error where it can't."""
    if message_id not in rows:
        raise MessageGone(GONE)
    message: OutboxMessage = OutboxMessage.model_validate(rows[message_id])
    return message
