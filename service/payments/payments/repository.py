"""Named queries on the ledger."""

from collections.abc import AsyncGenerator, Collection, Sequence
from datetime import datetime

from bson import ObjectId
from pymongo import ReturnDocument

from service.payments.entries import repository as entries
from service.payments.entries.documents import UNPOSTED
from service.payments.payments.documents import BY_HAND, Payment
from service.payments.payments.states import CAME, HAND, LIVE, PaymentStatus
from service.providers.registry import REGISTRY
from service.storage.database import NOW_WRITTEN, Row
from service.storage.keys import Keys, Size, known_keys, walk_keys
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import LookUp, Question, Transaction

# In the words of the partial index: an equality alone is not seen to be within it, and the whole
# ledger would be read.
_INDEXED = {"$type": "string"}
_LIVE = {"$in": sorted(LIVE)}
_OF_STATUS = "merchant_status_createdAt_id"


def by_provider_id(provider: str, account: str, provider_payment_id: str) -> Question:
    """Ask for a payment by its provider's id."""
    wanted = LookUp(
        "providerPaymentId",
        (provider_payment_id,),
        fixed={"provider": provider, "account": account},
        also=_INDEXED,
    )
    return Question(Payment.get_pymongo_collection(), (wanted,))


def by_any_ids(provider: str, account: str, ids: Collection[str]) -> Question:
    """Ask for the payments of one account that have any of some ids, as key or alias."""
    wanted, fixed = tuple(sorted(ids)), {"provider": provider, "account": account}
    keys = LookUp("providerPaymentId", wanted, fixed=fixed, also=_INDEXED)
    return Question(Payment.get_pymongo_collection(), (keys, LookUp("aliases", wanted, fixed)))


async def find_reported(
    provider: str, account: str, ids: Sequence[str], tx: Transaction = NO_TRANSACTION
) -> Payment | None:
    """Find the payment that an event names by some ids, the first of them first.

    By its key before an alias. One that was settled by hand is not meant: nobody has verified the
    id that its server named.
    """
    rows = await tx.look_up(by_any_ids(provider, account, ids))
    verified = [row for row in rows if not row["providerPaymentId"].startswith(HAND)]
    if not verified:
        return None
    order = {one: n for n, one in reversed([*enumerate(ids)])}

    def place(row: Row) -> tuple[int, int, str]:
        key = row["providerPaymentId"]
        aliased = min((order[one] for one in row["aliases"] if one in order), default=len(ids))
        return (0, order[key], key) if key in order else (1, aliased, key)

    payment: Payment = Payment.model_validate(min(verified, key=place))
    return payment


async def find(
    provider: str, account: str, provider_payment_id: str, tx: Transaction = NO_TRANSACTION
) -> Payment | None:
    """Find a payment by its provider's id."""
    found = await tx.look_up(by_provider_id(provider, account, provider_payment_id))
    return Payment.model_validate(found[0]) if found else None


async def find_many(provider: str, account: str, ids: Collection[str]) -> list[Payment]:
    """Find payments of one account by their provider's ids."""
    found = {"$in": sorted(ids), **_INDEXED}
    wanted = {"provider": provider, "account": account, "providerPaymentId": found}
    cursor = Payment.get_pymongo_collection().find(wanted)
    return [Payment.model_validate(row) for row in await cursor.to_list()]


async def find_by_alias(provider: str, account: str, alias: str, tx: Transaction) -> list[Payment]:
    """Find payments that their provider reported, by another id that is known of them."""
    wanted = {
        "aliases": {"$eq": alias},
        "provider": provider,
        "account": account,
        "paymentMethod": {"$ne": BY_HAND},
    }
    cursor = Payment.get_pymongo_collection().find(wanted, session=tx.session).limit(100)
    return [Payment.model_validate(row) for row in await cursor.to_list()]


async def find_by_any_id(merchant_id: str, any_id: str) -> list[Payment]:
    """Find a merchant's payments by any id that is known of them, or by ours, latest first.

    One bank transfer may have settled several sessions by hand.
    """
    key = {"provider": {"$in": [*REGISTRY]}, "providerPaymentId": {"$eq": any_id, **_INDEXED}}
    any_of: list[Row] = [key, {"aliases": {"$eq": any_id}}]
    if ObjectId.is_valid(any_id):
        any_of.append({"_id": ObjectId(any_id)})
    wanted = {"$or": any_of, "merchantId": merchant_id}
    rows = await Payment.get_pymongo_collection().find(wanted).to_list(100)
    rows.sort(key=lambda row: row["createdAt"], reverse=True)
    return [Payment.model_validate(row) for row in rows]


async def find_by_key(payment_id: str, tx: Transaction) -> Payment | None:
    """Find a payment by our own id, its `_id` in hex."""
    row = await Payment.get_pymongo_collection().find_one(
        {"_id": ObjectId(payment_id)}, session=tx.session
    )
    return None if row is None else Payment.model_validate(row)


async def insert(row: Row, tx: Transaction) -> None:
    """Insert the row of a payment. Raises `Duplicate` if another transaction was quicker."""
    await tx.insert(Payment.get_pymongo_collection(), row)


async def change(payment: Payment, changes: Row, tx: Transaction) -> None:
    """Set fields of a payment that was read in the same transaction."""
    key = _key(payment.provider, payment.account, payment.provider_payment_id)
    await tx.update(Payment.get_pymongo_collection(), key, {"$set": changes, **NOW_WRITTEN})


async def reserve(payment: Payment, amount: int, now: datetime, tx: Transaction) -> bool:
    """Reserve a part of a payment for a refund, in minor units; return whether so much was left.

    Not of money that has not come, or that a dispute holds.
    """
    taken = [{"$ifNull": [f"${name}", 0]} for name in ("refunded", "reserved")]
    left = {"$subtract": ["$amount", {"$add": taken}]}
    wanted: Row = {
        "_id": payment.id,
        "status": PaymentStatus.SUCCEEDED.value,
        "held": {"$in": [None, 0]},
        "$expr": {"$gte": [left, amount]},
    }
    update = {"$inc": {"reserved": amount}, "$set": {"updatedAt": now}, **NOW_WRITTEN}
    found = await Payment.get_pymongo_collection().find_one_and_update(
        wanted, update, {"_id": 1}, session=tx.session, return_document=ReturnDocument.AFTER
    )
    return found is not None


async def change_as_read(payment: Payment, changes: Row) -> bool:
    """Set fields of a payment, unless it was written since it was read; return whether it was not.

    Whatever an event writes shows in one of these, whichever millisecond it is; what another who
    fills in has written, in the fields that it set.
    """
    wanted: Row = {
        **{name: _as_read(payment.stored(name)) for name in changes},
        **_key(payment.provider, payment.account, payment.provider_payment_id),
        "status": payment.status.value,
        "statusAt": payment.status_at,
        "updatedAt": payment.updated_at,
        "aliases": payment.aliases,
        "places": _as_read(payment.places),
    }
    payments = Payment.get_pymongo_collection()
    update = {"$set": changes, **NOW_WRITTEN}
    return (await payments.update_one(wanted, update)).matched_count == 1


async def of_session(merchant_id: str, session_id: str) -> list[Payment]:
    """Return all payments of one session, oldest first."""
    wanted = {"sessionId": session_id, "merchantId": merchant_id}
    cursor = Payment.get_pymongo_collection().find(wanted).sort("createdAt", 1).limit(1000)
    return [Payment.model_validate(row) async for row in cursor]


async def of_plan_since(
    merchant_id: str, user_id: str, plan_id: str, since: datetime
) -> list[Payment]:
    """Return a user's payments for a plan that were first heard of since a moment, the newest 50.

    Those alone whose money has come, or may come yet: what fails costs nothing, and anybody may
    have it fail in a user's name.
    """
    wanted = {"merchantId": merchant_id, "userId": {"$eq": user_id}, "createdAt": {"$gte": since}}
    wanted |= {"planId": {"$eq": plan_id}, "status": {"$in": sorted(CAME | LIVE)}}
    found = Payment.get_pymongo_collection().find(wanted, hint="merchant_user_createdAt_id")
    rows_found = await found.sort([("createdAt", -1), ("_id", -1)]).limit(50).to_list()
    return [Payment.model_validate(row) for row in rows_found]


async def live_of_session(merchant_id: str, session_id: str, tx: Transaction) -> list[Payment]:
    """Return the payments of one session whose outcome is open, by their ids."""
    wanted = {"sessionId": session_id, "merchantId": merchant_id, "status": _LIVE}
    found = Payment.get_pymongo_collection().find(wanted, session=tx.session)
    rows_found = await found.sort("providerPaymentId", 1).to_list(1000)
    return [Payment.model_validate(row) for row in rows_found]


async def live_named(
    provider: str, account: str, provider_payment_ids: Sequence[str], tx: Transaction
) -> list[Payment]:
    """Return those of some payments whose outcome is open, by their ids."""
    ids = {"$in": list(provider_payment_ids), **_INDEXED}
    wanted = {"provider": provider, "account": account, "providerPaymentId": ids, "status": _LIVE}
    found = Payment.get_pymongo_collection().find(wanted, session=tx.session)
    rows_found = await found.sort("providerPaymentId", 1).to_list(1000)
    return [Payment.model_validate(row) for row in rows_found]


async def sessions_with_live(session_ids: Sequence[str]) -> set[tuple[str, str]]:
    """Return (merchant, session) of those that have a payment whose outcome is open."""
    wanted = {"sessionId": {"$in": list(session_ids)}, "status": _LIVE}
    cursor = Payment.get_pymongo_collection().find(wanted, {"merchantId": 1, "sessionId": 1})
    return {(row["merchantId"], row["sessionId"]) for row in await cursor.to_list()}


async def find_silent(since: datetime, limit: int) -> list[Payment]:
    """Find payments with an open outcome that nobody has reported since a time, longest first."""
    payments = Payment.get_pymongo_collection()
    cursor = payments.find(await _silent(since), hint=_OF_STATUS)
    rows = await cursor.sort("updatedAt", 1).limit(limit).to_list()
    return [Payment.model_validate(row) for row in rows]


async def count_silent(since: datetime) -> int:
    """Count the payments whose outcome is open and that nobody has reported since a time."""
    payments = Payment.get_pymongo_collection()
    return await payments.count_documents(await _silent(since), hint=_OF_STATUS)


async def _silent(since: datetime) -> Row:
    """Return the query for the silent ones, by an index that begins with the merchant.

    Each was there before: so only those are read that are open for as long, which are few.
    """
    merchants = await Payment.get_pymongo_collection().distinct("merchantId")
    then = {"$lte": since}
    return {
        "merchantId": {"$in": merchants},
        "status": _LIVE,
        "createdAt": then,
        "updatedAt": then,
    }


def _as_read(value: object) -> Row:
    """Return what a field is compared with; an empty one may not be there in rows of before."""
    return {"$eq": value} if value or value is None else {"$in": [None, value]}


def _key(provider: str, account: str, provider_payment_id: str) -> Row:
    paid = {"$eq": provider_payment_id, **_INDEXED}
    return {"provider": provider, "account": account, "providerPaymentId": paid}


async def by_keys(keys: Keys, tx: Transaction) -> list[Payment]:
    """Find payments by their `_id`."""
    found = Payment.get_pymongo_collection().find({"_id": {"$in": [*keys]}}, session=tx.session)
    return [Payment.model_validate(row) for row in await found.to_list()]


def walk_all(
    size: Size, after: str | None, merchant_id: str | None = None
) -> AsyncGenerator[Keys, None]:
    """Yield the keys of all payments after one, its own in hex, in lists of `size`.

    With a merchant, of its own alone.
    """
    wanted: Row = {"_id": {"$gt": ObjectId(after)}} if after else {}
    wanted |= {"merchantId": merchant_id} if merchant_id is not None else {}
    return walk_keys(Payment.get_pymongo_collection(), wanted, by="_id", size=size)


def walk_unposted(size: Size) -> AsyncGenerator[Keys, None]:
    """Yield the keys of the payments whose entries may lack something, oldest change first."""
    collection = Payment.get_pymongo_collection()
    return walk_keys(collection, UNPOSTED, by="updatedAt", size=size)


async def mark_posted(keys: Keys, tx: Transaction) -> None:
    """Note that the entries of some payments have all that was read in the same transaction."""
    wanted = {"_id": {"$in": [*keys]}}
    await entries.mark_posted(Payment.get_pymongo_collection(), wanted, tx)


async def known_among(ids: Collection[str]) -> set[str]:
    """Return those of some ids, in hex, that a payment has."""
    return await known_keys(Payment.get_pymongo_collection(), ids)
