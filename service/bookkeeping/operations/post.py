"""Post what has changed in the ledger: a leased job behind the events, never in their way."""

from collections.abc import AsyncGenerator
from functools import partial

from service.bookkeeping.operations.group import gather, postings_of
from service.bookkeeping.operations.report import PostingReport
from service.core.batches import work_off
from service.core.clock import Clock
from service.jobs.operations.job import Turn
from service.leases.operations import under
from service.payments.disputes import repository as disputes
from service.payments.entries.operations import post
from service.payments.payments import repository as payments
from service.payments.refunds import repository as refunds
from service.storage.keys import Keys
from service.storage.transaction import Transaction

# With what hangs on them these are written in one transaction.
_AT_ONCE = 50


async def post_changes(clock: Clock, report: PostingReport, turn: Turn) -> None:
    """Post for all payments about which something has changed, with their refunds and disputes.

    Whatever changes one of them marks it in the same write, and the mark is taken off in the
    transaction that posts: what changes meanwhile makes that conflict and begin anew.
    """

    async def do(keys: Keys) -> int:
        posted = await under(turn.lease, partial(_post_some, keys, clock))
        report.payments += len(keys)
        report.entries_posted += posted
        return posted

    for walk in _walks():
        await work_off(walk, do, turn.until)


async def count_changes(report: PostingReport, turn: Turn) -> None:
    """Count the payments about which something has changed."""

    async def count(keys: Keys) -> int:
        report.payments += len(keys)
        return len(keys)

    for walk in _walks():
        await work_off(walk, count, turn.until)


def _walks() -> tuple[AsyncGenerator[Keys, None], ...]:
    """Return the walks over the payments to post for; one may be met again on the next."""
    rooms = (payments, refunds, disputes)
    return tuple(room.walk_unposted(_AT_ONCE) for room in rooms)


async def _post_some(keys: Keys, clock: Clock, tx: Transaction) -> int:
    booked = await gather(keys, tx)
    postings = [one for group in booked.groups for one in postings_of(group, booked.entries)]
    ids = [str(key) for key in keys]
    await payments.mark_posted(keys, tx)
    await refunds.mark_posted(ids, tx)
    await disputes.mark_posted(ids, tx)
    return await post(tx, postings, clock.now())
