"""How often a subscription is read because somebody asks, in this process."""

from datetime import datetime
from typing import Final

MOST_A_MINUTE: Final = 30
"""Each reading is two calls of the provider and an event that is kept for months."""

_MOST_COUNTED = 100_000


class Pace:
    """Counts within minutes; what is read by messages and jobs is not counted."""

    def __init__(self) -> None:
        """Begin with nothing asked."""
        self._minute = 0
        self._counts: dict[tuple[str, ...], int] = {}

    def may_ask(self, what: tuple[str, ...], now: datetime) -> bool:
        """Count once more, and return whether what is asked for may be read now."""
        minute = int(now.timestamp()) // 60
        if minute != self._minute or len(self._counts) >= _MOST_COUNTED:
            self._minute, self._counts = minute, {}
        self._counts[what] = asked = self._counts.get(what, 0) + 1
        return asked <= MOST_A_MINUTE
