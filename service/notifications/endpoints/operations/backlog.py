"""Whether this process has more to send than it may begin with."""

from service.core.news import WRITTEN
from service.notifications.events.states import EVENT_TYPES


class Backlog:
    """What the sender found last, for whoever makes more for it.

    `is_behind`: requests come in crowds, and more was due than may be begun with. Whatever is made
    then is due after all of that: it would only wait, and the crowd would pay for it.
    """

    def __init__(self) -> None:
        """Begin with nothing that waits."""
        self.is_behind = False

    def note(self, *, behind: bool) -> None:
        """Note what was found; once it is behind no more, whoever waited for that is woken."""
        caught_up = self.is_behind and not behind
        self.is_behind = behind
        if caught_up:
            WRITTEN.notify(EVENT_TYPES)
