"""Insert leads, say what followed them, take one away."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from pymongo import UpdateOne

from service.intents.documents import PaymentIntent
from service.intents.states import MOST_SESSIONS
from service.storage.database import NOW_WRITTEN, Row
from service.storage.group_commit.inserts import GroupInsert
from service.storage.group_commit.queue import Limits
from service.storage.transaction import Transaction

# A burst of leads goes in few commands; sessions have lanes of their own.
INSERTS = GroupInsert(
    PaymentIntent.get_pymongo_collection, Limits(items=32, lanes=2), "lead_inserts"
)


async def insert(row: Row) -> None:
    """Insert a lead, together with those that come at the same time. Raises `Unavailable`."""
    await INSERTS.insert(row)


async def insert_within(row: Row, tx: Transaction) -> None:
    """Insert a lead in a transaction."""
    await tx.insert(PaymentIntent.get_pymongo_collection(), row)


async def note_followed(merchant_id: str, intent_id: str, session_id: str) -> None:
    """Note that a session followed a lead; nothing where there is no such lead, or too many."""
    wanted: Row = {
        "_id": intent_id,
        "merchantId": merchant_id,
        f"followedBy.{MOST_SESSIONS - 1}": {"$exists": False},
    }
    await PaymentIntent.get_pymongo_collection().update_one(
        wanted, {"$addToSet": {"followedBy": session_id}, **NOW_WRITTEN}
    )


async def delete(merchant_id: str, intent_id: str, tx: Transaction) -> bool:
    """Delete a lead; return whether there was one."""
    done = await PaymentIntent.get_pymongo_collection().delete_one(
        {"_id": {"$eq": intent_id}, "merchantId": merchant_id}, session=tx.session
    )
    return done.deleted_count == 1


async def set_agents(agents: Mapping[str, Row], tx: Transaction) -> int:
    """Note what the user agents of leads are, by their ids; return how many were unparsed."""
    writes = [
        UpdateOne({"_id": key, "unparsed": True}, {"$set": {"agent": agent, "unparsed": False}})
        for key, agent in agents.items()
    ]
    done = await PaymentIntent.get_pymongo_collection().bulk_write(
        writes, ordered=False, session=tx.session
    )
    return done.modified_count


async def mark_deletable(ids: Sequence[str], now: datetime, tx: Transaction) -> None:
    """Let the database delete leads, should the job that is about to do it end here."""
    await PaymentIntent.get_pymongo_collection().update_many(
        {"_id": {"$in": [*ids]}}, {"$set": {"deletableAt": now}}, session=tx.session
    )


async def delete_marked(ids: Sequence[str], tx: Transaction) -> int:
    """Delete leads that were marked; return how many there were."""
    done = await PaymentIntent.get_pymongo_collection().delete_many(
        {"_id": {"$in": [*ids]}, "deletableAt": {"$type": "date"}}, session=tx.session
    )
    return done.deleted_count
