"""Find leads: pages of them, and all of them one after the other."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import date, datetime, timedelta
from typing import Final

from msgspec import Struct

from service.audit.operations import Act, record
from service.core.errors import FieldProblem, InvalidInput
from service.core.paging import Cursor
from service.core.principal import Principal
from service.intents import repository
from service.intents.errors import IntentNotFound, wrong_field
from service.intents.operations.leave import email_hash
from service.intents.operations.services import IntentServices
from service.intents.repository import IntentFilter
from service.intents.states import Period, begin_of, days_before
from service.storage.answering import answers_in_time
from service.storage.database import Row
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction

DAYS_BACK: Final = 30
"""How many days are looked back where nothing else is said."""
MOST_DAYS: Final = 3660
LARGEST_OFFSET: Final = 10_000
"""Each page behind it costs what all before it cost: beyond, a cursor leads on."""


class Wanted(Struct, frozen=True, kw_only=True):
    """Which leads are asked for. A `date` is a whole day of the merchant's zone, at the end too."""

    begin: datetime | date | None = None
    end: datetime | date | None = None
    days_back: int | None = None
    plan_name: str | None = None
    user_email: str | None = None
    session_id: str | None = None


class Place(Struct, frozen=True):
    """Where a page begins and how long it is."""

    limit: int
    offset: int = 0
    cursor: Cursor | None = None


class Page(Struct, frozen=True):
    """A page of leads as they are stored, and where the next one begins."""

    rows: Sequence[Row]
    more: bool
    following: Cursor | None


async def period_of(wanted: Wanted, merchant_id: str, services: IntentServices) -> Period:
    """Return the time that is asked for. Raises `InvalidInput` for one that ends before it begins.

    Without a begin it is the last days up to its end, today's part included.
    """
    zone = (await services.merchants.of(merchant_id)).zone
    now = services.clock.now() + timedelta(milliseconds=1)
    until = now if wanted.end is None else _moment(wanted.end, zone, after=True)
    if wanted.begin is not None:
        since = _moment(wanted.begin, zone)
    else:
        last = until - timedelta(milliseconds=1)
        since = days_before(last, wanted.days_back or DAYS_BACK, zone)
    if wanted.begin is not None and wanted.days_back is not None:
        raise wrong_field("daysBack", "can't be combined with startDate")
    if since >= until:
        raise InvalidInput(
            "The time ends before it begins.",
            problems=(FieldProblem("endDate", "must be after startDate"),),
        )
    return Period(since, until, zone)


async def filter_of(wanted: Wanted, merchant_id: str, services: IntentServices) -> IntentFilter:
    """Return what is asked for as the repository takes it. Raises `InvalidInput`."""
    period = await period_of(wanted, merchant_id, services)
    email = wanted.user_email
    hashes = email and [email_hash(one, merchant_id, email) for one in services.peppers]
    return IntentFilter(
        merchant_id=merchant_id,
        since=period.since,
        until=period.until,
        plan_name=wanted.plan_name,
        email_hashes=hashes or None,
        session_id=wanted.session_id,
    )


async def list_intents(wanted: IntentFilter, place: Place) -> Page:
    """Return a page of leads, newest first. Raises `InvalidInput`, `Unavailable`."""
    if place.cursor is not None and place.offset:
        raise wrong_field("offset", "can't be combined with a cursor")
    async with answers_in_time():
        if not place.offset:
            rows, following = await repository.page(wanted, cursor=place.cursor, limit=place.limit)
            return Page(rows, following is not None, following)
        rows = await repository.page_from(wanted, offset=place.offset, limit=place.limit + 1)
        return Page(rows[: place.limit], len(rows) > place.limit, None)


async def every_intent(wanted: IntentFilter) -> AsyncGenerator[Sequence[Row], None]:
    """Yield all leads, newest first, some at a time. Raises `Unavailable`."""
    async with aclosing(repository.all_of(wanted)) as lists:
        async for rows in lists:
            yield rows


async def delete_intent(intent_id: str, by: Principal, services: IntentServices) -> None:
    """Delete a lead, on the record. Raises `IntentNotFound`, `Unavailable`."""

    async def work(tx: Transaction) -> None:
        if not await repository.delete(by.merchant_id, intent_id, tx):
            raise IntentNotFound(intent_id)
        act = Act("intent.deleted", f"intent:{intent_id}")
        await record(tx, by, act, services.clock.now())

    await in_transaction(work)


def _moment(given: datetime | date, zone: str, *, after: bool = False) -> datetime:
    if isinstance(given, datetime):
        return given
    return begin_of(given + timedelta(days=1) if after else given, zone)
