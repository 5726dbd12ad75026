"""Whether this process has more to send than it may begin with."""

from datetime import datetime

from service.core.news import WRITTEN
from service.notifications.events.states import EVENT_TYPES

ENOUGH = 150
"""Deliveries that are made while requests come in crowds, before the sender looks again."""


class Backlog:
    """What the sender found last, and what was made for it since.

    It is behind where requests come in crowds, and more was due than may be begun with. Whatever is
    made then is due after all of that: it would only wait, and the crowd would pay for it. It is so
    until all that is due has been begun with, also where the crowd has gone meanwhile.
    """

    def __init__(self) -> None:
        """Begin with nothing that waits."""
        self._is_busy = self._is_behind = False
        self._made = 0
        self._due_since: datetime | None = None

    @property
    def is_enough(self) -> bool:
        """Return whether nothing more is to be made just now."""
        return self._is_behind or (self._is_busy and self._made >= ENOUGH)

    def add(self, count: int) -> None:
        """Note how many were made."""
        self._made += count

    def keep(self, due_since: datetime) -> None:
        """Note since when something is due that was made: long ago, where it had to wait for it."""
        self._due_since = min(due_since, self._due_since or due_since)

    def take(self) -> datetime | None:
        """Return since when something is due that was made after the last call, if anything was."""
        due_since, self._due_since = self._due_since, None
        return due_since

    def note(self, *, busy: bool, more: bool) -> None:
        """Note whether there are crowds, and whether more was due than was begun with.

        Once it is enough no more, whoever waited for that is woken.
        """
        was_enough = self.is_enough
        self._is_behind = more and (busy or self._is_behind)
        self._is_busy, self._made = busy, 0
        if was_enough and not self.is_enough:
            WRITTEN.notify(EVENT_TYPES)
