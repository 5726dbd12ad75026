"""Named queries on mails, on suppressed addresses and on merchants' templates."""

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from service.core.clock import Clock
from service.core.paging import Cursor
from service.leases.expressions import ends, free
from service.notifications.mail.documents import MailMessage, MailSuppression, MailTemplate
from service.notifications.mail.states import UNDELIVERED, MailStatus
from service.storage.database import Row
from service.storage.paging import Walk, newest_first, read_page
from service.storage.plain import NO_TRANSACTION
from service.storage.transaction import Transaction

_PENDING = MailStatus.PENDING.value


class Outcome(Struct, frozen=True):
    """What a try came to. Of one that stays `pending`, `wait` is how long it waits now.

    `known`: the server said what became of the text, or never got it.
    """

    status: MailStatus
    says: str | None = None
    wait: timedelta = timedelta()
    known: bool = True


async def add_once(rows: Sequence[Row]) -> None:
    """Add mails that are not there yet."""
    await NO_TRANSACTION.insert_missing(MailMessage.get_pymongo_collection(), rows)


async def known(ids: Collection[str]) -> set[str]:
    """Return which of some mails are there, whatever became of them."""
    found = MailMessage.get_pymongo_collection().find({"_id": {"$in": list(ids)}}, {"_id": 1})
    return {row["_id"] for row in await found.to_list()}


async def is_due(clock: Clock) -> bool:
    """Return whether a mail may be sent now."""
    found = await MailMessage.get_pymongo_collection().find_one(_due(clock), {"_id": 1})
    return found is not None


async def claim(limit: int, lease: timedelta, clock: Clock) -> list[MailMessage]:
    """Take what is due longest, and hide it from others for the lease."""
    mails = MailMessage.get_pymongo_collection()
    rows = await mails.find(_due(clock), {"_id": 1}).sort("nextAttemptAt", 1).limit(limit).to_list()
    if not rows:
        return []
    name, ids = secrets.token_hex(8), [row["_id"] for row in rows]
    change = {
        "claim": name,
        "nextAttemptAt": ends(lease, clock),
        "attempts": {"$add": ["$attempts", 1]},
    }
    await mails.update_many(_due(clock) | {"_id": {"$in": ids}}, [{"$set": change}])
    ours = mails.find({"_id": {"$in": ids}, "claim": name}).sort("createdAt", 1)
    return [MailMessage.model_validate(row) for row in await ours.to_list()]


async def begin_handing_over(mail: MailMessage, lease: timedelta, clock: Clock) -> bool:
    """Note that the text goes out now, and hold the mail on; False where another has it."""
    change = {
        "handedOver": {"$add": ["$handedOver", 1]},
        "nextAttemptAt": ends(lease, clock),
    }
    done = await MailMessage.get_pymongo_collection().update_one(_ours(mail), [{"$set": change}])
    return done.matched_count == 1


async def keep(mail: MailMessage, outcome: Outcome, clock: Clock) -> None:
    """Keep what a try came to; of what another has taken since, nothing."""
    now = clock.in_database()
    sent = outcome.status is MailStatus.SENT
    change: Row = {
        "claim": None,
        "error": {"$literal": None if sent else outcome.says},
        "status": outcome.status.value,
        "nextAttemptAt": ends(outcome.wait, clock),
    }
    if sent:
        change |= {"sentAt": now, "answer": {"$literal": outcome.says}}
    if outcome.status is MailStatus.PENDING:
        given_up = {"$lt": ["$giveUpAt", now]}
        change["status"] = {"$cond": [given_up, MailStatus.FAILED.value, _PENDING]}
    if outcome.known:
        change["handedOver"] = 0
    await MailMessage.get_pymongo_collection().update_one(_ours(mail), [{"$set": change}])


async def give_back(mails: Sequence[MailMessage], clock: Clock) -> None:
    """Let go of mails that were taken and not begun: they are due again, as if never taken."""
    for one in mails:
        back = {
            "claim": None,
            "nextAttemptAt": clock.in_database(),
            "attempts": {"$subtract": ["$attempts", 1]},
        }
        await MailMessage.get_pymongo_collection().update_one(_ours(one), [{"$set": back}])


async def find(mail_id: str, merchant_id: str | None, tx: Transaction) -> MailMessage | None:
    """Find a mail of a merchant or, for None, of any."""
    wanted: Row = {"_id": {"$eq": mail_id}}
    if merchant_id is not None:
        wanted["merchantId"] = merchant_id
    row = await MailMessage.get_pymongo_collection().find_one(wanted, session=tx.session)
    return MailMessage.model_validate(row) if row else None


async def page(
    merchant_id: str, status: MailStatus | None, *, cursor: Cursor | None, limit: int
) -> tuple[list[MailMessage], Cursor | None]:
    """Return a page of a merchant's mails, newest first; their state is tested row by row."""
    walk = Walk(
        wanted={"merchantId": merchant_id},
        by="createdAt",
        also={} if status is None else {"status": status.value},
        index="merchant_createdAt",
    )
    mails = MailMessage.get_pymongo_collection()
    rows, following = await read_page(mails, walk, cursor=cursor, limit=limit)
    return [MailMessage.model_validate(row) for row in rows], following


async def waiting(clock: Clock) -> tuple[int, float]:
    """Return how many mails wait, of all merchants, and the age of the oldest in seconds."""
    age = {"$divide": [{"$subtract": [clock.in_database(), "$since"]}, 1000]}
    counted: Row = {"_id": None, "count": {"$sum": 1}, "since": {"$min": "$createdAt"}}
    found = await MailMessage.get_pymongo_collection().aggregate(
        [
            {"$match": {"status": _PENDING}},
            {"$group": counted},
            {"$project": {"count": 1, "age": age}},
        ]
    )
    rows = await found.to_list()
    return (rows[0]["count"], rows[0]["age"]) if rows else (0, 0.0)


async def count_undelivered() -> dict[str, int]:
    """Count the mails that are kept and that nobody got, by how they stand."""
    found = await MailMessage.get_pymongo_collection().aggregate(
        [
            {"$match": {"status": {"$in": [*UNDELIVERED]}}},
            {"$group": {"_id": "$status", "count": {"$sum": 1}}},
        ]
    )
    return {row["_id"]: row["count"] for row in await found.to_list()}


async def send_again(
    mail: MailMessage, give_up_after: timedelta, now: datetime, tx: Transaction
) -> bool:
    """Make a mail due once more, as a new edition; False if it has changed since it was read."""
    wanted = {"_id": mail.id, "status": mail.status.value, "edition": mail.edition}
    change: Row = {
        "status": _PENDING,
        "attempts": 0,
        "handedOver": 0,
        "edition": mail.edition + 1,
        "error": None,
        "nextAttemptAt": now,
        "giveUpAt": now + give_up_after,
    }
    return await tx.change(mail, wanted, {"$set": change}) is not None


async def suppressed(ids: Sequence[str]) -> MailSuppression | None:
    """Return the suppression of an address, by the first of all ids that it may have."""
    wanted = {"_id": {"$in": list(ids)}}
    rows = await MailSuppression.get_pymongo_collection().find(wanted).to_list()
    by_id = {row["_id"]: row for row in rows}
    found = next((by_id[one] for one in ids if one in by_id), None)
    return MailSuppression.model_validate(found) if found else None


async def suppress(suppression: MailSuppression, tx: Transaction = NO_TRANSACTION) -> None:
    """Keep a suppression. Somebody's wish outlives what a server said, and is not forgotten."""
    row = suppression.to_row()
    wanted: Row = {"_id": row.pop("_id"), "reason": {"$ne": "unsubscribed"}}
    known = await MailSuppression.get_pymongo_collection().find_one(
        {"_id": wanted["_id"]}, session=tx.session
    )
    if known is None:
        await tx.insert_missing(MailSuppression.get_pymongo_collection(), [suppression.to_row()])
    else:
        await tx.update(MailSuppression.get_pymongo_collection(), wanted, {"$set": row})


async def lift(ids: Collection[str], merchant_id: str, tx: Transaction) -> MailSuppression | None:
    """Remove a suppression, by any of its ids, and return it."""
    wanted: Row = {"_id": {"$in": list(ids)}, "merchantId": merchant_id}
    row = await MailSuppression.get_pymongo_collection().find_one_and_delete(
        wanted, session=tx.session
    )
    return MailSuppression.model_validate(row) if row else None


async def suppressions(
    merchant_id: str, *, cursor: Cursor | None, limit: int
) -> tuple[list[MailSuppression], Cursor | None]:
    """Return a page of a merchant's suppressions, newest first."""
    rows, following = await newest_first(
        MailSuppression.get_pymongo_collection(),
        {"merchantId": merchant_id},
        by="createdAt",
        cursor=cursor,
        limit=limit,
    )
    return [MailSuppression.model_validate(row) for row in rows], following


async def own_template(
    merchant_id: str, template: str, tx: Transaction = NO_TRANSACTION
) -> MailTemplate | None:
    """Return a merchant's own version of a template, None where it has none."""
    wanted = {"_id": f"{merchant_id}:{template}"}
    row = await MailTemplate.get_pymongo_collection().find_one(wanted, session=tx.session)
    return MailTemplate.model_validate(row) if row else None


async def put_template(template: MailTemplate, tx: Transaction) -> None:
    """Keep a merchant's own version of a template."""
    collection, row = MailTemplate.get_pymongo_collection(), template.to_row()
    await collection.replace_one({"_id": row["_id"]}, row, upsert=True, session=tx.session)


async def drop_template(merchant_id: str, template: str, tx: Transaction) -> bool:
    """Remove a merchant's own version; return whether there was one."""
    wanted = {"_id": f"{merchant_id}:{template}"}
    done = await MailTemplate.get_pymongo_collection().delete_one(wanted, session=tx.session)
    return done.deleted_count == 1


def _due(clock: Clock) -> Row:
    return {"status": _PENDING, "$expr": free("nextAttemptAt", clock)}


def _ours(mail: MailMessage) -> Row:
    return {"_id": mail.id, "claim": mail.claim, "status": _PENDING}
