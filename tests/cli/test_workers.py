"""`tillgate serve --workers`: several processes on one address."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from click.testing import CliRunner

from service.cli.addresses import PortInUse, listen, reserve, share
from service.cli.main import cli
from service.cli.serving import EXIT_STUCK
from tests.cli.running import (
    TILLGATE,
    Started,
    clean_environment,
    ended,
    started,
    tillgate,
    watch,
)
from tests.cli.test_production import READY
from tests.support.patience import IN_TIME

SECRET = READY["API_SECRET_KEYS"].rpartition(":")[2]
ADMIN = READY["API_ADMIN_KEYS"].rpartition(":")[2]
CONNECTIONS = 32

# Workers that are as patient with a request as can be, and of whom none has ever settled.
_PATIENT = f"""
from service.cli import workers
from service.cli.commands import serve
from service.cli.connections import door
from service.cli.start import main
assert (workers.STABLE_AFTER_S, serve.PATIENCE_S, door.LEAVING_S) == (10, 30, 5)
workers.STABLE_AFTER_S = serve.PATIENCE_S = door.LEAVING_S = {10 * IN_TIME}
main()
"""


@dataclass(frozen=True, slots=True)
class Crew:
    """A command with its workers, which all serve. The first was started alone."""

    running: Started
    port: int
    workers: tuple[int, ...]

    def hear(self, event: str, times: int = 1) -> list[dict[str, Any]]:
        """Read the log until an event was told so often; every line must be whole."""
        return hear(self.running, event, times)

    def signal(self, number: int) -> None:
        """Send a signal to the command, and to it alone."""
        self.running.process.send_signal(number)

    def connect(self) -> socket.socket:
        """Open a connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=IN_TIME)

    def ask(self, stack: ExitStack) -> HTTPConnection:
        """Open a connection that is kept until the end of a block."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=IN_TIME)
        stack.callback(connection.close)
        return connection

    def refuses(self) -> bool:
        """Try until a connection is refused; return whether that came to pass."""
        deadline = time.monotonic() + IN_TIME
        while time.monotonic() < deadline:
            try:
                self.connect().close()
            except ConnectionRefusedError:
                return True
            except ConnectionResetError:
                continue
        return False


def hear(running: Started, event: str, times: int) -> list[dict[str, Any]]:
    """Read the log of a command until an event was told so often."""
    assert running.process.stdout is not None
    watchdog = threading.Timer(IN_TIME, running.process.kill)
    watchdog.start()
    told: list[dict[str, Any]] = []
    try:
        while len(told) < times:
            line = running.process.stdout.readline()
            assert line, f"it ended before it told {event!r}"
            entry = json.loads(line)
            if entry["event"] == event:
                told.append(entry)
    finally:
        watchdog.cancel()
    return told


@pytest.fixture
def env(mongo_uri: str) -> dict[str, str]:
    """The variables of production, on a database of its own."""
    return READY | {"MONGODB_URI": mongo_uri, "MONGODB_DATABASE": f"workers_{uuid4().hex[:12]}"}


@pytest.fixture
def crew(tmp_path: Path, env: dict[str, str]) -> Iterator[Crew]:
    """Two workers that serve."""
    with serving(2, tmp_path, env) as found:
        yield found


@pytest.fixture
def patient_crew(tmp_path: Path, env: dict[str, str]) -> Iterator[Crew]:
    """Two workers that serve, and wait for requests as long as they can."""
    patient = env | {"BODY_WITHIN_S": "300", "PYTHONPATH": os.getcwd()}
    with serving(2, tmp_path, patient, program=(sys.executable, "-c", _PATIENT)) as found:
        yield found


@contextmanager
def serving(
    count: int, cwd: Path, env: dict[str, str], program: Sequence[str | Path] = (TILLGATE,)
) -> Iterator[Crew]:
    """Start so many workers and wait until all of them serve."""
    arguments = ("serve", "--port", "0", "--workers", str(count))
    with started(*arguments, cwd=cwd, env=env, until='"serving"', program=program) as running:
        first = json.loads(running.said.splitlines()[-1])
        rest = hear(running, "serving", count - 1)
        yield Crew(running, running.port, tuple(entry["process"] for entry in (first, *rest)))


def begin(connection: socket.socket) -> bytes:
    """Send the head of a call that opens a session; return its body, which a worker awaits."""
    session = {"sessionId": f"s_{uuid4().hex}", "userId": "ada", "amount": 1, "currency": "USD"}
    body = json.dumps(session | {"eventId": "e", "provider": "stripe"}).encode()
    connection.sendall(
        b"POST /api/payment-sessions HTTP/1.1\r\nHost: here\r\nExpect: 100-continue\r\n"
        b"Content-Type: application/json\r\nAuthorization: Bearer " + SECRET.encode() + b"\r\n"
        b"Content-Length: " + str(len(body)).encode() + b"\r\n\r\n"
    )
    assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
    return body


def finish(connection: socket.socket, body: bytes) -> bytes:
    """Send the body; return the status line."""
    connection.sendall(body)
    return connection.recv(4096).partition(b"\r\n")[0]


def answered(connection: HTTPConnection) -> bool:
    """Ask for something on a kept connection; return whether it still leads to a worker."""
    try:
        connection.request("GET", "/health/live")
        with connection.getresponse() as answer:
            answer.read()
            return answer.status == 200
    except (ConnectionResetError, BrokenPipeError):
        return False


def all_ended(watched: list[int]) -> bool:
    """Wait for watched processes to end."""
    return all([ended(one) for one in watched])  # a list: each is waited for


def test_both_answer_on_one_port_and_one_that_is_killed_is_replaced(patient_crew: Crew) -> None:
    crew = patient_crew
    with ExitStack() as stack:
        standing = [crew.ask(stack) for _ in range(CONNECTIONS)]
        assert all(answered(one) for one in standing)
        watched = watch(crew.workers[0])
        os.kill(crew.workers[0], signal.SIGKILL)
        assert ended(watched)
        left = sum(answered(one) for one in standing)
    assert 0 < left < CONNECTIONS
    (told,) = crew.hear("a worker ended and is replaced")
    assert (told["process"], told["exit_code"]) == (crew.workers[0], 137)
    (new,) = crew.hear("serving")
    assert new["process"] not in crew.workers
    with ExitStack() as stack:
        later = [crew.ask(stack) for _ in range(CONNECTIONS)]
        assert all(answered(one) for one in later)
        os.kill(crew.workers[1], signal.SIGKILL)
        (again,) = crew.hear("a worker ended and is replaced")
        assert 0 < sum(answered(one) for one in later) < CONNECTIONS  # the new one took its part
    # Who dies at once again and again must not spin.
    assert (told["again_in_s"], again["again_in_s"]) == (1, 2)


def test_a_worker_whose_driver_is_stuck_ends_and_is_replaced_and_the_other_stays(
    tmp_path: Path, env: dict[str, str]
) -> None:
    loses_its_lock = (sys.executable, Path(__file__).with_name("losing_its_lock.py"))
    with serving(2, tmp_path, env, program=loses_its_lock) as crew:
        stuck, sound = crew.workers
        os.kill(stuck, signal.SIGUSR2)
        crew.hear("the database's driver is stuck: this process has to be replaced")
        (ended,) = crew.hear("a worker ended and is replaced")
        assert (ended["process"], ended["exit_code"]) == (stuck, EXIT_STUCK)
        (new,) = crew.hear("serving")
        assert new["process"] not in (stuck, sound)
        os.kill(sound, 0)


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.soak)]
)
def test_a_signal_lets_requests_in_flight_end_and_then_all_are_gone(
    patient_crew: Crew, number: signal.Signals
) -> None:
    """Ctrl-C is soak: below it is pressed twice."""
    crew = patient_crew
    watched = [watch(worker) for worker in crew.workers]
    with ExitStack() as stack:
        calls = [stack.enter_context(crew.connect()) for _ in range(8)]
        bodies = [begin(call) for call in calls]
        crew.signal(number)
        crew.hear("Shutting down", 2)
        assert crew.refuses()
        statuses = {finish(*call) for call in zip(calls, bodies, strict=True)}
    assert statuses == {b"HTTP/1.1 201 Created"}
    assert crew.running.process.wait(IN_TIME) == 0
    assert all_ended(watched)


def test_a_second_ctrl_c_does_not_wait(patient_crew: Crew) -> None:
    crew = patient_crew
    # A terminal sends it to the whole group; workers must hear it from their parent alone.
    assert all(os.getpgid(worker) == worker for worker in crew.workers)
    with crew.connect() as call:
        begin(call)
        crew.signal(signal.SIGINT)
        crew.hear("Shutting down", 2)
        crew.signal(signal.SIGINT)
        crew.running.process.wait(IN_TIME)  # the request may take 300 s


def test_a_killed_parent_leaves_nobody(patient_crew: Crew) -> None:
    crew = patient_crew
    watched = [watch(worker) for worker in crew.workers]
    with crew.connect() as call:
        body = begin(call)
        crew.signal(signal.SIGKILL)
        crew.running.process.wait(IN_TIME)
        assert finish(call, body) == b"HTTP/1.1 201 Created"
    assert all_ended(watched)


@pytest.mark.parametrize("workers", [pytest.param("1", marks=pytest.mark.soak), "3"])
def test_it_can_be_stopped_before_anybody_serves(
    tmp_path: Path, env: dict[str, str], workers: str
) -> None:
    """One is soak: `test_served_strangers.py` ends a start of one."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uri = f"mongodb://127.0.0.1:{silent.getsockname()[1]}/"
        process = subprocess.Popen(
            [TILLGATE, "serve", "--port", "0", "--workers", workers],
            cwd=tmp_path,
            env=clean_environment(env | {"MONGODB_URI": uri}),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        silent.settimeout(IN_TIME)
        silent.accept()[0].close()  # the first worker asks for the database
        process.send_signal(signal.SIGTERM)
        assert process.wait(IN_TIME) == 128 + signal.SIGTERM


def test_a_broken_start_is_told_once_and_ends(tmp_path: Path) -> None:
    away = READY | {"MONGODB_URI": "mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=300"}
    told = tillgate("serve", "--port", "0", "--workers", "3", cwd=tmp_path, env=away)
    assert told.returncode == 1
    (line,) = told.stderr.splitlines()
    assert line.startswith("error MongoDB does not answer at MONGODB_URI")


def test_a_port_that_workers_share_is_taken_for_everybody_else(
    crew: Crew, tmp_path: Path, env: dict[str, str]
) -> None:
    for workers in ("1", "2"):
        wanted = ("serve", "--port", str(crew.port), "--workers", workers)
        told = tillgate(*wanted, cwd=tmp_path, env=env)
        assert told.returncode == 1
        assert f"Port {crew.port} of 127.0.0.1 is taken" in told.stderr


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_reserved_port_is_nobody_elses_also_while_no_worker_lives(host: str) -> None:
    with reserve(host, 0) as reserved:
        port = reserved.getsockname()[1]
        for _ in range(2):
            with share(reserved) as one, share(reserved) as other:
                one.listen()
                other.listen()
            with pytest.raises(PortInUse):
                listen(host, port)
    with listen(host, 0) as taken, pytest.raises(PortInUse):
        reserve(host, taken.getsockname()[1])


@pytest.mark.parametrize("count", ["0", "65", "many"])
def test_the_number_of_workers_has_bounds(count: str) -> None:
    told = CliRunner().invoke(cli, ["serve", "--workers", count])
    assert told.exit_code == 2
    assert "'--workers'" in told.stderr


def measured(connection: HTTPConnection) -> dict[str, float]:
    """Read what all workers measured together, by whichever of them answers."""
    connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {ADMIN}"})
    with connection.getresponse() as answer:
        text = answer.read().decode()
        assert answer.status == 200, text
    values: dict[str, float] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            values[name] = float(value)
    return values


def test_whichever_worker_is_asked_tells_what_all_of_them_measured(crew: Crew) -> None:
    live = 'tillgate_request_seconds_count{method="GET",route="/health/live",status="200"}'
    with ExitStack() as stack:
        asked, never = [crew.ask(stack) for _ in range(CONNECTIONS)], threading.Event()
        assert all(answered(one) for one in asked)
        # Each worker adds its own every second; nobody reads its lines, so they must fit the pipe.
        while measured(asked[0]).get(live, 0) < CONNECTIONS:
            never.wait(0.05)
        told = [measured(one) for one in asked]
        assert {one[live] for one in told} == {CONNECTIONS}
    watched = watch(crew.workers[0])
    os.kill(crew.workers[0], signal.SIGKILL)
    assert ended(watched)
    crew.hear("a worker ended and is replaced")
    with ExitStack() as stack:
        left = measured(crew.ask(stack))
    assert left[live] >= CONNECTIONS  # what it counted stays counted
