"""`tillgate dev`: everything, with nothing configured."""

import socket
from dataclasses import replace
from functools import partial
from pathlib import Path

import rich_click as click

from service.app import create_app
from service.cli.database import database_address, database_errors_told, writable
from service.cli.development.banner import Running, print_banner
from service.cli.development.demo_prices import put_demo_prices
from service.cli.development.generated import generate, keep_out_of_git
from service.cli.options import address_options, data_dir_option, operator
from service.cli.screen import warn
from service.cli.serving import listen, run_until_signal, serve
from service.cli.settings import DOT_ENV, development_env, note_address, settings_of
from service.core.clock import SystemClock
from service.core.errors import Misconfigured
from service.settings import Settings, load_settings
from service.storage.database import Database
from service.storage.indexes import apply_indexes
from service.web.logs.setup import configure_logging
from service.wiring import DOCUMENTS, connected

PATIENCE_S = 10


@click.command()
@address_options
@data_dir_option
def command(host: str, port: int, data_dir: Path) -> None:
    """Start everything for development: a real MongoDB, generated keys, a few prices.

    Nothing needs to be set; a variable of the environment or of `.env` wins over a generated one.
    The database of the data directory is stopped with the service and kept for the next time.
    """
    settings, keys_are_new = _prepare(data_dir)
    configure_logging(production=False)
    with (
        database_address(settings, data_dir, share=False) as uri,
        listen(host, port) as listening,
        database_errors_told(),
    ):
        settings = _reached_at(settings, listening)
        running = Running(
            address=settings.web.public_url,
            settings=settings,
            database=_named(settings, uri),
            data_dir=data_dir,
            keys_file=development_env(data_dir),
            keys_are_new=keys_are_new,
        )
        run_until_signal(_serve(running, uri, listening))
