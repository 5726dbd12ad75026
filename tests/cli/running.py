"""Run `tillgate` as a user does: another process, a clean environment, its own directory."""

import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile

from tests.support.patience import IN_TIME

Run = Callable[..., subprocess.CompletedProcess[str]]
"""Runs a command with some arguments, as the fixture `run` does."""

TILLGATE = Path(sys.executable).with_name("tillgate")


def clean_environment(given: Mapping[str, str] | None = None) -> dict[str, str]:
    """Nothing of the developer's own settings; what measures coverage is passed on."""
    passed_on = {
        name: value
        for name, value in os.environ.items()
        if name in {"PATH", "HOME", "LANG", "USER"} or name.startswith("COV")
    }
    return passed_on | dict(given or {})


# What a command is run by where nothing is said: this interpreter, and what is installed here.
Interpreter = tuple[tuple[str, ...], tuple[tuple[str, str], ...]]
_HERE: Interpreter = ((sys.executable,), ())


_FORKING: dict[Interpreter, subprocess.Popen[str]] = {}


def _forking(interpreter: Interpreter) -> subprocess.Popen[str]:
    """Return what forks commands; it ends with this process, whose end closes its input."""
    if interpreter not in _FORKING:
        _FORKING[interpreter] = _start_forking(*interpreter)
    return _FORKING[interpreter]


def end_forking(interpreter: Interpreter) -> None:
    """End what forks the commands of an interpreter that nobody asks any more."""
    if forking := _FORKING.pop(interpreter, None):
        forking.communicate(timeout=IN_TIME)


def _start_forking(
    program: Sequence[str], variables: Sequence[tuple[str, str]]
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*program, "-m", "tests.cli.forking"],
        cwd=Path(__file__).parents[2],
        env=clean_environment(dict(variables)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def tillgate(
    *arguments: str,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    interpreter: Interpreter = _HERE,
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, in a process of its own that has imported everything already."""
    forking = _forking(interpreter)
    assert forking.stdin is not None
    assert forking.stdout is not None
    with NamedTemporaryFile("r") as out, NamedTemporaryFile("r") as err:
        asked = {
            "arguments": arguments,
            "cwd": str(cwd),
            "environment": clean_environment(env),
            "stdout": out.name,
            "stderr": err.name,
        }
        watchdog = threading.Timer(IN_TIME, forking.kill)
        watchdog.start()
        try:
            forking.stdin.write(json.dumps(asked) + "\n")
            forking.stdin.flush()
            status = forking.stdout.readline()
        finally:
            watchdog.cancel()
        if not status:
            del _FORKING[interpreter]
            raise TimeoutError(
                f"{arguments} did not end within {IN_TIME:.0f} seconds: {err.read()}"
            )
        return subprocess.CompletedProcess(arguments, int(status), out.read(), err.read())


def tillgate_anew(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the installed command to its end, from nothing: it has to import what it needs."""
    return subprocess.run(
        [TILLGATE, *arguments],
        cwd=cwd,
        env=clean_environment(env),
        capture_output=True,
        text=True,
        timeout=IN_TIME,
        check=False,
    )


@dataclass(frozen=True, slots=True)
class Started:
    """A server that serves. `said` is what it printed until then."""

    process: subprocess.Popen[str]
    said: str

    @property
    def port(self) -> int:
        """Read from its log where it serves: asked for port 0, it takes one that is free.

        One that was looked for before could be another's by then.
        """
        port: int = json.loads(self.said.splitlines()[-1])["port"]
        return port


@contextmanager
def started(
    *arguments: str,
    cwd: Path,
    until: str,
    env: Mapping[str, str] | None = None,
    program: Sequence[str | Path] = (TILLGATE,),
) -> Iterator[Started]:
    """Start a server and read its standard output up to a line that holds `until`."""
    log = (cwd / "stderr.log").open("a")
    process = subprocess.Popen(
        [*program, *arguments],
        cwd=cwd,
        env=clean_environment(env),
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    watchdog = threading.Timer(IN_TIME, process.kill)
    watchdog.start()
    assert process.stdout is not None
    try:
        said = ""
        for line in process.stdout:
            said += line
            if until in line:
                break
        assert until in said, (cwd / "stderr.log").read_text()
        watchdog.cancel()
        yield Started(process, said)
    finally:
        watchdog.cancel()
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(IN_TIME)
        process.stdout.close()
        log.close()


def mongod_of(data_dir: Path) -> int:
    """Return the process id of the database of a data directory."""
    return int((data_dir / "mongo" / "mongod.lock").read_text())


def watch(pid: int) -> int:
    """Return a descriptor that tells when another's process ends."""
    return os.pidfd_open(pid)


def ended(watched: int) -> bool:
    """Wait for a watched process to end."""
    poll = select.poll()
    poll.register(watched, select.POLLIN)
    happened = bool(poll.poll(IN_TIME * 1000))
    os.close(watched)
    return happened
