"""What SIGTERM does to a command: the process ends, and what was started is stopped."""

import signal
import sys
from typing import NoReturn


def end_on_sigterm() -> None:
    """Make SIGTERM end the process as Ctrl-C does, so that what was started is stopped.

    The first process of a container has no default: until then a SIGTERM is not heard at all.
    """
    signal.signal(signal.SIGTERM, leave)


def leave(number: int, _: object) -> NoReturn:
    """End with the code that a shell gives to a process that a signal ended."""
    sys.exit(128 + number)
