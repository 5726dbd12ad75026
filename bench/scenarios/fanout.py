"""Webhooks with three subscribers of what they complete, and without: what fan-out costs."""

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import pymongo

from bench.database import Mongod, make_empty
from bench.load import Target, drive
from bench.machine import cpu_seconds
from bench.scenarios.hot_routes import ROUTES, Told
from bench.servers import FANOUT, TILLGATE, Server, serving

CONNECTIONS = 64
_OPEN = {"status": "pending"}
_DRAINED_WITHIN_S = 120


def measure_fanout(mongod: Mongod, tell: Told, *, rounds: int, seconds: int) -> dict[str, Any]:
    """Complete sessions in a closed loop, with and without in turn; each pair gives one ratio.

    What the subscribers have not been given when the load ends is waited for, and its processor
    time counts.
    """
    pairs = []
    for number in range(rounds):
        order = (TILLGATE, FANOUT) if number % 2 == 0 else (FANOUT, TILLGATE)
        pair = {server.name: _run(mongod, server, seconds) for server in order}
        pairs.append(pair)
        on, off = pair[FANOUT.name], pair[TILLGATE.name]
        tell(
            f"fanout: round {number + 1}: {on['per_second']:.0f}/s with, "
            f"{off['per_second']:.0f}/s without; {on['left']} messages left, "
            f"gone after {on['drained_s']:.1f} s; {on['us'] - off['us']:.0f} us a message"
        )
    return {
        "pairs": pairs,
        "ratio": median(_ratio(pair) for pair in pairs),
        "us": median(pair[FANOUT.name]["us"] - pair[TILLGATE.name]["us"] for pair in pairs),
    }


def _ratio(pair: dict[str, Any]) -> float:
    ratio: float = pair[FANOUT.name]["per_second"] / pair[TILLGATE.name]["per_second"]
    return ratio


def _run(mongod: Mongod, server: Server, seconds: int) -> dict[str, Any]:
    database = f"bench_{server.name}"
    make_empty(mongod.uri, database)
    with (
        serving(server, mongod.uri, database) as (port, pid),
        tempfile.TemporaryDirectory() as folder,
    ):
        target = Target(port, pid, mongod.pid)
        drive(target, "create", 16, 1, prefix="w-")
        run = ROUTES["webhook"](mongod, target, server, CONNECTIONS, seconds, Path(folder))
        used = cpu_seconds(pid) + cpu_seconds(mongod.pid)
        left, drained_s = _drained(mongod.uri, database)
        late = (cpu_seconds(pid) + cpu_seconds(mongod.pid) - used) / run["requests"] * 1e6
    us = run["server_us"] + run["mongod_us"] + late
    return run | {"left": left, "drained_s": drained_s, "us": us}


def _drained(uri: str, name: str) -> tuple[int, float]:
    """Wait until all is delivered; return how many messages were left, and how long it took."""
    with pymongo.MongoClient[dict[str, Any]](uri) as client:
        began = time.monotonic()
        database = client[name]
        left = database.outbox.count_documents(_OPEN)
        while database.outbox.count_documents(_OPEN) or database.deliveries.count_documents(_OPEN):
            if time.monotonic() > began + _DRAINED_WITHIN_S:
                raise RuntimeError("what was written is not delivered")
            time.sleep(0.2)
        return left, time.monotonic() - began
