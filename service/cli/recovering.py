"""What the commands about recovery share: the services."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from service.cli.database import with_database
from service.core.clock import SystemClock
from service.recovery.operations.services import RecoveryServices
from service.settings import Settings
from service.storage.database import Database
from service.wiring import build_container, close_providers

T = TypeVar("T")


def with_recovery(data_dir: Path, do: Callable[[RecoveryServices], Awaitable[T]]) -> T:
    """Run a command's work with the services of recovery."""

    async def work(settings: Settings, database: Database) -> T:
        container = build_container(settings, SystemClock(), database)
        try:
            return await do(container.recovering)
        finally:
            await close_providers(container.providers)

    return with_database(data_dir, work)
