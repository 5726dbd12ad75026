"""Keep a session that an event meets from a purge that goes on at the same time."""

from datetime import datetime, timedelta

from service.sessions import repository
from service.sessions.documents import Session
from service.storage.transaction import Transaction

# The clocks of two machines differ by less.
_AHEAD = timedelta(hours=1)


async def hold_back(tx: Transaction, session: Session, now: datetime) -> Session:
    """Write a session that a purge may be looking at, so that one of the two has to look again.

    The purge asks what still needs a session, and an event may write just that (a payment under
    way) without a word in the session. This is that word, and it takes the purge's mark away.
    """
    if session.purge_at is None or session.purge_at > now + _AHEAD:
        return session
    return await repository.change(session, {"$set": {"deletableAt": None, "updatedAt": now}}, tx)
