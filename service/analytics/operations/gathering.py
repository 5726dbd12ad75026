"""Rows as facts, and which of these say something new."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from service.analytics.operations.deriving import DERIVE, FIELDS, Beside, item_of
from service.analytics.repository import sources
from service.analytics.states import quarter_of
from service.payments.attempts.documents import Attempt
from service.sessions.documents import Session
from service.storage.database import Row
from service.storage.transaction import Transaction

SESSIONS: Final = Session.collection_name()
TRIES: Final = Attempt.collection_name()


async def derived(source: str, merchant_id: str, rows: Sequence[Row], tx: Transaction) -> list[Row]:
    """Return rows as facts. A try that failed changes what its session is counted as, too."""
    named = {row["sessionId"] for row in rows if row.get("sessionId")}
    of = sources.OfSessions(merchant_id, named, tx.session)
    opened: Sequence[Row] = rows
    if source != SESSIONS:
        opened = await sources.sessions_of(of, FIELDS[SESSIONS])
    items = {one["sessionId"]: item_of(one) for one in opened}
    tries = await sources.tries_of(of) if source in {SESSIONS, TRIES} else {}
    beside = Beside(items, tries)
    found = [fact for row in rows for fact in DERIVE[source](row, beside)]
    if source == TRIES:
        found += [fact for one in opened for fact in DERIVE[SESSIONS](one, beside)]
    return found


def newer(fact: Row, known: Row | None) -> Row | None:
    """Return a fact that says something else than the one that is known; None where it does not.

    What it was paid for stays known when its session is purged.
    """
    if known is None:
        return fact
    if fact["sourceAt"] < known["sourceAt"]:
        return None
    fact = fact | {"item": fact["item"] or known["item"], "sourceAt": fact["sourceAt"]}
    return None if fact | {"sourceAt": known["sourceAt"]} == known else fact


def touched(rows: Iterable[Row]) -> Counter[tuple[str, datetime]]:
    """Return how often facts touch which quarter-hours, by merchant."""
    return Counter((row["merchantId"], quarter_of(row["at"])) for row in rows)
