"""What more data costs: the three routes with ten thousand and with two million sessions."""

import tempfile
from pathlib import Path
from typing import Any

from bench.database import Mongod, make_empty, seed, sessions
from bench.load import Target, drive, write_events
from bench.scenarios.hot_routes import Told
from bench.servers import TILLGATE, serving

SIZES = (10_000, 2_000_000)
CONNECTIONS = 64


def measure_growth(
    mongod: Mongod, tell: Told, *, rounds: int, seconds: int
) -> list[dict[str, Any]]:
    """Drive Tillgate on both sizes, alternating."""
    tell(f"growth: loading {SIZES[-1]:,} sessions")
    _load(mongod, SIZES[-1])
    runs: list[dict[str, Any]] = []
    for number in range(rounds):
        for size in SIZES if number % 2 == 0 else SIZES[::-1]:
            found = _round(mongod, size, number, seconds)
            rates = ", ".join(f"{run['route']} {run['per_second']:.0f}/s" for run in found)
            tell(f"growth: round {number + 1}, {size} sessions: {rates}")
            runs += found
    return runs


def _load(mongod: Mongod, size: int) -> None:
    make_empty(mongod.uri, _database(size))
    seed(mongod.uri, _database(size), sessions("s-", size))


def _database(size: int) -> str:
    return f"bench_growth_{size}"


def _round(mongod: Mongod, size: int, number: int, seconds: int) -> list[dict[str, Any]]:
    database, prefix = _database(size), f"p{number}-"
    if size == SIZES[0]:
        _load(mongod, size)  # anew: what a round adds is many times as much
    prepared = int(TILLGATE.events_a_second * seconds)
    seed(mongod.uri, database, sessions(prefix, prepared))
    told = {"prefix": "s-", "count": size, "seed": number}
    with (
        serving(TILLGATE, mongod.uri, database) as (port, pid),
        tempfile.TemporaryDirectory() as folder,
    ):
        target, events = Target(port, pid, mongod.pid), Path(folder) / "events"
        drive(target, "read", CONNECTIONS, 2, **told)
        runs = {
            "create": drive(target, "create", CONNECTIONS, seconds, prefix=f"c{number}-"),
            "read": drive(target, "read", CONNECTIONS, seconds, **told),
        }
        write_events(events, prefix, prepared)
        runs["webhook"] = drive(target, "webhook", CONNECTIONS, seconds, events=str(events))
    return [{**run, "route": route, "size": size, "round": number} for route, run in runs.items()]
