"""Named queries that find leads; each goes by an index."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime

from msgspec import Struct

from service.core.paging import Cursor
from service.intents.documents import PaymentIntent
from service.storage.ahead import read_ahead
from service.storage.database import Row
from service.storage.paging import Walk, read_page

_WITHIN_S = 30
# Who pays meanwhile waits until so many are written, some milliseconds.
_AT_ONCE = 500
# What is shown of a lead: the rest need not be read.
_SHOWN = dict.fromkeys(
    (
        *("planName", "amount", "amountMinor", "currency", "userEmail", "userAgent", "agent"),
        *("client", "ipAddress", "feedback", "sessionId", "timestamp", "mailConsent"),
        *("consentText", "locale", "timeZone", "followedBy", "createdAt"),
    ),
    1,
)


class IntentFilter(Struct, frozen=True, kw_only=True):
    """Which leads are wanted; None: any. `since` is included, `until` is not.

    `email_hashes`: one for each pepper, under which the address may have been kept.
    """

    merchant_id: str
    since: datetime
    until: datetime
    plan_name: str | None = None
    email_hashes: Sequence[str] | None = None
    session_id: str | None = None

    def walk(self) -> Walk:
        """Return how they are read: by the index that fits best, the other filters row by row."""
        filters: Row = {}
        if self.session_id is not None:
            filters["merchant_session_createdAt"] = {"sessionId": {"$eq": self.session_id}}
        if self.email_hashes is not None:
            # In the words of the partial index, which is used for no other query.
            hashes = {"$in": [*self.email_hashes], "$type": "string"}
            filters["merchant_email_createdAt"] = {"userEmailHash": hashes}
        if self.plan_name is not None:
            filters["merchant_plan_createdAt"] = {"planName": {"$eq": self.plan_name}}
        index = next(iter(filters), "merchant_createdAt")
        made = {"$gte": self.since, "$lt": self.until}
        wanted: Row = {"merchantId": self.merchant_id, "createdAt": made} | filters.pop(index, {})
        also = {name: rule for one in filters.values() for name, rule in one.items()}
        return Walk(wanted=wanted, also=also, by="createdAt", index=index)

    def query(self) -> tuple[Row, str | None]:
        """Return it as one query, and the index that serves it."""
        walk = self.walk()
        return {**walk.wanted, **walk.also}, walk.index


async def find(merchant_id: str, intent_id: str) -> PaymentIntent | None:
    """Find a lead of a merchant."""
    wanted = {"_id": {"$eq": intent_id}, "merchantId": merchant_id}
    row = await PaymentIntent.get_pymongo_collection().find_one(wanted)
    return PaymentIntent.model_validate(row) if row else None


async def page(
    wanted: IntentFilter, *, cursor: Cursor | None, limit: int
) -> tuple[list[Row], Cursor | None]:
    """Return a page of leads, newest first, and where the next one begins."""
    leads = PaymentIntent.get_pymongo_collection()
    return await read_page(leads, wanted.walk(), cursor=cursor, limit=limit)


async def page_from(wanted: IntentFilter, *, offset: int, limit: int) -> list[Row]:
    """Return leads, newest first, beyond so many of them."""
    query, index = wanted.query()
    found = PaymentIntent.get_pymongo_collection().find(query, _SHOWN, hint=index)
    return await found.sort(wanted.walk().order).skip(offset).limit(limit).to_list()


async def all_of(wanted: IntentFilter) -> AsyncGenerator[list[Row], None]:
    """Yield all leads that are wanted, newest first; close at the end. Raises `Unavailable`."""
    query, index = wanted.query()
    leads = PaymentIntent.get_pymongo_collection()
    found = leads.find(query, _SHOWN, hint=index).sort(wanted.walk().order)
    async with aclosing(read_ahead(found, _AT_ONCE, _WITHIN_S)) as lists:
        async for rows in lists:
            yield rows


async def find_agents(ids: Sequence[str]) -> list[tuple[str, str]]:
    """Return the user agents of leads that are unparsed, by their ids."""
    found = PaymentIntent.get_pymongo_collection().find(
        {"_id": {"$in": [*ids]}, "unparsed": True}, {"userAgent": 1}
    )
    return [(row["_id"], row["userAgent"] or "") for row in await found.to_list()]
