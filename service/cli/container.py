"""The container of a command: what the service is built of, on the command's database."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from service.cli.database import with_database
from service.core.clock import SystemClock
from service.providers.registry import close_providers
from service.settings import Settings
from service.storage.database import Database
from service.wiring import Container, build_container

T = TypeVar("T")


def with_container(data_dir: Path, work: Callable[[Container], Awaitable[T]]) -> T:
    """Run a command's work with what the service is built of; raises as `with_database` does."""

    async def built(settings: Settings, database: Database) -> T:
        container = build_container(settings, SystemClock(), database)
        try:
            return await work(container)
        finally:
            await close_providers(container.providers)

    return with_database(data_dir, built)
