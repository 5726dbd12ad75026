"""LOG_LEVEL: in development and in production the same words leave the same lines out.

The controls: `test_serve` waits for a line of `info`, `test_dev` finds one of a request.
"""

import signal
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.cli.running import started, tillgate
from tests.cli.test_production import READY
from tests.support.patience import IN_TIME
from tests.support.ports import held_port

# A request that is logged; a server that is still starting answers it once it serves.
ASKED = "/openapi.json"


def _ask(address: str) -> None:
    answer = httpx.get(address + ASKED, trust_env=False, timeout=IN_TIME)
    assert answer.status_code == 200


def test_above_info_production_logs_neither_its_start_nor_requests(
    mongo_uri: str, tmp_path: Path
) -> None:
    database = {"MONGODB_URI": mongo_uri, "MONGODB_DATABASE": f"level_{uuid4().hex[:12]}"}
    env = READY | database | {"LOG_LEVEL": "warning"}
    with held_port() as port:
        arguments = ("serve", "--port", str(port))
        with started(*arguments, cwd=tmp_path, env=env, until="indexes are missing") as running:
            _ask(f"http://127.0.0.1:{port}")
            running.process.send_signal(signal.SIGTERM)
            assert running.process.stdout is not None
            said = running.said + running.process.stdout.read()
    assert ASKED not in said
    assert '"level":"info"' not in said


@pytest.mark.soak
def test_above_info_development_logs_no_requests(tmp_path: Path) -> None:
    """Soak: it starts a development server, which logs by the same words as production."""
    env = {"LOG_LEVEL": "warning"}
    with started("dev", "--port", "0", cwd=tmp_path, env=env, until="Ctrl-C stops it"):
        _ask((tmp_path / ".tillgate" / "address").read_text())
    assert ASKED not in (tmp_path / "stderr.log").read_text()


def test_a_level_that_there_is_not_is_refused_by_its_name(tmp_path: Path) -> None:
    told = tillgate("doctor", cwd=tmp_path, env={"LOG_LEVEL": "loud"})
    assert told.returncode == 1
    assert "LOG_LEVEL: should be 'debug', 'info', 'warning' or 'error'" in told.stdout + told.stderr
