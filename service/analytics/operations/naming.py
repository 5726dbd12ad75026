"""What payments were made for, also those that don't say it themselves."""

from collections.abc import Sequence

from service.analytics.operations.deriving import item_of
from service.analytics.repository import sources
from service.storage.database import Row


async def with_items(merchant_id: str, payments: Sequence[Row]) -> Sequence[Row]:
    """Add to payments as `item` what each was made for, and return them.

    A payment knows its plan itself, which is called by its name where that was read. A pass or an
    event is its session's, as long as there is one; then what the catalog called it is all that is
    known.
    """
    unnamed: list[Row] = []
    for row in payments:  # half a million of a file, so none is copied
        row["item"] = row.get("planName") or row.get("planId")
        if not row.get("planId") and row.get("sessionId"):
            unnamed.append(row)
    named = sorted({row["sessionId"] for row in unnamed})
    of = sources.OfSessions(merchant_id, named, None)
    opened = await sources.sessions_of(of, ("sessionId", "plan", "passId", "eventId"))
    items = {one["sessionId"]: item_of(one) for one in opened}
    for row in unnamed:
        row["item"] = items.get(row["sessionId"]) or row["item"]
    return payments
