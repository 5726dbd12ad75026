"""Kill the primary again and again under load: `python -m tests.failovers --count 100`.

Three members with an election of a second, sessions opened, read and paid, readiness and liveness
asked every quarter of a second, a writer that does not wait for a majority, and hogs that take a
processor each. Ends with 1 where an acknowledged write is lost, an answer takes ten seconds or
never comes, or the service does not answer after a failover. `--lose` takes a row away by hand
before the books are compared: this must be noticed. `--unmended` leaves the
driver's wait as it is by itself.
"""

import argparse
import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from service.core.clock import SystemClock
from service.migrations.operations import require_layout
from service.storage.database import Database, connect
from service.storage.documents import bind
from service.storage.indexes import apply_indexes
from service.stored import DOCUMENTS
from tests.failovers.load import Load, Seen
from tests.failovers.members import Members, three_members, until

LONGEST_ANSWER_S = 10.0
_DATABASE = "tillgate"
_ANSWERS_WITHIN_S = 30.0
_HOG = "while True: pass"


def main() -> int:
    """Run the drill and tell what it saw; return how the process is to end."""
    asked = _asked()
    with tempfile.TemporaryDirectory(prefix="tillgate-failovers-") as directory, ExitStack() as end:
        root = Path(directory)
        members = end.enter_context(three_members(root))
        asyncio.run(_prepare(members.uri))
        port = end.enter_context(_served(members.uri, root, asked))
        for _ in range(asked.hogs):
            end.enter_context(_process([sys.executable, "-c", _HOG]))
        return asyncio.run(_drill(members, port, asked))


async def _drill(members: Members, port: int, asked: argparse.Namespace) -> int:
    load = Load(port, members.uri, asked.callers)
    running = asyncio.create_task(load.run())
    windows: list[float] = []
    try:
        await _until_acknowledged(load.seen)
        for number in range(1, asked.count + 1):
            windows.append(await _one_failover(members, load.seen, asked.every))
            _say(f"{number}: {windows[-1]:.1f} s without a write")
    except TimeoutError as error:
        _say(f"after {len(windows)} failovers: {error}")
        windows.append(float("inf"))
    load.stop()
    await running
    client = connect(members.uri)
    if asked.lose:
        await client[_DATABASE]["sessions"].delete_one({"sessionId": load.seen.books.opened[-1]})
    lost = await load.seen.books.lost(client[_DATABASE])
    await client.close()
    return _tell(load.seen, windows, lost)


async def _one_failover(members: Members, seen: Seen, every_s: float) -> float:
    """Kill the primary, have it come back, and return how long no write was acknowledged."""
    killed_at = time.monotonic()
    killed = await asyncio.to_thread(members.kill_primary)
    await _until_acknowledged(seen)
    killed.start()
    await asyncio.to_thread(members.wait_until_whole)
    await asyncio.sleep(max(0.0, every_s - (time.monotonic() - killed_at)))
    return seen.longest_window_s(killed_at)


async def _until_acknowledged(seen: Seen) -> None:
    """Wait until the service acknowledges a write. Raises `TimeoutError`."""
    before = len(seen.acknowledged_at)
    deadline = time.monotonic() + _ANSWERS_WITHIN_S
    while len(seen.acknowledged_at) == before:
        if time.monotonic() > deadline:
            raise TimeoutError("the service acknowledges no write any more.")
        await asyncio.sleep(0.05)


def _tell(seen: Seen, windows: list[float], lost: list[str]) -> int:
    """Print what was seen, and return 1 where it is not what was promised."""
    _say(f"failovers: {len(windows)}")
    for (kind, status), count in sorted(seen.answers.items()):
        _say(f"  {kind} {status or 'no answer'}: {count}")
    slowest = {kind: round(seconds, 1) for kind, seconds in sorted(seen.slowest.items())}
    _say(f"slowest answers, seconds: {slowest}")
    _say(f"the drill's own lag was {seen.lag_s:.1f} s at most")
    if windows:
        middle = statistics.median(windows)
        _say(f"without a write: {middle:.1f} s in the median, {max(windows):.1f} s at most")
    _say(f"acknowledged: {len(seen.books.opened)} opened, {len(seen.books.paid)} paid")
    _say("\n  ".join([f"lost: {len(lost)}", *lost[:20]]))
    late = max(seen.slowest.values(), default=0.0) >= LONGEST_ANSWER_S
    failed = any(status in {0, 500} for _, status in seen.answers)
    return int(bool(lost) or late or failed or float("inf") in windows)


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


async def _prepare(uri: str) -> None:
    client = connect(uri)
    database: Database = client[_DATABASE]
    await bind(database, DOCUMENTS)
    await apply_indexes(database, DOCUMENTS)
    await require_layout(database, SystemClock())
    await client.close()


@contextmanager
def _served(uri: str, root: Path, asked: argparse.Namespace) -> Iterator[int]:
    """Serve in a process of its own, and return the port."""
    port_file = root / "port"
    command = [sys.executable, "-m", "tests.failovers.served", uri, str(port_file)]
    command += ["unmended"] * asked.unmended
    with (
        (asked.log or root / "service.log").open("wb") as log,
        _process(command, stdout=log, stderr=log),
    ):
        until(port_file.exists)
        yield int(port_file.read_text())


@contextmanager
def _process(command: list[str], **files: object) -> Iterator[None]:
    process = subprocess.Popen(command, **files)  # type: ignore[call-overload]
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.failovers", description=__doc__)
    parser.add_argument("--count", type=int, default=20, help="how many failovers")
    parser.add_argument("--every", type=float, default=6.0, help="seconds from one to the next")
    parser.add_argument("--callers", type=int, default=24, help="callers at once")
    parser.add_argument("--hogs", type=int, default=1, help="processes that take a processor")
    parser.add_argument("--unmended", action="store_true", help="with the driver as it is")
    parser.add_argument("--log", type=Path, help="where the service's log is to be kept")
    parser.add_argument("--lose", action="store_true", help="lose a write: it must be noticed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
