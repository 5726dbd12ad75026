"""What kills the process that it is in, by a signal, in the midst of its words to the database."""

import asyncio
import gc
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Coroutine
from typing import Any, Final

import pytest
from pymongo import monitoring

from tests.support.limits import take_all_the_time

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


def run_jobs(run: Callable[[dict[str, Any]], Coroutine[Any, Any, None]]) -> None:
    """Run each job, a line of JSON, in a child, and tell how it ended: by a signal, or a code.

    Forked after the imports: a whole start for each would take seconds.
    """
    take_all_the_time(pytest.MonkeyPatch())
    gc.freeze()  # a child that looked through all that would copy it
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            _run(run, json.loads(line))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"over {os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def _run(run: Callable[[dict[str, Any]], Coroutine[Any, Any, None]], job: dict[str, Any]) -> None:
    code = 0
    try:
        asyncio.run(run(job))
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
