"""Start, initiate, find and stop the embedded database of a data directory."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pymongo
from pymongo.errors import ConnectionFailure, OperationFailure, PyMongoError

from service.core.errors import Misconfigured
from service.storage.mongod import (
    DataDirectory,
    PortTaken,
    explain_exit,
    free_port,
    spawn,
    stop,
)

_PATIENCE_S = 30.0
_NOT_YET_INITIALIZED = 94


@contextmanager
def embedded_database(
    data_dir: Path, *, share: bool = False, extra: tuple[str, ...] = ()
) -> Iterator[str]:
    """Run the embedded server for as long as the block lasts; return its address.

    With `share` a server that runs on the directory already is used and left running. Raises
    `DirectoryInUse` without it, `Misconfigured` where no server can be started.
    """
    directory = DataDirectory(data_dir.absolute())
    running = directory.running_pid()
    port = directory.port()
    if share and running and port:
        yield address(port)
        return
    process, port = _start(directory, extra)
    try:
        _become_primary(port, process, directory)
        yield address(port)
    finally:
        stop(process)


def address(port: int) -> str:
    """Return the address of an embedded server."""
    return f"mongodb://127.0.0.1:{port}/?replicaSet=tillgate"


def _start(directory: DataDirectory, extra: tuple[str, ...]) -> tuple[subprocess.Popen[bytes], int]:
    directory.root.mkdir(parents=True, exist_ok=True)
    port = directory.port() or free_port()
    process = _spawn_and_wait(directory, port, extra)
    if process.poll() is not None:
        reason = explain_exit(process, directory)
        stop(process)
        if not isinstance(reason, PortTaken):
            raise reason
        port = free_port()
        process = _spawn_and_wait(directory, port, extra)
        if process.poll() is not None:
            reason = explain_exit(process, directory)
            stop(process)
            raise reason
    directory.port_file.write_text(str(port))
    return process, port


def _spawn_and_wait(
    directory: DataDirectory, port: int, extra: tuple[str, ...]
) -> subprocess.Popen[bytes]:
    process = spawn(directory, port, extra=extra)
    deadline = time.monotonic() + _PATIENCE_S
    with _direct(port) as client:
        while process.poll() is None and time.monotonic() < deadline:
            with suppress(PyMongoError):
                client.admin.command("ping")
                # A stranger may answer on the port while ours is still about to fail on it.
                if client.admin.command("serverStatus")["pid"] == process.pid:
                    break
            time.sleep(0.02)
    return process


def _become_primary(port: int, process: subprocess.Popen[bytes], directory: DataDirectory) -> None:
    deadline = time.monotonic() + _PATIENCE_S
    # A client that was open before the set is initiated never learns of sessions: a new one after.
    steps = (_initiate, _is_primary)
    for step in steps:
        with _direct(port) as client:
            while not step(client, port):
                if process.poll() is not None:
                    raise explain_exit(process, directory)
                if time.monotonic() > deadline:
                    raise _not_ready(directory)
                time.sleep(0.01)


def _not_ready(directory: DataDirectory) -> Misconfigured:
    return Misconfigured(f"The embedded database did not become ready. See {directory.log}.")


def _is_primary(client: pymongo.MongoClient[dict[str, object]], port: int) -> bool:
    with suppress(ConnectionFailure):
        return bool(client.admin.command("hello").get("isWritablePrimary"))
    return False


def _initiate(client: pymongo.MongoClient[dict[str, object]], port: int) -> bool:
    """Form the set of one, or tell it of its new port; False while the server is not up to it."""
    host = f"127.0.0.1:{port}"
    try:
        config = client.local["system.replset"].find_one({})
        if config is None:
            members = [{"_id": 0, "host": host}]
            client.admin.command("replSetInitiate", {"_id": "tillgate", "members": members})
        elif config["members"][0]["host"] != host:  # type: ignore[index]
            # The set's config holds the port; on another one the server would never be primary.
            config["members"][0]["host"] = host  # type: ignore[index]
            config["version"] = int(config["version"]) + 1  # type: ignore[call-overload]
            client.admin.command("replSetReconfig", config, force=True)
    except ConnectionFailure:
        return False
    except OperationFailure as error:
        if error.code == _NOT_YET_INITIALIZED:  # it still reads the config of its last run
            return False
        raise Misconfigured(f"The embedded database can't form its set: {error}") from error
    return True


def _direct(port: int) -> pymongo.MongoClient[dict[str, object]]:
    return pymongo.MongoClient(
        "127.0.0.1",
        port,
        directConnection=True,
        serverSelectionTimeoutMS=500,
        connectTimeoutMS=500,  # whoever else has the port may take the call and say nothing
    )
