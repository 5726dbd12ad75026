"""One line of a timeline."""

from datetime import datetime
from typing import Literal

from msgspec import Struct, field

from service.core.strict_json import JsonObject

What = Literal[
    "move",
    "checkout",
    "event",
    "payment",
    "try",
    "refund",
    "dispute",
    "subscription",
    "outbox",
    "audit",
]

# One commit writes all of these at one moment; shown in this order they read as what led to what.
CAUSES_FIRST: tuple[What, ...] = (
    *("event", "audit", "try", "payment", "refund", "dispute", "subscription"),
    *("move", "checkout", "outbox"),
)

Tone = Literal["", "good", "info", "warn", "bad"]


class Entry(Struct, frozen=True):
    """One thing that touched the session. `summary` says it in words, `tone` is what news it is."""

    at: datetime
    what: What
    summary: str
    detail: JsonObject = field(default_factory=dict)
    tone: Tone = ""


def what_is_known(values: JsonObject) -> JsonObject:
    """Return those of some values that there are."""
    return {name: value for name, value in values.items() if value is not None}
