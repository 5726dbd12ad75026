"""The lines of a session's timeline, from what touched it. Pure."""

from collections.abc import Iterable

from service.extension import Line, detail_of
from service.timeline.operations.gather import Entry

KINDS: dict[str, str] = {
    "move": "State",
    "checkout": "Checkout",
    "event": "Inbox",
    "payment": "Ledger",
    "outbox": "Outbox",
    "audit": "Audit",
}
"""Kind of a line -> its name. An extension adds its own."""


def lines(entries: Iterable[Entry]) -> list[Line]:
    """Return a line for each entry, in their order."""
    return [_entry(entry) for entry in entries]


def _entry(entry: Entry) -> Line:
    return Line(entry.at, entry.what, entry.summary, _entry_tone(entry), detail_of(entry.detail))


def _entry_tone(entry: Entry) -> str:
    if entry.what == "move":
        moved = entry.summary.partition("to ")[2]
        if moved.startswith("completed"):
            return "good"
        return "bad" if moved.startswith(("failed", "expired", "canceled")) else ""
    if entry.what == "event":
        failed = any(f", {word}" in entry.summary for word in ("review", "failed", "parked"))
        return "warn" if failed else ""
    return ""
