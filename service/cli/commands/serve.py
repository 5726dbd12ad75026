"""`tillgate serve`: production."""

import os
import socket
import sys
from collections.abc import Callable
from functools import partial

import rich_click as click
import structlog

from service.app import create_app
from service.cli.database import readable_database_errors
from service.cli.options import address_options
from service.cli.serving import run_until_signal, serve
from service.cli.settings import production_settings
from service.cli.workers import work_in_processes
from service.core.errors import Misconfigured
from service.production.problems import problems
from service.settings import Settings
from service.storage.database import Database
from service.stored import drift_of
from service.web.logs.setup import configure_logging
from service.wiring import connected

# Requests in flight may take this long when the process is stopped: see docs/deploy.md.
PATIENCE_S = 30

log = structlog.get_logger(__name__)


@click.command()
@address_options
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="How many processes serve. As many as the machine has cores is enough.",
)
def command(host: str, port: int, workers: int) -> None:
    """Serve in production, and in nothing else: `tillgate dev` is for development.

    Refuses to start on a missing or weak setting, and names every one of them. Neither
    indexes nor an older layout are mended here: `tillgate migrate` does that. SIGTERM lets requests
    in flight end.

    A worker that dies is replaced. Each counts rate limits for itself unless REDIS_URL is set.
    """
    settings, weak = production_settings()
    found = {problem.field: problem for problem in (*problems(settings), *weak)}
    if settings.database.uri is None or found:
        raise Misconfigured(
            f"Tillgate does not start: {len(found)} settings are missing or weak.",
            problems=tuple(found.values()),
        )
    configure_logging(
        production=settings.production, level=settings.web.log_level, stream=sys.stdout
    )
    with readable_database_errors():
        serve_on = partial(_serve_on, settings, settings.database.uri)
        work_in_processes(workers, host, port, serve_on)


def _serve_on(
    settings: Settings, uri: str, listening: socket.socket, started: Callable[[], None]
) -> None:
    run_until_signal(_serve(settings, uri, listening, started))


async def _serve(
    settings: Settings, uri: str, listening: socket.socket, started: Callable[[], None]
) -> None:
    async with connected(settings, uri) as client:
        database = client[settings.database.name]
        app = create_app(settings, database)
        await _warn_of_missing_indexes(database)
        host, port = listening.getsockname()[:2]

        def announce() -> None:
            log.info("serving", host=host, port=port, process=os.getpid())
            started()

        await serve(app, listening, patience_s=PATIENCE_S, started=announce)


async def _warn_of_missing_indexes(database: Database) -> None:
    drift = await drift_of(database)
    missing = [f"{one.collection}.{one.index}" for one in drift if one.kind == "missing"]
    if missing:
        log.warning(
            "indexes are missing: /health/ready answers 503 until `tillgate migrate` ran",
            missing=missing,
        )
