"""Named queries that find sessions."""

from collections.abc import Collection, Sequence

from service.sessions.documents import TRUSTED, Session, SessionRow
from service.sessions.states import OPEN
from service.storage.database import Row
from service.storage.group_commit.loads import BatchedLoad
from service.storage.group_commit.queue import Limits
from service.storage.transaction import LookUp, Question, Transaction

LOADS = BatchedLoad(
    Session.get_pymongo_collection, ("merchantId", "sessionId"), Limits(items=100, lanes=1)
)

# Worded like the partial index: the planner does not see that an equality implies it.
_INDEXED = {"$type": "string"}

# The index that lets a user have one open checkout session at a time.
ONE_OPEN = "one_open_checkout"


async def find(merchant_id: str, session_id: str) -> Session | None:
    """Find a session by its id."""
    found = await read(merchant_id, session_id)
    return found.document() if found else None


async def find_within(tx: Transaction, merchant_id: str, session_id: str) -> Session | None:
    """Find a session by its id, as a transaction sees it."""
    wanted = {"merchantId": merchant_id, "sessionId": {"$eq": session_id}}
    row = await Session.get_pymongo_collection().find_one(wanted, session=tx.session)
    return Session.model_validate(row) if row else None


async def find_many(merchant_id: str, session_ids: Collection[str]) -> list[Session]:
    """Find sessions by their ids."""
    wanted = {"merchantId": merchant_id, "sessionId": {"$in": sorted(session_ids)}}
    cursor = Session.get_pymongo_collection().find(wanted)
    return [Session.model_validate(row) for row in await cursor.to_list()]


async def read(merchant_id: str, session_id: str) -> SessionRow | None:
    """Find a session by its id, to be shown and not changed."""
    row = await LOADS.load(merchant_id, session_id)
    return SessionRow(row) if row else None


async def find_open_checkout(
    merchant_id: str, user_id: str, plan: str | None, provider: str
) -> Session | None:
    """Find the open checkout session of a user, plan and provider, if no browser opened it."""
    wanted = {
        "merchantId": merchant_id,
        "userId": {"$eq": user_id},
        "plan": plan,
        "provider": provider,
        "owner": TRUSTED,
        "kind": "checkout",
        "status": {"$in": sorted(OPEN)},
    }
    row = await Session.get_pymongo_collection().find_one(wanted)
    return Session.model_validate(row) if row else None


async def has_open_rival(session: Session, tx: Transaction) -> bool:
    """Return whether another open session holds this one's place in the index of open checkouts.

    Worded like the index, so that it finds exactly what the index would refuse.
    """
    [index] = [one for one in Session.Settings.indexes if one.document["name"] == ONE_OPEN]
    place = {name: {"$eq": session.stored(name)} for name in index.document["key"]}
    wanted = {**place, "kind": "checkout", "status": {"$in": sorted(OPEN)}}
    others = {**wanted, "sessionId": {"$ne": session.session_id}}
    found = await Session.get_pymongo_collection().find_one(others, {"_id": 1}, session=tx.session)
    return found is not None


async def find_latest_checkout(merchant_id: str, user_id: str, owner: str | None) -> Session | None:
    """Find a user's most recent checkout session; of an owner, if one is given."""
    wanted: Row = {"merchantId": merchant_id, "userId": {"$eq": user_id}, "kind": "checkout"}
    if owner is not None:
        wanted["owner"] = owner
    row = await Session.get_pymongo_collection().find_one(
        wanted, sort=[("createdAt", -1), ("_id", -1)]
    )
    return Session.model_validate(row) if row else None


async def find_by_checkout(merchant_id: str, ref: str) -> Session | None:
    """Find the session of a provider's checkout."""
    wanted = {"merchantId": merchant_id, "checkoutIds": {"$eq": ref, **_INDEXED}}
    row = await Session.get_pymongo_collection().find_one(wanted)
    return Session.model_validate(row) if row else None


async def checkout_is_taken(provider: str, ref: str) -> bool:
    """Return whether a session of any merchant has a provider's checkout."""
    wanted = {"checkoutIds": {"$eq": ref, **_INDEXED}, "provider": provider}
    return await Session.get_pymongo_collection().find_one(wanted, {"_id": 1}) is not None


def by_provider_ids(
    merchant_id: str, provider: str, refs: Sequence[str], session_ids: Sequence[str]
) -> Question:
    """Return the query for the sessions that an event may mean: by checkout id or session id.

    Each branch has its own index. A provider's id is in at most one session of all merchants.
    """
    look_ups = (
        LookUp("checkoutIds", tuple(refs), fixed={"provider": provider}, also=_INDEXED),
        LookUp("sessionId", tuple(session_ids), fixed={"merchantId": merchant_id}),
    )
    return Question(Session.get_pymongo_collection(), look_ups)


async def find_by_provider_ids(
    merchant_id: str,
    provider: str,
    refs: Sequence[str],
    session_ids: Sequence[str],
    tx: Transaction,
) -> list[Session]:
    """Find the provider's sessions that an event may mean; by checkout, those of all merchants."""
    found = await tx.look_up(by_provider_ids(merchant_id, provider, refs, session_ids))
    return [Session.model_validate(row) for row in found if row["provider"] == provider]
