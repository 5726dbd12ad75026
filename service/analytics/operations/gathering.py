"""Rows as facts, and which of these say something new."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Final

from service.analytics.operations.deriving import (
    DERIVE,
    FIELDS,
    Beside,
    item_of,
    of_lead,
    of_session,
    regressed,
)
from service.analytics.repository import sources
from service.analytics.states import quarter_of
from service.intents.documents import PaymentIntent
from service.payments.attempts.documents import Attempt
from service.payments.disputes.documents import Dispute
from service.payments.refunds.documents import Refund
from service.sessions.documents import Session
from service.sessions.states import Status
from service.storage.database import Row
from service.storage.transaction import Transaction

SESSIONS: Final = Session.collection_name()
LEADS: Final = PaymentIntent.collection_name()
_CHANGE_SESSIONS: Final = frozenset(
    one.collection_name() for one in (Session, Attempt, Refund, Dispute)
)


async def derived(source: str, merchant_id: str, rows: Sequence[Row], tx: Transaction) -> list[Row]:
    """Return rows as facts, and as what their sessions and the leads of these are counted now.

    A try that failed and money that went back change that, too.
    """
    if source == LEADS:
        return await _leads(merchant_id, rows, tx)
    if source == SESSIONS:
        return await _sessions(merchant_id, rows, tx)
    named = {row["sessionId"] for row in rows if row.get("sessionId")}
    opened = await sources.sessions_of(_of(merchant_id, named, tx), FIELDS[SESSIONS])
    beside = Beside({one["sessionId"]: item_of(one) for one in opened}, {})
    found = [fact for row in rows for fact in DERIVE[source](row, beside)]
    changing = rows
    if source not in _CHANGE_SESSIONS:
        changing = [row for row in rows if row.get("refunded") or row.get("held")]
    changed = {row.get("sessionId") for row in changing}
    anew = [one for one in opened if one["sessionId"] in changed]
    return [*found, *await _sessions(merchant_id, anew, tx)]


async def _sessions(merchant_id: str, rows: Sequence[Row], tx: Transaction) -> list[Row]:
    found = await _opened(merchant_id, rows, tx)
    followed = {row["intentId"] for row in rows if row.get("intentId")}
    leads = await sources.leads_of(merchant_id, followed, FIELDS[LEADS], tx.session)
    return [*found.values(), *await _leads(merchant_id, leads, tx)]


async def _leads(merchant_id: str, rows: Sequence[Row], tx: Transaction) -> list[Row]:
    named = {one for row in rows for one in row["followedBy"]}
    opened = await sources.sessions_of(_of(merchant_id, named, tx), FIELDS[SESSIONS])
    known = await _opened(merchant_id, opened, tx)
    return [of_lead(row, [known[one] for one in row["followedBy"] if one in known]) for row in rows]


async def _opened(merchant_id: str, rows: Sequence[Row], tx: Transaction) -> dict[str, Row]:
    """Return the facts of sessions, by the ids of these."""
    of = _of(merchant_id, {row["sessionId"] for row in rows}, tx)
    paid = {row["sessionId"] for row in rows if row["status"] == Status.COMPLETED}
    back = await sources.gave_back(_of(merchant_id, paid, tx))
    beside = Beside({}, await sources.tries_of(of), back)
    return {row["sessionId"]: of_session(row, beside) for row in rows}


def _of(merchant_id: str, session_ids: Collection[str], tx: Transaction) -> sources.OfSessions:
    return sources.OfSessions(merchant_id, sorted(session_ids), tx.session)


def newer(fact: Row, known: Row | None) -> Row | None:
    """Return a fact that says something else than the one that is known; None where it does not.

    What it was paid for stays known when its session is purged, and how far a lead came, and whose
    it was.
    """
    if known is None:
        return fact
    if fact["sourceAt"] < known["sourceAt"]:
        return None
    fact = fact | {name: fact[name] or known[name] for name in ("item", "payer")}
    if regressed(fact, known):
        fact |= {"state": known["state"], "provider": known["provider"]}
    return None if fact | {"sourceAt": known["sourceAt"]} == known else fact


def touched(rows: Iterable[Row]) -> Counter[tuple[str, datetime]]:
    """Return how often facts touch which quarter-hours, by merchant."""
    return Counter((row["merchantId"], quarter_of(row["at"])) for row in rows)
