"""Named queries on subscriptions."""

from datetime import datetime, timedelta

from bson import ObjectId
from msgspec import Struct
from pymongo import ReturnDocument

from service.core.errors import Busy
from service.core.paging import Cursor
from service.payments.payments.documents import TRUSTED_OWNERS
from service.payments.subscriptions.documents import Subscription
from service.payments.subscriptions.states import (
    GIVEN_UP,
    SETTLED,
    UNSETTLED,
    SubscriptionStatus,
)
from service.providers.registry import REGISTRY
from service.storage.database import Row
from service.storage.paging import newest_first
from service.storage.transaction import LookUp, Question, Transaction

_MOST = 100

# A renewal is collected an hour after it is due (Stripe), and told of soon after that.
TOLD_WITHIN = timedelta(hours=6)
READ_AGAIN = timedelta(days=1)
READ_GIVEN_UP_AGAIN = timedelta(days=7)


def by_provider_id(provider: str, account: str, subscription_id: str) -> Question:
    """Ask for a subscription by its provider's id."""
    fixed = {"provider": provider, "account": account}
    wanted = LookUp("providerSubscriptionId", (subscription_id,), fixed=fixed)
    return Question(Subscription.get_pymongo_collection(), (wanted,))


async def find(
    provider: str, account: str, subscription_id: str, tx: Transaction
) -> Subscription | None:
    """Find a subscription by its provider's id."""
    rows = await tx.look_up(by_provider_id(provider, account, subscription_id))
    return Subscription.model_validate(rows[0]) if rows else None


async def find_named(merchant_id: str, subscription_id: str) -> list[Subscription]:
    """Find a merchant's subscriptions by their provider's id: two accounts may have one of it."""
    wanted = {
        "provider": {"$in": [*REGISTRY]},
        "account": {"$gt": ""},
        "providerSubscriptionId": {"$eq": subscription_id},
        "merchantId": merchant_id,
    }
    rows = await Subscription.get_pymongo_collection().find(wanted).to_list(_MOST)
    return [Subscription.model_validate(row) for row in rows]


async def of_user(merchant_id: str, user_id: str) -> list[Subscription]:
    """Return a user's subscriptions, the latest first."""
    wanted = {"merchantId": merchant_id, "userId": {"$eq": user_id}}
    found = Subscription.get_pymongo_collection().find(wanted)
    rows = await found.sort([("createdAt", -1), ("_id", -1)]).to_list(_MOST)
    return [Subscription.model_validate(row) for row in rows]


async def of_session(
    merchant_id: str, session_id: str, opened_at: datetime | None = None
) -> list[Subscription]:
    """Return the subscriptions that a session began, the latest first.

    Its id may have been that of an earlier one, which was opened at another time: without one, all
    that any session of the id began.
    """
    wanted: Row = {"sessionId": {"$eq": session_id}, "merchantId": merchant_id}
    if opened_at is not None:
        wanted["sessionOpenedAt"] = opened_at
    found = Subscription.get_pymongo_collection().find(wanted)
    rows = await found.sort([("createdAt", -1), ("_id", -1)]).to_list(_MOST)
    return [Subscription.model_validate(row) for row in rows]


class SubscriptionFilter(Struct, frozen=True):
    """Which subscriptions of a merchant are wanted; None wants all.

    `own`: only what a server or the user has opened, not what a browser has in their name.
    """

    status: SubscriptionStatus | None = None
    user_id: str | None = None
    own: bool = False


async def page(
    merchant_id: str, filters: SubscriptionFilter, *, cursor: Cursor | None, limit: int
) -> tuple[list[Subscription], Cursor | None]:
    """Return a page of a merchant's subscriptions, newest first, and where the next begins."""
    states = [filters.status] if filters.status else [*SubscriptionStatus, None]
    wanted: Row = {"merchantId": merchant_id, "status": {"$in": states}}
    if filters.user_id:
        wanted |= {"userId": {"$eq": filters.user_id}}
    if filters.own:
        wanted |= {"owner": {"$in": [*TRUSTED_OWNERS]}}
    collection = Subscription.get_pymongo_collection()
    rows, following = await newest_first(
        collection, wanted, by="createdAt", cursor=cursor, limit=limit
    )
    return [Subscription.model_validate(row) for row in rows], following


async def insert(row: Row, tx: Transaction) -> None:
    """Insert the row of a subscription. Raises `Duplicate` if another transaction was quicker."""
    await tx.insert(Subscription.get_pymongo_collection(), row)


async def change(
    subscription: Subscription, changes: Row, move: Row | None, tx: Transaction
) -> Subscription:
    """Set fields of a subscription that was read in the same transaction, and add a move of it."""
    update: Row = {"$set": changes}
    if move is not None:
        update["$push"] = {"history": move}
    changed = await tx.change(subscription, _key(subscription), update)
    if changed is None:  # none is ever deleted
        raise Busy("The subscription is being written by others.")
    return changed


async def begin_reading(subscription: Subscription) -> int:
    """Take the number of a reading that is about to be sent; the greatest that was answered counts.

    It is durable before the call, so that no two readings ever have the same.
    """
    row = await Subscription.get_pymongo_collection().find_one_and_update(
        _key(subscription), {"$inc": {"asked": 1}}, return_document=ReturnDocument.AFTER
    )
    if row is None:  # none is ever deleted
        raise Busy("The subscription is being written by others.")
    return int(row["asked"])


async def begin_change(
    subscription: Subscription, changing: Row, changes: Row, now: datetime, tx: Transaction
) -> Subscription | None:
    """Claim a subscription for a change; None while somebody else is changing it."""
    free = [{"changing": None}, {"changing.until": {"$lte": now}}]
    wanted: Row = {**_key(subscription), "$or": free}
    return await tx.change(subscription, wanted, {"$set": {**changes, "changing": changing}})


async def end_change(
    subscription: Subscription, change_id: str, unknown_since: datetime | None
) -> None:
    """Let go of a subscription that was claimed for a change.

    What came of that may be unknown: then no reading that was begun before answers for it.
    """
    wanted = {**_key(subscription), "changing.id": change_id}
    ended: Row = {"changing": None}
    if unknown_since is not None:
        ended |= {"unread": True, "wanted": {"$add": ["$asked", 1]}}
        ended["unreadSince"] = {"$ifNull": ["$unreadSince", unknown_since]}
    await Subscription.get_pymongo_collection().update_one(wanted, [{"$set": ended}])


async def find_unread(since: datetime, limit: int) -> list[Subscription]:
    """Find subscriptions that are to be read since a time or before, longest first."""
    found = Subscription.get_pymongo_collection().find(_unread(since)).sort("unreadSince", 1)
    return [Subscription.model_validate(row) for row in await found.to_list(limit)]


async def count_unread(since: datetime) -> int:
    """Count the subscriptions that are to be read since a time or before."""
    return await Subscription.get_pymongo_collection().count_documents(_unread(since))


async def find_untold(now: datetime, limit: int) -> list[ObjectId]:
    """Find subscriptions of which something must have become by a time, though nobody told."""
    found = Subscription.get_pymongo_collection().find(_untold(now), {"_id": 1})
    return [row["_id"] for row in await found.to_list(limit)]


async def count_untold(now: datetime) -> int:
    """Count the subscriptions of which something must have become, though nobody told."""
    return await Subscription.get_pymongo_collection().count_documents(_untold(now))


async def mark_untold(ids: list[ObjectId], now: datetime, since: datetime) -> None:
    """Mark subscriptions as to be read `since` a time, as far as nobody has told meanwhile."""
    marked: Row = {"unread": True, "wanted": {"$add": ["$asked", 1]}, "unreadSince": since}
    wanted = {"_id": {"$in": ids}, **_untold(now)}
    await Subscription.get_pymongo_collection().update_many(wanted, [{"$set": marked}])


async def put_last(subscription: Subscription, now: datetime) -> None:
    """Have a subscription that could not be read wait behind all others."""
    wanted = {**_key(subscription), "unread": True}
    await Subscription.get_pymongo_collection().update_one(wanted, {"$set": {"unreadSince": now}})


def _unread(since: datetime) -> Row:
    return {"unread": True, "unreadSince": {"$lte": since}}


def _untold(now: datetime) -> Row:
    """Ask for those whose period is over, or that have been collected for or given up for long."""
    day, week = now - READ_AGAIN, now - READ_GIVEN_UP_AGAIN
    over: Row = {"currentPeriodEnd": {"$lte": now - TOLD_WITHIN}, "readAt": {"$lte": day}}
    cases = ((SETTLED, over), (UNSETTLED, {"readAt": {"$lte": day}}))
    later = (*cases, (GIVEN_UP, {"readAt": {"$lte": week}}))
    asked = [{"status": {"$in": sorted(states)}, **case} for states, case in later]
    return {"unread": False, "$or": asked}


def _key(subscription: Subscription) -> Row:
    return {
        "provider": subscription.provider,
        "account": subscription.account,
        "providerSubscriptionId": subscription.provider_subscription_id,
    }
