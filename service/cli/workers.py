"""Several processes on one address: started, replaced when they die, ended together. Linux only.

The parent runs no loop and no thread, so that it may fork at any time. It only waits for signals,
which are blocked and taken one by one, so that none arrives between two steps.
"""

import gc
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from typing import NoReturn, TypeAlias

import structlog
from prometheus_client.multiprocess import mark_process_dead

from service.cli.addresses import listen, reserve, share
from service.core.errors import Misconfigured
from service.core.measures import shared_by_processes
from service.core.processes import die_with_parent

# Serves on a socket until a signal, and calls back once it is serving.
Work: TypeAlias = Callable[[socket.socket, Callable[[], None]], None]

# A worker that lived less than this failed to start: the next one may well fail, too.
STABLE_AFTER_S = 10.0
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0

_SERVES = signal.SIGUSR1  # sent by a worker to its parent
_STOP = frozenset({signal.SIGTERM, signal.SIGINT})
_HEARD = frozenset({*_STOP, _SERVES, signal.SIGCHLD})
_STOPPED_WHILE_STARTING = 128 + signal.SIGTERM

log = structlog.get_logger(__name__)


def work_in_processes(count: int, host: str, port: int, work: Work) -> None:
    """Do `work` on an address until a signal: in this process, or in several that it starts.

    Raises `PortInUse`, `Misconfigured`, and what the work raises.
    """
    if count == 1:
        with listen(host, port) as listening:
            work(listening, lambda: None)
    else:
        with reserve(host, port) as reserved, shared_by_processes():
            _run_workers(count, reserved, work)


def _run_workers(count: int, reserved: socket.socket, work: Work) -> NoReturn:
    """Do `work` in `count` processes until SIGTERM or SIGINT, let them end, and exit.

    The first is started alone. If it ends before it serves, it has reported the reason, and its
    exit code is the command's: a broken start is reported once and not repeated. A worker also
    exits through here: what it raises is reported like the error of a single process. Raises
    `Misconfigured`.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _HEARD)
    # What was imported stays shared: a collection in a worker would write to all of it. This
    # saves 15 MB in each.
    gc.collect()
    gc.freeze()
    workers = _Workers(count, reserved, work)
    while workers.expected():
        workers.start_due()
        heard = signal.sigtimedwait(_HEARD, workers.until_due())
        if heard is None:
            continue
        if heard.si_signo == _SERVES:
            workers.note_serving(heard.si_pid)
        elif heard.si_signo in _STOP:
            workers.stop(heard.si_signo)
        for process, code in _ended():
            workers.note_end(process, code)
    sys.exit(workers.exit_code)


class _Workers:
    def __init__(self, count: int, reserved: socket.socket, work: Work) -> None:
        self.exit_code = 0
        self._count = count
        self._reserved = reserved
        self._work = work
        self._living: dict[int, float] = {}  # process id -> when it was started
        self._due = [time.monotonic()]  # when the missing ones are to be started
        self._wait_s = 0.0
        self._served = False
        self._stopping = False

    def expected(self) -> bool:
        """Return whether there is any worker to wait for."""
        return bool(self._living or self._due)

    def until_due(self) -> float:
        """Return the seconds until the next start, an hour if there is none."""
        now = time.monotonic()
        return max(0.0, min(self._due, default=now + 3600) - now)

    def start_due(self) -> None:
        """Start the workers that are due. Raises `Misconfigured` if the first can't be started."""
        now = time.monotonic()
        due = sum(at <= now for at in self._due)
        self._due = [at for at in self._due if at > now]
        for _ in range(due):
            self._start(now)

    def note_serving(self, process: int) -> None:
        """Start the others once the first serves. One that serves too late is stopped again."""
        if process not in self._living:
            return
        if self._stopping:
            os.kill(process, signal.SIGTERM)
        elif not self._served:
            self._served = True
            self._due += [time.monotonic()] * (self._count - 1)

    def stop(self, number: int) -> None:
        """Let requests in flight finish. A first SIGINT is as patient as SIGTERM, a second is not.

        That is uvicorn's rule; so only a repeated signal is passed on unchanged.
        """
        self._due.clear()
        for process in self._living:
            os.kill(process, number if self._stopping else signal.SIGTERM)
        self._stopping = True

    def note_end(self, process: int, code: int) -> None:
        """Replace a worker that ended by itself."""
        began = self._living.pop(process, None)
        if began is None:
            return  # the first process of a container inherits orphaned processes
        # Its gauges; what it counted stays counted.
        mark_process_dead(process)  # type: ignore[no-untyped-call]
        if self._served and not self._stopping:
            lived_s = round(time.monotonic() - began, 1)
            again_in_s = self._start_again(lived_s)
            log.warning(
                "a worker ended and is replaced",
                process=process,
                exit_code=code,
                lived_s=lived_s,
                again_in_s=again_in_s,
            )
        elif not (self._served and code == _STOPPED_WHILE_STARTING):
            self.exit_code = self.exit_code or code
            if code > 128 and not self._stopping:
                log.error("the first worker was killed before it served", exit_code=code)

    def _start(self, now: float) -> None:
        try:
            self._living[_fork(self._reserved, self._work)] = now
        except OSError as error:
            if not self._served:
                raise Misconfigured(f"A worker can't be started: {error.strerror}.") from error
            # Too many processes or no memory, perhaps briefly: the others go on.
            again_in_s = self._start_again(0)
            log.error("a worker can't be started", reason=error.strerror, again_in_s=again_in_s)

    def _start_again(self, lived_s: float) -> float:
        grown = min(max(FIRST_WAIT_S, 2 * self._wait_s), LONGEST_WAIT_S)
        self._wait_s = grown if lived_s < STABLE_AFTER_S else 0.0
        self._due.append(time.monotonic() + self._wait_s)
        return self._wait_s


def _fork(reserved: socket.socket, work: Work) -> int:
    """Return the process id of a new worker; in the worker itself it never returns."""
    parent = os.getpid()
    process = os.fork()
    if process:
        return process
    os.setsid()  # Ctrl-C reaches the parent alone, which passes it on
    die_with_parent()
    if os.getppid() != parent:  # it died before we asked to be notified
        sys.exit(1)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HEARD)
    with share(reserved) as shared:
        reserved.close()
        work(shared, lambda: os.kill(parent, _SERVES))
    sys.exit(0)


def _ended() -> Iterator[tuple[int, int]]:
    """Reap the workers that ended: one signal may mean several. Exit codes are a shell's."""
    while True:
        try:
            process, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if process == 0:
            return
        code = os.waitstatus_to_exitcode(status)
        yield process, code if code >= 0 else 128 - code
