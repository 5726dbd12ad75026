"""Tell each merchant once what its last week came to, in all currencies."""

from datetime import date
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from service.analytics.repository import facts
from service.core.clock import Clock
from service.core.errors import Unavailable
from service.jobs.operations.job import Turn
from service.leases.operations import under
from service.merchants.documents import Merchant
from service.merchants.errors import MerchantNotFound
from service.merchants.operations.changing import find_merchant
from service.outbox import repository as outbox
from service.reports.operations.summing import sums_by_currency
from service.reports.operations.telling import week_ended, week_id
from service.reports.operations.weeks import span_of_week, week_told
from service.storage.answering import answers_in_time
from service.storage.transaction import Transaction

_WITHIN_S: Final = 20.0

log = structlog.get_logger(__name__)


async def tell_weeks(clock: Clock, turn: Turn) -> tuple[int, int]:
    """Tell of the last week of each merchant that has figures; return how many, and of whom not.

    Each is told once however often this runs: the message's id follows from the week. A dry run,
    which has no lease, counts. One merchant whose figures can't be read holds up no other. Raises
    `LeaseLost`.
    """
    told = unknown = 0
    async with answers_in_time(_WITHIN_S):
        ids = [one.id for one in await facts.states()]
    for merchant_id in ids:
        if turn.until.over:
            break
        try:
            told += await _tell(merchant_id, clock, turn)
        except (Unavailable, OverflowError) as error:  # also of sums beyond 64 bits
            log.warning("a week can not be told of", merchant=merchant_id, reason=str(error))
            unknown += 1
    return told, unknown


async def _tell(merchant_id: str, clock: Clock, turn: Turn) -> int:
    try:
        merchant = await find_merchant(merchant_id, clock.now())
    except MerchantNotFound:
        return 0
    first = week_told(merchant, clock.now())
    async with answers_in_time(_WITHIN_S):
        if await outbox.by_ids([week_id(merchant.id, first)]):
            return 0
    if turn.lease is not None:
        await under(turn.lease, partial(_write, merchant, first, clock), _WITHIN_S)
    return 1


async def _write(merchant: Merchant, first: date, clock: Clock, tx: Transaction) -> None:
    span = span_of_week(first, ZoneInfo(merchant.zone))
    rows = await sums_by_currency(merchant, span, tx)
    await outbox.add_once([week_ended(merchant, first, span, rows, clock.now())], tx)
