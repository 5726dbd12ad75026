"""The service in a process of its own: `python -m tests.failovers.served URI PORT_FILE`.

With `unmended` the driver waits for its conditions as it does by itself.
"""

import asyncio
import sys
from pathlib import Path

import pymongo.lock

from service.cli.addresses import listen
from service.cli.commands.serve import _serve
from service.cli.serving import run_until_signal
from service.cli.signals import end_on_sigterm
from service.web.logs.setup import configure_logging
from tests.support.settings import make_settings


def main(uri: str, port_file: Path) -> None:
    """Serve until SIGTERM; the port stands in the file once it serves."""
    end_on_sigterm()
    configure_logging(production=True, stream=sys.stdout)
    with listen("127.0.0.1", 0) as listening:
        port = listening.getsockname()[1]
        work = _serve(
            make_settings(ENVIRONMENT="production"), uri, listening, lambda: _told(port_file, port)
        )
        run_until_signal(work)


def _told(port_file: Path, port: int) -> None:
    port_file.write_text(str(port))


if __name__ == "__main__":
    if "unmended" in sys.argv:
        pymongo.lock.wait_for = asyncio.wait_for  # type: ignore[attr-defined]
    main(sys.argv[1], Path(sys.argv[2]))
