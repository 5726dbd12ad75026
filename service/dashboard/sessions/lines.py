"""The lines of a session's timeline, from what touched it. Pure."""

from collections.abc import Iterable

from service.extension import Line, detail_of
from service.timeline.operations.entry import Entry

KINDS: dict[str, str] = {
    "move": "State",
    "checkout": "Checkout",
    "event": "Inbox",
    "payment": "Ledger",
    "try": "Try",
    "refund": "Refund",
    "dispute": "Dispute",
    "subscription": "Subscription",
    "outbox": "Outbox",
    "audit": "Audit",
}
"""Kind of a line -> its name. An extension adds its own."""


def lines(entries: Iterable[Entry]) -> list[Line]:
    """Return a line for each entry, in their order."""
    return [_entry(entry) for entry in entries]


def _entry(entry: Entry) -> Line:
    return Line(entry.at, entry.what, entry.summary, entry.tone, detail_of(entry.detail))
