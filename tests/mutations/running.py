"""Run the tests of a target on its mutants, each in a forked process of its own.

What breaks inside of a function is put into a process in which everything was imported and the
tests were collected; what breaks outside, into one that has yet to import the product.
"""

import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import nullcontext
from enum import Enum
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, FunctionType
from typing import BinaryIO

import _pytest.main
import hypothesis
import pytest

from tests.mutations.targets import Target

# A mutant that never comes to an end is as good as found. One that computes is ended by its
# processor time, one that waits by the clock, which is generous to a busy machine.
_COMPUTES_S = 120
_WAITS_S = 900.0


class Found(Enum):
    """What became of a mutant. One that can't be imported proves nothing of the tests."""

    SURVIVED = 0
    KILLED = 1
    BROKEN = 2
    ENDLESS = 3


# What measures are called is known to a registry of the library's, which takes no name twice.
_STAYING = ("tests.mutations", "service.core.measures")


def import_the_rest() -> None:
    """Import what every run needs, and forget what may be broken: forks begin at once."""
    for name in ("service.cli.start", "tests.conftest", "tests.support.shop", "schemathesis"):
        import_module(name)
    for name in [*sys.modules]:
        ours = name.split(".")[0] in ("service", "tillgate_sandbox", "tests") and name != "tests"
        if ours and not name.startswith(_STAYING):
            del sys.modules[name]


def run_imported(target: Target, source: str, mongo_uri: str) -> Found:
    """Run the tests where the module is imported with this source."""

    def imported() -> int:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.meta_path.insert(0, _InItsPlace(target, source))
        return _tested(target, mongo_uri)

    return _forked(imported)


def run_within(
    target: Target, sources: Sequence[str], mongo_uri: str, said: BinaryIO
) -> Generator[Found, None, None]:
    """Run the tests once for each source: its functions work as there, all else as it is."""
    reading, writing = os.pipe()

    def collected() -> int:
        os.dup2(said.fileno(), 1)
        return _tested(target, mongo_uri, _Swapping(target, sources, writing))

    pid = os.fork()
    if not pid:
        _end(collected)
    os.close(writing)
    try:
        with os.fdopen(reading, "rb") as told:
            for one in iter(lambda: told.read(1), b""):
                yield Found(one[0])
    finally:  # also where the caller has heard enough
        os.kill(pid, signal.SIGTERM)
        os.waitpid(pid, 0)


class _Swapping:
    """Runs what pytest collected once for each source."""

    def __init__(self, target: Target, sources: Sequence[str], told: int) -> None:
        self._target, self._sources, self._told = target, sources, told

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        for source in self._sources:

            def swapped(source: str = source) -> int:
                _swap(self._target, source)
                try:
                    _pytest.main.pytest_runtestloop(session)
                except pytest.Session.Failed:  # at the first test that fails
                    said = session.config.pluginmanager.get_plugin("terminalreporter")
                    said.summary_failures()
                return int(session.testsfailed > 0)

            os.write(self._told, bytes([_forked(swapped).value]))
        return True


class _Loader(SourceFileLoader):
    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self._source = source

    def get_code(self, fullname: str) -> CodeType:
        return _compiled(self.path, self._source)


class _InItsPlace(MetaPathFinder):
    """Finds the one module, with another source than that of its file."""

    def __init__(self, target: Target, source: str) -> None:
        self._target, self._source = target, source

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        if name != self._target.module:
            return None
        path = str(Path(self._target.path).absolute())
        return spec_from_file_location(name, path, loader=_Loader(name, path, self._source))


def _swap(target: Target, source: str) -> None:
    """Put back into the functions of the module the code that they have in the source."""
    codes = dict(_codes(_compiled(target.path, source)))
    # Imported after the fork, as the tests are: it brings the whole service.
    for one in import_module("tests.support.built").all_objects():
        if type(one) is FunctionType and one.__module__ == target.module:
            # What a decorator made has another name, or says what it stands for.
            if one.__qualname__ in codes and not hasattr(one, "__wrapped__"):
                one.__code__ = codes[one.__qualname__]


def _codes(code: CodeType) -> Iterator[tuple[str, CodeType]]:
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield one.co_qualname, one
            yield from _codes(one)


def _compiled(path: str, source: str) -> CodeType:
    return compile(source, path, "exec", dont_inherit=True)


def _tested(target: Target, mongo_uri: str, *plugins: object) -> int:
    # One database for all mutants: to start one takes longer than most tests.
    embedded = import_module("service.storage.embedded")
    embedded.embedded_database = lambda *_, **__: nullcontext(mongo_uri)  # type: ignore[attr-defined]
    hypothesis.settings.register_profile(
        "mutations",
        database=None,
        deadline=None,
        derandomize=True,
        phases=(hypothesis.Phase.explicit, hypothesis.Phase.generate),  # any example is enough
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    options = (
        *("-x", "-q", "-p", "no:cacheprovider", "--hypothesis-profile=mutations"),
        # What is imported before the fork is not pytest's to rewrite any more.
        *("-W", "ignore::pytest.PytestAssertRewriteWarning"),
    )
    return int(pytest.main([*options, *target.tests], plugins))


def _forked(work: Callable[[], int]) -> Found:
    pid = os.fork()
    if not pid:
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_CPU, (_COMPUTES_S, _COMPUTES_S))
        _end(work)
    until = time.monotonic() + _WAITS_S
    while time.monotonic() < until:
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            if code in (-signal.SIGXCPU, -signal.SIGKILL):
                return Found.ENDLESS
            return Found(code) if code in (0, 1) else Found.BROKEN
        time.sleep(0.02)
    os.killpg(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return Found.ENDLESS


def _end(work: Callable[[], int]) -> None:
    """Do the work of a forked process, and end with what it returns."""
    code = 2
    try:
        code = work()
        sys.stdout.flush()
    except BaseException:  # said here, since nothing goes on behind
        traceback.print_exc()
    finally:
        os._exit(code)
