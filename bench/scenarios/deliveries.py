"""Deliveries to 1,000 webhook endpoints from one process, beside a peer on Node.

First all of them answer, then one hangs and one answers 500: what is told is of the others. Then
sessions are opened and paid beside deliveries, and without.
"""

import json
import os
import subprocess
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Any

import pymongo

from bench import hooks
from bench.database import Mongod, make_empty, seed, sessions
from bench.load import Target, drive, write_events
from bench.machine import cpu_seconds, resident_mb
from bench.receiver import FAILS, HANGS, HEARS, receiving
from bench.scenarios.hot_routes import Told
from bench.servers import HERE, HOOKED, serving

ENDPOINTS, EACH = 1_000, 10
CONNECTIONS = 64
_BACKLOG = 20
"""Deliveries for each endpoint that are due while sessions are opened: more than are sent."""
_PATHS = {0: HANGS, 1: FAILS}
_SENDERS: dict[str, tuple[str, ...]] = {
    "tillgate": (sys.executable, "-m", "bench.deliveries"),
    "node": ("node", str(HERE / "peers" / "deliveries" / "sender.js")),
}


def measure_deliveries(mongod: Mongod, tell: Told, *, rounds: int, seconds: int) -> dict[str, Any]:
    """Send by each sender in turn, without and with the two that don't answer; then beside load."""
    runs: list[dict[str, Any]] = []
    with receiving() as port:
        for number in range(rounds):
            for name in [*_SENDERS][:: 1 if number % 2 == 0 else -1]:
                for disturbed in (False, True):
                    run = _send(mongod, port, name, disturbed=disturbed)
                    tell(
                        f"deliveries: round {number + 1} {name}{' disturbed' * disturbed}: "
                        f"{run['per_second']:.0f}/s, {run['us']:.0f} us each, "
                        f"p99 {run['p99_s']:.2f} s, {run['half_mb']:.0f} to "
                        f"{run['after_mb']:.0f} MB"
                    )
                    runs.append(run)
        beside = [_beside(mongod, port, route, seconds, tell) for route in ("create", "webhook")]
    return {"runs": runs, "beside": beside}


def _send(mongod: Mongod, port: int, name: str, *, disturbed: bool) -> dict[str, Any]:
    database = "bench_deliveries"
    make_empty(mongod.uri, database)
    endpoints = _endpoints(port, disturbed=disturbed)
    hooks.put(mongod.uri, database, endpoints, hooks.deliveries_to(endpoints, EACH))
    used = cpu_seconds(mongod.pid)
    done = subprocess.run(
        [*_SENDERS[name], mongod.uri, database],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        cwd=HERE.parent,
        env={"PATH": os.environ["PATH"]},
    )
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    times = _taken(mongod.uri, database, datetime.fromisoformat(said["began"]))
    if len(times) != EACH * (ENDPOINTS - len(_PATHS) * disturbed):
        raise RuntimeError(f"{name}: {len(times)} events were taken")
    return said | {
        "sender": name,
        "disturbed": disturbed,
        "per_second": len(times) / times[-1],
        "p99_s": times[len(times) * 99 // 100],
        "us": said["cpu_s"] / said["tries"] * 1e6,
        "mongod_us": (cpu_seconds(mongod.pid) - used) / said["tries"] * 1e6,
    }


def _endpoints(port: int, *, disturbed: bool) -> list[dict[str, Any]]:
    paths = [_PATHS.get(n, HEARS) if disturbed else HEARS for n in range(ENDPOINTS)]
    urls = [f"http://127.0.0.1:{port}{path}" for path in paths]
    return hooks.endpoints_at(urls, [f"m{n}" for n in range(ENDPOINTS)])


def _taken(uri: str, name: str, began: datetime) -> list[float]:
    """Return after how many seconds each event was taken that was, the first first."""
    with pymongo.MongoClient[dict[str, Any]](uri, tz_aware=True) as client:
        found = client[name].webhook_deliveries.find({"status": "delivered"}, {"attempts": 1})
        return sorted((row["attempts"][-1]["at"] - began).total_seconds() for row in found)


def _beside(mongod: Mongod, port: int, route: str, seconds: int, tell: Told) -> dict[str, Any]:
    """Drive a route of one process without and with deliveries that it sends meanwhile."""
    found = {
        name: _driven(mongod, port, route, seconds, each=each)
        for name, each in (("without", 0), ("with", _BACKLOG))
    }
    on, off = found["with"], found["without"]
    tell(
        f"deliveries: {route} {on['per_second']:.0f}/s beside {on['sent']:.0f} deliveries a "
        f"second, {off['per_second']:.0f}/s without; {on['before_mb']:.0f} to {on['after_mb']:.0f}"
        " MB"
    )
    return {"route": route, **found}


def _driven(mongod: Mongod, port: int, route: str, seconds: int, *, each: int) -> dict[str, Any]:
    """Drive a route for some seconds; `each` deliveries of each endpoint are due from the start."""
    database = f"bench_{HOOKED.name}"
    make_empty(mongod.uri, database)
    endpoints = _endpoints(port, disturbed=True)
    with (
        serving(HOOKED, mongod.uri, database) as (at, pid),
        tempfile.TemporaryDirectory() as folder,
    ):
        target, told = Target(at, pid, mongod.pid), {"prefix": f"{route}-"}
        drive(target, "create", 16, 1, prefix="w-")
        if route == "webhook":
            prepared, events = HOOKED.events_a_second * seconds, Path(folder) / "events"
            seed(mongod.uri, database, sessions(told["prefix"], prepared))
            write_events(events, told["prefix"], prepared)
            told = {"events": str(events)}
        due = hooks.deliveries_to(endpoints, each, "due-") if each else []
        hooks.put(mongod.uri, database, endpoints, due)
        before_mb, sent = resident_mb(pid), _sent(mongod.uri, database)
        found = drive(target, route, CONNECTIONS, seconds, **told)
        found["sent"] = (_sent(mongod.uri, database) - sent) / found["seconds"]
        return found | {"before_mb": before_mb, "after_mb": resident_mb(pid)}


def _sent(uri: str, name: str) -> int:
    with pymongo.MongoClient[dict[str, Any]](uri) as client:
        return client[name].webhook_deliveries.count_documents({"status": "delivered"})


def ratios(found: dict[str, Any]) -> dict[str, float]:
    """Return what the bars are about: rates a second, and ratios."""

    def of(name: str, figure: str, *, disturbed: bool) -> float:
        runs = [
            one[figure]
            for one in found["runs"]
            if (one["sender"], one["disturbed"]) == (name, disturbed)
        ]
        return float(median(runs))

    grown = of("tillgate", "after_mb", disturbed=True) / of("tillgate", "half_mb", disturbed=True)
    rate = of("tillgate", "per_second", disturbed=True)
    late = of("tillgate", "p99_s", disturbed=True) / of("tillgate", "p99_s", disturbed=False)
    to_node = rate / of("node", "per_second", disturbed=True)
    beside = {
        f"beside_{one['route']}": one["with"]["per_second"] / one["without"]["per_second"]
        for one in found["beside"]
    }
    return {"rate": rate, "late": late, "to_node": to_node, "grown": grown, **beside}
