"""7: a message is dispatched to its subscribers, and each delivery of it has a row of its own.

Before: a message was delivered by itself, to one handler by its topic, and had all that a delivery
has now. Topics without a handler stayed pending: nobody hears of these any more, since whoever will
hear such topics is not born yet.
"""

from datetime import timedelta

from service.migrations import repository
from service.migrations.steps.step import BATCH, Counts, Run
from service.storage.database import EMPTY_TIME, Database, Row

_OLD: Row = {"nextAttemptAt": {"$exists": True}}
_NOBODY_HAS_HEARD = ("pending", "dead")
_INDEX = "status_topic_nextAttemptAt"
_COMMANDS = {
    "provider.capture": "capture",
    "provider.close_checkout": "close_checkout",
    "provider.close_attempt": "close_attempt",
}
_GIVE_UP_AFTER = timedelta(days=3)
_GONE = dict.fromkeys(("nextAttemptAt", "leasedUntil", "attempts", "error"), "")


async def left(database: Database) -> Counts:
    """Count the messages that have what a delivery has, and the index that is to go."""
    return {
        "messages": await repository.count(database, "outbox", _OLD),
        "indexes": int(_INDEX in await repository.indexes_of(database, "outbox")),
    }


async def run(run: Run) -> None:
    """Let those who hear commands have done so from the beginning, and dispatch what is left."""
    await run.insert_missing("subscribers", [_birth(topic) for topic in _COMMANDS])
    async for rows in repository.batches(run.database, "outbox", _OLD, BATCH):
        waiting = [row for row in rows if row["status"] in _NOBODY_HAS_HEARD]
        deliveries = [_delivery(row) for row in waiting if row["topic"] in _COMMANDS]
        if deliveries:
            run.add("deliveries", await run.insert_missing("deliveries", deliveries))
        updates: list[repository.Update] = [
            ({"_id": row["_id"], **_OLD}, {"$set": _fields(row), "$unset": _GONE}) for row in rows
        ]
        run.add("messages", await run.update("outbox", updates))
        await run.breathe()
    if _INDEX in await repository.indexes_of(run.database, "outbox"):
        await repository.drop_index(run.database, "outbox", _INDEX)
        run.add("indexes", 1)


def _birth(topic: str) -> Row:
    """Make the birth of who hears a command: before all messages, also those without a time.

    It is upserted: the database would put its own time in the place of one that is inserted.
    """
    name = _COMMANDS[topic]
    return {
        "_id": f"{name}:{topic}",
        "subscriber": name,
        "topic": topic,
        "bornAt": EMPTY_TIME,
    }


def _fields(row: Row) -> Row:
    waiting = row["status"] in _NOBODY_HAS_HEARD
    status = "dispatched" if waiting else row["status"]
    return {"status": status, "writtenAt": EMPTY_TIME, "heldUntil": None}


def _delivery(row: Row) -> Row:
    name = _COMMANDS[row["topic"]]
    return {
        "_id": f"{row['_id']}:{name}",
        "messageId": row["_id"],
        "subscriber": name,
        "topic": row["topic"],
        "merchantId": row["merchantId"],
        "sessionId": row["sessionId"],
        "lane": f"{name}:{row['payload']['provider']}",
        "status": row["status"],
        "attempts": row["attempts"],
        "createdAt": row["createdAt"],
        "nextAttemptAt": max(row["nextAttemptAt"], row.get("leasedUntil") or row["nextAttemptAt"]),
        "claim": None,
        "giveUpAt": row["createdAt"] + _GIVE_UP_AFTER,
        "doneAt": None,
        "error": row["error"],
        "purgeAt": row["purgeAt"],
    }
