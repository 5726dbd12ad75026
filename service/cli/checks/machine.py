"""Check the machine: Python, disk space, the embedded MongoDB."""

import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from service.cli.checks.check import Check
from service.cli.connections.files import places
from service.core.errors import Misconfigured
from service.settings import Settings
from service.storage.mongod import explain_failed_start, find_binary

_OLDEST_PYTHON = (3, 11)
_GIGABYTE = 1_000_000_000
_VERSION_WITHIN_S = 10


def check_machine(settings: Settings, data_dir: Path) -> Iterator[Check]:
    """Check what does not need the network."""
    version = platform.python_version()
    if sys.version_info[:2] < _OLDEST_PYTHON:
        yield Check("machine", "Python", "problem", f"is {version}; 3.11 or newer is needed")
    else:
        yield Check("machine", "Python", "fine", version)
    yield _connections(settings.connections.most)
    if settings.database.uri is None and not settings.production:
        yield _embedded()
        yield _room(data_dir)


def _connections(most: int) -> Check:
    fit = places(most)
    if fit < most:
        says = f"is {most}; the limit of open files (ulimit -n) leaves {fit}"
        return Check("machine", "MAX_CONNECTIONS", "warning", says)
    return Check("machine", "MAX_CONNECTIONS", "fine", f"{most} in each process")


def _embedded() -> Check:
    """Ask the binary for its version: that loads its libraries, and libcurl is often missing."""
    try:
        binary = find_binary()
        asked = subprocess.run(  # noqa: S603 - the mongod that we would start
            [str(binary), "--version"],
            capture_output=True,
            text=True,
            timeout=_VERSION_WITHIN_S,
            check=False,
        )
    except Misconfigured as error:
        return Check("machine", "embedded MongoDB", "problem", error.message)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Check("machine", "embedded MongoDB", "problem", f"does not start: {error}")
    if asked.returncode:
        reason = explain_failed_start(asked.returncode, asked.stderr.strip())
        return Check("machine", "embedded MongoDB", "problem", reason)
    first = asked.stdout.partition("\n")[0].removeprefix("db version ")
    return Check("machine", "embedded MongoDB", "fine", f"{first}, for development")


def _room(data_dir: Path) -> Check:
    place = data_dir.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    says = f"{free / _GIGABYTE:.1f} GB free for {data_dir}"
    if free < _GIGABYTE / 5:
        return Check("machine", "disk", "problem", f"{says}: the database needs 0.2 GB to start")
    return Check("machine", "disk", "warning" if free < 2 * _GIGABYTE else "fine", says)
