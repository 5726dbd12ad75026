"""LOG_LEVEL: in development and in production the same words leave the same lines out."""

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
levels = pytest.mark.parametrize(("level", "logged"), [("", True), ("warning", False)])


def _ask(address: str) -> None:
    answer = httpx.get(address + ASKED, trust_env=False, timeout=IN_TIME)
    assert answer.status_code == 200


@levels
def test_production_logs_requests_and_its_start_at_info_only(
    mongo_uri: str, tmp_path: Path, level: str, logged: bool
) -> None:
    database = {"MONGODB_URI": mongo_uri, "MONGODB_DATABASE": f"level_{uuid4().hex[:12]}"}
    env = READY | database | {"LOG_LEVEL": level}
    with held_port() as port:
        arguments = ("serve", "--port", str(port))
        # A warning, so that it is there at both levels.
        with started(*arguments, cwd=tmp_path, env=env, until="indexes are missing") as running:
            _ask(f"http://127.0.0.1:{port}")
            running.process.send_signal(signal.SIGTERM)
            assert running.process.stdout is not None
            said = running.said + running.process.stdout.read()
    assert (ASKED in said, '"event":"serving"' in said) == (logged, logged)
    assert ('"level":"info"' in said) is logged


@levels
def test_development_logs_requests_at_info_only(tmp_path: Path, level: str, logged: bool) -> None:
    env = {"LOG_LEVEL": level}
    with started("dev", "--port", "0", cwd=tmp_path, env=env, until="Ctrl-C stops it"):
        _ask((tmp_path / ".tillgate" / "address").read_text())
    assert (ASKED in (tmp_path / "stderr.log").read_text()) is logged


def test_a_level_that_there_is_not_is_refused_by_its_name(tmp_path: Path) -> None:
    told = tillgate("doctor", cwd=tmp_path, env={"LOG_LEVEL": "loud"})
    assert told.returncode == 1
    assert "LOG_LEVEL: should be 'debug', 'info', 'warning' or 'error'" in told.stdout + told.stderr
