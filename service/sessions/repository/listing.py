"""Named queries that list sessions; each goes by an index, and what none serves is bounded."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from service.core.paging import Cursor, Swept
from service.providers.registry import ProviderName
from service.sessions.documents import TRUSTED, Session
from service.sessions.states import Status
from service.storage.database import WRITTEN_AT, Row
from service.storage.paging import Walk, read_page
from service.storage.sweeps import sweep

# What a list of sessions does not show.
_HEAVY = ("history", "checkouts", "opening")
_CHANGED = "merchant_writtenAt"


class Listed(Struct, frozen=True, kw_only=True):
    """Which sessions a list shows; None: any. `owner` is who opened them."""

    merchant_id: str
    now: datetime
    owner: str | None = None
    user_id: str | None = None
    status: Status | None = None
    email: str | None = None
    event_id: str | None = None
    plan: str | None = None
    provider: ProviderName | None = None
    has_checkout: bool | None = None


async def page(
    listed: Listed, *, cursor: Cursor | None, limit: int
) -> tuple[list[Session], Cursor | None]:
    """Return a page of sessions; lazily expired ones count as expired.

    Those of a user or an email address newest first, those of all by their last change, the latest
    first.
    """
    rows, following = await read_page(
        Session.get_pymongo_collection(), _walk(listed), cursor=cursor, limit=limit
    )
    return [Session.model_validate(row) for row in rows], following


async def page_of_changed(
    listed: Listed, since: datetime, *, cursor: Cursor | None, limit: int
) -> Swept[Session]:
    """Return a page of the sessions that were changed since a moment, the oldest change first."""
    walk = Walk(
        wanted={"merchantId": listed.merchant_id},
        also=_filters(listed),
        by=WRITTEN_AT,
        index=_CHANGED,
        ascending=True,
        leave_out=_HEAVY,
    )
    swept = await sweep(Session.get_pymongo_collection(), walk, since, cursor=cursor, limit=limit)
    sessions = [Session.model_validate(row) for row in swept.found]
    return Swept(sessions, swept.following, swept.until)


async def ids_of_email(
    merchant_id: str, email: str, limit: int, *, vouched: bool = False
) -> Sequence[str]:
    """Return the ids of the latest sessions that were opened with an email address.

    `vouched`: only those that a server or the user opened, or that were completed.
    """
    wanted: Row = {"merchantId": merchant_id, "email": _email(email)}
    if vouched:
        wanted["$or"] = [{"owner": TRUSTED}, {"status": Status.COMPLETED.value}]
    found = Session.get_pymongo_collection().find(
        wanted, {"sessionId": 1}, hint="merchant_email_createdAt"
    )
    rows = await found.sort([("createdAt", -1), ("_id", -1)]).limit(limit).to_list()
    return [row["sessionId"] for row in rows]


def _walk(listed: Listed) -> Walk:
    """Return how a list is read: by the index that fits best, the other filters row by row."""
    wanted: Row = {"merchantId": listed.merchant_id}
    also = _filters(listed)
    by, index = "createdAt", "merchant_user_createdAt"
    if "userId" in also:
        wanted["userId"] = also.pop("userId")
    elif "email" in also:
        wanted["email"], index = also.pop("email"), "merchant_email_createdAt"
    else:
        by, index = WRITTEN_AT, _CHANGED
    return Walk(wanted=wanted, also=also, by=by, index=index, leave_out=_HEAVY)


def _filters(listed: Listed) -> Row:
    """Return all filters; values are compared, never interpreted."""
    given = {
        "owner": listed.owner,
        "userId": listed.user_id,
        "eventId": listed.event_id,
        "plan": listed.plan,
        "provider": listed.provider,
    }
    filters: Row = {name: {"$eq": value} for name, value in given.items() if value is not None}
    if listed.email is not None:
        filters["email"] = _email(listed.email)
    if listed.has_checkout is not None:
        filters["providerSessionId"] = {"$ne" if listed.has_checkout else "$eq": None}
    return filters | _standing(listed.status, listed.now)


def _email(email: str) -> Row:
    # In the words of the partial index.
    return {"$eq": email, "$type": "string"}


def _standing(status: Status | None, now: datetime) -> Row:
    if status is None:
        return {}
    if status is Status.EXPIRED:
        overdue = {"status": Status.PENDING.value, "expiresAt": {"$lte": now}}
        return {"$or": [{"status": Status.EXPIRED.value}, overdue]}
    if status is Status.PENDING:
        return {"status": Status.PENDING.value, "expiresAt": {"$gt": now}}
    return {"status": status.value}
