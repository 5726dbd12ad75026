"""A line of a session's timeline. Pure."""

from datetime import datetime

from msgspec import Struct

KINDS: dict[str, str] = {
    "move": "State",
    "call": "Call",
    "checkout": "Checkout",
    "attempt": "Attempt",
    "delivery": "Delivery",
    "event": "Inbox",
    "payment": "Ledger",
    "outbox": "Outbox",
    "audit": "Audit",
}
"""Kind of a line -> its name, in the order in which one asks for them."""


class Line(Struct, frozen=True):
    """One line. `tone` colours it; `detail` is shown when asked for."""

    at: datetime
    kind: str
    text: str
    tone: str = ""
    detail: dict[str, str] = {}

    def after(self, since: datetime) -> str:
        """Return how long after a time it happened; its date where that is long."""
        seconds = (self.at - since).total_seconds()
        return f"{seconds:+.3f} s" if -60 < seconds < 600 else f"{self.at:%F}"
