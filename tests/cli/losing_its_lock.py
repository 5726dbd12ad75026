"""`tillgate`, whose driver loses its lock at SIGUSR2, and whose watchdog is quick to notice."""

import signal
from typing import Any

from service.cli import serving
from service.cli.main import cli
from service.storage import watchdog
from service.storage.documents import bound_client


def _lose_lock(_number: int, _frame: object) -> None:
    lock: Any = bound_client()._topology._lock
    lock._locked = True


if __name__ == "__main__":
    watchdog.LOOK_EVERY_S = 0.25
    serving.STUCK_ENDS_WITHIN_S = 0.5
    signal.signal(signal.SIGUSR2, _lose_lock)
    cli()
