"""Named queries about sessions that were left, and what else their customers did."""

from collections.abc import Sequence
from datetime import datetime

from bson import Timestamp
from msgspec import Struct

from service.core.paging import Cursor
from service.sessions.documents import TRUSTED, Session
from service.sessions.states import Status
from service.storage.database import WRITTEN_AT, Row
from service.storage.paging import Walk, read_page

_UNPAID = [Status.PENDING.value, Status.EXPIRED.value]
# Of one customer for one thing, the newest: who has more at once is no customer.
_MOST = 50
_READ = {
    "_id": 0,
    **dict.fromkeys(("sessionId", "status", "owner", "createdAt", "completedAt"), 1),
}
# Anybody may open sessions in a customer's name in a browser: unpaid ones say nothing of them, and
# must not take the places of those that do.
_TELLING: Row = {
    "$or": [
        {"owner": TRUSTED},
        {"status": {"$in": [Status.PROCESSING.value, Status.COMPLETED.value]}},
    ]
}


class Bought(Struct, frozen=True, kw_only=True):
    """Another session of a customer for the same thing, and where it stands."""

    session_id: str
    status: Status
    trusted: bool
    created_at: datetime
    completed_at: datetime | None


def item_of(kind: str, plan: str | None, event_id: str | None, pass_id: str | None) -> str:
    """Return what a session sells, as one text: the same for whatever is the same to a customer."""
    return f"plan:{plan}" if kind == "checkout" else f"event:{event_id}:{pass_id or ''}"


async def page_of_left(
    merchant_id: str, since: int, until: int, *, cursor: Cursor | None, limit: int
) -> tuple[list[Session], Cursor | None]:
    """Return a page of the unpaid sessions whose email address a server or a token vouched for.

    Of those that were last changed in some seconds by the database's clock, `since` included and
    `until` not; the oldest change first. The index on the time of the last change serves it, so
    each session is read once after it was changed last, and no other index is needed.
    """
    walk = Walk(
        wanted={
            "merchantId": merchant_id,
            WRITTEN_AT: {"$gte": Timestamp(since, 0), "$lt": Timestamp(until, 0)},
        },
        also={"status": {"$in": _UNPAID}, "emailVouched": True},
        by=WRITTEN_AT,
        index="merchant_writtenAt",
        ascending=True,
        leave_out=("history", "opening"),
    )
    rows, following = await read_page(
        Session.get_pymongo_collection(), walk, cursor=cursor, limit=limit
    )
    return [Session.model_validate(row) for row in rows], following


async def others_of(session: Session) -> Sequence[Bought]:
    """Return what else a session's user, or its email address, has for the same, the newest first.

    What others opened in their name counts once it is being paid.
    """
    same: Row = {"merchantId": session.merchant_id, **_sells(session), **_TELLING}
    of_user = same | {"userId": {"$eq": session.user_id}}
    found = await _newest(of_user, "merchant_user_createdAt")
    if session.email is not None:
        email = {"$eq": session.email, "$type": "string"}  # in the words of the partial index
        found += await _newest(same | {"email": email}, "merchant_email_createdAt")
    return [_bought(row) for row in found if row["sessionId"] != session.session_id]


def _sells(session: Session) -> Row:
    """Return the query for what sells the same, as `item_of` has it."""
    if session.kind == "checkout":
        return {"kind": session.kind, "plan": {"$eq": session.plan}}
    event = {"eventId": {"$eq": session.event_id}, "passId": {"$eq": session.pass_id}}
    return {"kind": session.kind, **event}


async def _newest(wanted: Row, index: str) -> list[Row]:
    found = Session.get_pymongo_collection().find(wanted, _READ, hint=index)
    return await found.sort([("createdAt", -1), ("_id", -1)]).limit(_MOST).to_list()


def _bought(row: Row) -> Bought:
    return Bought(
        session_id=row["sessionId"],
        status=Status(row["status"]),
        trusted=row["owner"] == TRUSTED,
        created_at=row["createdAt"],
        completed_at=row["completedAt"],
    )
