"""What SIGTERM does to a command: the process ends, and stops what it started."""

import signal
import sys
from typing import NoReturn


def end_on_sigterm() -> None:
    """Make SIGTERM end the process as Ctrl-C does, so that what was started is stopped.

    The first process of a container has no default handler: until then SIGTERM is ignored.
    """
    signal.signal(signal.SIGTERM, leave)


def leave(number: int, _: object) -> NoReturn:
    """Exit with the code that a shell gives to a process ended by a signal."""
    sys.exit(128 + number)
