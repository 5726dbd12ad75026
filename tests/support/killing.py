"""What kills the process that it is in, by a signal, in the midst of its words to the database."""

import os
import signal
from typing import Final

from pymongo import monitoring

WRITES: Final = frozenset({"insert", "update", "delete", "findAndModify", "commitTransaction"})
WORDS: Final = WRITES | {"aggregate", "find"}


class Killer(monitoring.CommandListener):
    """Ends the process before the n-th of some commands since it was armed."""

    def __init__(self, words: frozenset[str] = WORDS, of: str | None = None) -> None:
        """Have it wait; `words` are the commands that count, `of` a collection where one alone."""
        self.left: int | None = None
        self._words, self._of = words, of
        monitoring.register(self)

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        """End the process, or count."""
        if self.left is None or event.command_name not in self._words:
            return
        if self._of not in {None, event.command[event.command_name]}:
            return
        if self.left == 0:
            end()
        self.left -= 1

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Do nothing."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Do nothing."""


def end() -> None:
    """End this process as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)
