"""The one mongod of a run, what is put into it, and what is counted in it."""

import asyncio
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pymongo
from pymongo.errors import PyMongoError

from service.core.clock import SystemClock
from service.core.ids import digest
from service.migrations.operations import require_layout
from service.sessions.documents import HistoryEntry, Session
from service.sessions.states import Status
from service.storage.database import connect
from service.storage.documents import bind
from service.storage.indexes import apply_indexes
from service.storage.mongod import find_binary, free_port
from service.stored import DOCUMENTS

Rows = Iterable[dict[str, Any]]

COUNTED = ("sessions", "webhook_events", "payments", "outbox")
_BATCH = 5000


@dataclass(frozen=True, slots=True)
class Mongod:
    """The running server."""

    uri: str
    pid: int
    version: str


@contextmanager
def mongod(directory: Path) -> Iterator[Mongod]:
    """Run a set of one, with MongoDB's own journal and oplog, and 8 GB of cache at most."""
    port = free_port()
    (directory / "db").mkdir()
    command = [
        *(str(find_binary()), "--dbpath", str(directory / "db"), "--bind_ip", "127.0.0.1"),
        *("--port", str(port), "--replSet", "bench", "--wiredTigerCacheSizeGB", "8"),
        *("--oplogSize", "2048", "--logpath", str(directory / "mongod.log")),
    ]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield Mongod(
            f"mongodb://127.0.0.1:{port}/?replicaSet=bench", process.pid, _form_set(port, process)
        )
    finally:
        process.terminate()
        process.wait(60)


def _form_set(port: int, process: subprocess.Popen[bytes]) -> str:
    members = [{"_id": 0, "host": f"127.0.0.1:{port}"}]
    deadline = time.monotonic() + 30
    with _direct(port) as client:
        while time.monotonic() < deadline and process.poll() is None:
            with suppress(PyMongoError):
                client.admin.command("replSetInitiate", {"_id": "bench", "members": members})
            with suppress(PyMongoError):
                if client.admin.command("hello").get("isWritablePrimary"):
                    return str(client.server_info()["version"])
            time.sleep(0.1)
    raise RuntimeError("mongod did not become ready")


def _direct(port: int) -> pymongo.MongoClient[dict[str, Any]]:
    return pymongo.MongoClient(
        "127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=500
    )


def make_empty(uri: str, name: str) -> None:
    """Drop a database and make its collections and indexes again, the same for every server."""

    async def make() -> None:
        client = connect(uri)
        await client.drop_database(name)
        await bind(client[name], DOCUMENTS)
        await apply_indexes(client[name], DOCUMENTS)
        await require_layout(client[name], SystemClock())  # new: it has this version's
        await client.close()

    asyncio.run(make())


def seed(uri: str, name: str, rows: Rows) -> None:
    """Insert many documents at once; when it returns, majority reads find them."""
    with pymongo.MongoClient[dict[str, Any]](uri, w="majority") as client:
        batch: list[dict[str, Any]] = []
        for row in rows:
            batch.append(row)
            if len(batch) == _BATCH:
                client[name].sessions.insert_many(batch, ordered=False)
                batch = []
        if batch:
            client[name].sessions.insert_many(batch, ordered=False)
        # What was loaded is written back now, not in the middle of what is measured.
        client.admin.command("fsync")


def sessions(prefix: str, count: int, *, age: timedelta = timedelta()) -> Rows:
    """Make pending sessions as the service makes them; with an age they are due that long."""
    now = datetime.now(UTC)
    opened = now - age - timedelta(minutes=30) if age else now
    one = Session(
        merchant_id="default",
        session_id="",
        kind="payment",
        user_id="",
        event_id="event_456",
        amount=2999,
        currency="USD",
        provider="stripe",
        account="default",
        live=False,
        history=[HistoryEntry(at=opened, from_status=None, to=Status.PENDING, by="k")],
        client_secret_hash=digest("secret"),
        secret_salt="salt",
        create_hash=digest("request"),
        created_at=opened,
        updated_at=opened,
        expires_at=now - age if age else now + timedelta(hours=12),
    ).to_row()
    for number in range(count):
        yield {
            **one,
            "sessionId": f"{prefix}{number}",
            "userId": f"user-{number}",
            "eventId": f"event_{number % 1000}",
        }


def counts(uri: str, name: str, status: str | None = None) -> dict[str, int]:
    """Count the documents of each collection; of sessions those in a state."""
    with pymongo.MongoClient[dict[str, Any]](uri) as client:
        found = {one: client[name][one].estimated_document_count() for one in COUNTED}
        if status is not None:
            found["sessions"] = client[name].sessions.count_documents({"status": status})
        return found


def count_of(uri: str, name: str, collection: str) -> int:
    """Count the documents of one collection."""
    with pymongo.MongoClient[dict[str, Any]](uri) as client:
        return client[name][collection].estimated_document_count()
