"""`tillgate dev`: everything, with nothing configured."""

import logging
import socket
from pathlib import Path

import rich_click as click

from service.cli.addresses import listen
from service.cli.database import (
    brought_up_to_date,
    database_address,
    readable_database_errors,
    writable,
)
from service.cli.development.banner import Running, print_banner
from service.cli.development.generated import generate, keep_out_of_git
from service.cli.development.mailbox import app_with_mailbox
from service.cli.options import address_options, data_dir_option, operator
from service.cli.screen import say, warn
from service.cli.serving import run_until_signal, serve
from service.cli.settings import (
    DOT_ENV,
    development_env,
    note_address,
    settings_of,
)
from service.core.clock import SystemClock
from service.core.errors import Misconfigured
from service.extension import Extension, find_extension
from service.settings import Settings, load_settings
from service.web.logs.setup import at_least, configure_logging
from service.wiring import connected

PATIENCE_S = 10


@click.command()
@address_options
@data_dir_option
def command(host: str, port: int, data_dir: Path) -> None:
    """Start everything for development: a real MongoDB, generated keys, a few prices.

    Nothing needs to be set; a variable of the environment or of `.env` wins over a generated one.
    The database of the data directory is stopped with the service, and kept for the next time.
    The sandbox plays the providers, where it is installed.
    """
    outside = load_settings((DOT_ENV,))
    if outside.production:
        raise Misconfigured("ENVIRONMENT is production: use `tillgate serve`, or unset it.")
    extension = find_extension()
    configure_logging(production=False, level=outside.web.log_level)
    at_least(logging.WARNING, "uvicorn.error")  # the banner names where it serves
    with (
        writable(data_dir),
        database_address(outside, data_dir, share=False) as uri,
        listen(host, port) as listening,
        readable_database_errors(),
    ):
        running = _prepare(outside, data_dir, _url(listening))
        run_until_signal(_serve(running, uri, listening, extension))


def _prepare(outside: Settings, data_dir: Path, address: str) -> Running:
    """Generate what is missing, once the directory and the port are known to be ours."""
    keep_out_of_git(data_dir)
    but = frozenset({"JWT_SECRET"} if outside.access.jwt_jwks_url else ())
    keys_are_new = generate(development_env(data_dir), but=but)
    note_address(data_dir, address)
    settings = settings_of(data_dir)
    return Running(address, settings, data_dir, development_env(data_dir), keys_are_new)


async def _serve(
    running: Running, uri: str, listening: socket.socket, extension: Extension | None
) -> None:
    settings = running.settings
    async with connected(settings, uri, as_is=True) as client:
        database = client[settings.database.name]
        ran, drift = await brought_up_to_date(database)
        for migration in ran:
            say(f"migrated {migration.id}: {migration.name}")
        for one in drift:
            warn(f"index {one}")
        if extension is not None:
            await extension.prepare(operator(), SystemClock().now())
        async with app_with_mailbox(running, database, extension) as app:

            def announce() -> None:
                print_banner(running, uri, extension)

            await serve(app, listening, patience_s=PATIENCE_S, started=announce)


def _url(listening: socket.socket) -> str:
    """Return the address at which a browser on this machine reaches us."""
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - any address
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
