"""The served process and its clients: slow, hanging, huge; and what a signal does to it."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.cli.connections.hostile import KINDS, attack, memory_mb
from tests.cli.running import TILLGATE, Started, clean_environment, ended, started, watch
from tests.cli.test_production import READY
from tests.support.patience import IN_TIME

# Short, so that who waits for their end does not wait long.
SHORT = {"HEADERS_WITHIN_S": "1", "BODY_WITHIN_S": "1", "ANSWER_WITHIN_S": "1"}


# Uvicorn's own patience, of 30 s, is longer than that of any test.
_PATIENT = f"""
from service.cli.commands import serve
from service.cli.start import main
assert serve.PATIENCE_S == 30
serve.PATIENCE_S = {10 * IN_TIME}
main()
"""


@contextmanager
def _served(
    mongo_uri: str, cwd: Path, program: Sequence[str | Path] = (TILLGATE,), **env: str
) -> Iterator[tuple[Started, int]]:
    """Serve production on a database of its own; return the process and its port."""
    database = {"MONGODB_URI": mongo_uri, "MONGODB_DATABASE": f"strangers_{uuid4().hex[:12]}"}
    arguments = ("serve", "--port", "0")
    around = READY | database | {"PYTHONPATH": os.getcwd()} | env
    with started(*arguments, cwd=cwd, env=around, until='"serving"', program=program) as running:
        assert running.process.stdout is not None
        # A log that nobody reads would fill its pipe, and hold the server up.
        threading.Thread(target=running.process.stdout.read, daemon=True).start()
        yield running, running.port


def _call(port: int, sent: bytes) -> socket.socket:
    called = socket.create_connection(("127.0.0.1", port), timeout=IN_TIME)
    called.sendall(sent)
    return called


def _left(called: socket.socket) -> bytes:
    found = b""
    try:
        while piece := called.recv(65_536):
            found += piece
    except ConnectionError:
        pass
    called.close()
    return found


def _live(port: int) -> int:
    return httpx.get(
        f"http://127.0.0.1:{port}/health/live", trust_env=False, timeout=IN_TIME
    ).status_code


def test_slow_clients_are_ended_and_health_answers_meanwhile(
    mongo_uri: str, tmp_path: Path
) -> None:
    with _served(mongo_uri, tmp_path, MAX_CONNECTIONS="64", **SHORT) as (_, port):
        slow = [_call(port, KINDS["a body that stops"](0)) for _ in range(64)]
        assert [_live(port) for _ in range(3)] == [200] * 3
        told = _left(_call(port, b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"))
        assert told.startswith((b"HTTP/1.1 503 ", b"HTTP/1.1 404 "))  # 404: one has given way
        # Nothing, where the word was lost with what the server did not read any more.
        status_lines = {_left(one).split(b"\r\n")[0] for one in slow} - {b""}
        assert status_lines <= {
            b"HTTP/1.1 408 Request Timeout",
            b"HTTP/1.1 503 Service Unavailable",
        }
        assert b"HTTP/1.1 408 Request Timeout" in status_lines
        assert _live(port) == 200


def test_a_client_that_hangs_does_not_delay_the_end_of_the_process(
    mongo_uri: str, tmp_path: Path
) -> None:
    patient = (sys.executable, "-c", _PATIENT)
    with _served(mongo_uri, tmp_path, patient) as (running, port):
        hanging = [_call(port, kind(0)) for name, kind in KINDS.items() if name.endswith("stops")]
        greedy = _call(port, b"GET /openapi.json HTTP/1.1\r\nHost: here\r\n\r\n" * 17)
        assert _live(port) == 200
        process = watch(running.process.pid)
        running.process.send_signal(signal.SIGTERM)
        assert ended(process), "uvicorn waits longer"
        assert running.process.wait(IN_TIME) == 0
        for one in (*hanging, greedy):
            one.close()


# Imports what the command needs, and is told to end in the middle of it. SIGTERM is ignored before,
# as it is for the first process of a container.
_TOLD_WHILE_IMPORTING = """
import os, signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
class Telling:
    def find_spec(self, name, path=None, target=None):
        if name == "litestar":
            os.kill(os.getpid(), signal.SIGTERM)
sys.meta_path.insert(0, Telling())
sys.argv = ["tillgate", "serve"]
{before}
from service.cli.start import main
main()
"""


@pytest.mark.parametrize(
    ("before", "code"),
    [
        ("", 128 + signal.SIGTERM),
        ("import service.cli.signals as it; it.end_on_sigterm = lambda: None", 1),
    ],
    ids=["heard", "control"],
)
def test_a_sigterm_is_heard_while_the_command_is_imported(
    tmp_path: Path, before: str, code: int
) -> None:
    told = subprocess.run(
        [sys.executable, "-c", _TOLD_WHILE_IMPORTING.format(before=before)],
        cwd=tmp_path,
        env=clean_environment({"PYTHONPATH": os.getcwd()}),
        capture_output=True,
        text=True,
        timeout=IN_TIME,
        check=False,
    )
    assert told.returncode == code, told.stderr
    assert ("error Tillgate does not start." in told.stderr) == (code == 1)


def test_a_sigterm_ends_a_start_that_waits_for_the_database(tmp_path: Path) -> None:
    """Nobody answers there, and nobody refuses: the driver would wait for long."""
    with socket.create_server(("127.0.0.1", 0), backlog=8) as silent:
        port = silent.getsockname()[1]
        env = READY | {"MONGODB_URI": f"mongodb://127.0.0.1:{port}/?directConnection=true"}
        process = subprocess.Popen(
            [TILLGATE, "serve", "--port", "0"],
            cwd=tmp_path,
            env=clean_environment(env),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        silent.settimeout(IN_TIME)
        asking, _ = silent.accept()
        watched = watch(process.pid)
        process.send_signal(signal.SIGTERM)
        assert ended(watched)
        assert process.wait(IN_TIME) == 128 + signal.SIGTERM
        asking.close()


# Keeps what it reads: what the test below is to find.
_KEEPING = """
from service.cli.connections.connection import Connection
from service.cli.start import main
kept, read = [], Connection.data_received
def keep(self, data):
    kept.append(bytes(data) * 2)
    read(self, data)
Connection.data_received = keep
main()
"""


@pytest.mark.parametrize(
    ("count", "program", "keeps"),
    [
        (300, (TILLGATE,), False),
        pytest.param(10_000, (TILLGATE,), False, marks=pytest.mark.soak),
        pytest.param(300, (sys.executable, "-c", _KEEPING), True, marks=pytest.mark.soak),
    ],
    ids=["few", "many", "control"],
)
def test_memory_after_slow_and_huge_requests_is_what_it_was(
    mongo_uri: str, tmp_path: Path, count: int, program: tuple[str | Path, ...], keeps: bool
) -> None:
    """What was read and connected for the first time stays, and what the heap has grown to.

    The busier the machine, the more are read at once, and the later the heap has its size: what
    is kept for each request adds to it each time. Many take minutes: soak.
    """
    with _served(mongo_uri, tmp_path, program, IDLE_CONNECTION_S="1", **SHORT) as (running, port):
        asyncio.run(attack(port, 300))
        added = _added(running.process.pid, port, count)
        assert all(mb >= 20 for mb in added) is keeps
        assert _live(port) == 200


def _added(process: int, port: int, count: int) -> Iterator[float]:
    """Yield the MB that each turn of requests adds, of four."""
    for begin in range(count, 5 * count, count):
        before = memory_mb(process)
        asyncio.run(attack(port, count, begin))
        yield memory_mb(process) - before
