"""A replica set of three real members on loopback, whose primary can be killed."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pymongo
from pymongo.errors import PyMongoError

from service.storage.mongod import DataDirectory, free_port, spawn, stop

Row = dict[str, Any]

ELECTION_S = 1.0
_WITHIN_S = 120.0
_SMALL = ("--wiredTigerCacheSizeGB", "0.25", "--setParameter", "ttlMonitorEnabled=false")


class Member:
    """One member of the set; killed, it can be started again on what it has written."""

    def __init__(self, root: Path) -> None:
        """Choose its directory and its port."""
        self._directory = DataDirectory(root)
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        """Return its address in the set."""
        return f"127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it."""
        self.process = spawn(self._directory, self.port, extra=_SMALL)

    def kill(self) -> None:
        """End it as a power cut does."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """End it for good."""
        if self.process is not None:
            self.process.kill()
            stop(self.process)

    def ask(self, command: str | Row) -> Row:
        """Ask it by itself; empty where it does not answer."""
        with (
            pymongo.MongoClient[Row](
                "127.0.0.1", self.port, directConnection=True, serverSelectionTimeoutMS=2000
            ) as client,
            suppress(PyMongoError),
        ):
            return client.admin.command(command)
        return {}


class Members:
    """The set."""

    def __init__(self, members: list[Member]) -> None:
        """Begin with members that have been started."""
        self._members = members
        names = ",".join(member.host for member in members)
        self.uri = f"mongodb://{names}/?replicaSet=tillgate"

    def form(self) -> None:
        """Form the set and wait for its first primary. Raises `TimeoutError`."""
        listed = [{"_id": n, "host": one.host} for n, one in enumerate(self._members)]
        times = {"electionTimeoutMillis": int(ELECTION_S * 1000), "heartbeatIntervalMillis": 500}
        config = {"_id": "tillgate", "members": listed, "settings": times}
        until(lambda: bool(self._members[0].ask({"replSetInitiate": config}).get("ok")))
        until(lambda: self.primary() is not None)
        self.wait_until_whole()

    def primary(self) -> Member | None:
        """Return who says that it is the primary."""
        return next((one for one in self._members if _is(one, "isWritablePrimary")), None)

    def kill_primary(self) -> Member:
        """Kill the primary, and return it. Raises `TimeoutError` where there is none."""
        until(lambda: self.primary() is not None)
        primary = self.primary()
        assert primary is not None
        primary.kill()
        return primary

    def wait_until_whole(self) -> None:
        """Wait until two members follow one primary. Raises `TimeoutError`."""
        until(
            lambda: (
                sorted(_role(one) for one in self._members)
                == ["primary", "secondary"] * 1 + ["secondary"]
            )
        )


def _role(member: Member) -> str:
    hello = member.ask("hello")
    return next(
        (
            role
            for role, word in (("primary", "isWritablePrimary"), ("secondary", "secondary"))
            if hello.get(word)
        ),
        "nobody",
    )


def _is(member: Member, word: str) -> bool:
    alive = member.process is not None and member.process.poll() is None
    return alive and bool(member.ask("hello").get(word))


def until(met: Callable[[], bool], within_s: float = _WITHIN_S) -> None:
    """Wait for something. Raises `TimeoutError`."""
    deadline = time.monotonic() + within_s
    while not met():
        if time.monotonic() > deadline:
            raise TimeoutError("The set of three did not get there.")
        time.sleep(0.1)


@contextmanager
def three_members(root: Path) -> Iterator[Members]:
    """Run a set of three for as long as the block lasts."""
    members = [Member(root / str(number)) for number in range(3)]
    with ExitStack() as stack:
        for member in members:
            stack.callback(member.end)
            member.start()
        found = Members(members)
        found.form()
        yield found
