"""A line of a session's timeline. Pure."""

from dataclasses import dataclass, field
from datetime import datetime

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


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `tone` colours it; `detail` is shown when asked for."""

    at: datetime
    kind: str
    text: str
    tone: str = ""
    detail: dict[str, str] = field(default_factory=dict)
