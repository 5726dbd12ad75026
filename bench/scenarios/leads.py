"""Leads beside the hot routes, and all of them as one file."""

import filecmp
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from bench import leads
from bench.database import Mongod, count_of, make_empty, seed, sessions
from bench.load import Target, drive, write_events
from bench.machine import cpu_seconds, resident_mb
from bench.scenarios.hot_routes import SESSIONS, Told
from bench.servers import ADMIN_KEY, TILLGATE, headers, serving

A_SECOND = 2_000
CONNECTIONS = 64
EXPORTED = 500_000
_LEAVING = 200
_WARM_UP_S = 1
_QUERY = {"format": "csv", "filters": {"daysBack": 30}}


def measure_leads(mongod: Mongod, tell: Told, *, rounds: int, seconds: int) -> dict[str, Any]:
    """Measure what a lead costs, what many of them do to the hot routes, and the file of all."""
    return {
        "beside": _beside(mongod, tell, rounds=rounds, seconds=seconds),
        "export": _export(mongod, tell, rounds=rounds),
    }


def _beside(mongod: Mongod, tell: Told, *, rounds: int, seconds: int) -> dict[str, Any]:
    """Drive each route in a closed loop, alone and beside leads in turn, in pairs."""
    database, pairs = "bench_leads", []
    make_empty(mongod.uri, database)
    seed(mongod.uri, database, sessions("s-", SESSIONS))
    with (
        serving(TILLGATE, mongod.uri, database) as (port, pid),
        tempfile.TemporaryDirectory() as folder,
    ):
        target = Target(port, pid, mongod.pid)
        drive(target, "create", CONNECTIONS, _WARM_UP_S, prefix="w-")
        alone = drive(target, "lead", CONNECTIONS, seconds, prefix="j-")
        tell(f"leads: {alone['per_second']:.0f}/s alone, {_cost(alone):.0f} µs each")
        for number in range(rounds):
            for route in ("create", "read", "webhook"):
                told = _told(mongod, database, route, number, seconds, Path(folder))
                pair = _pair(target, route, number, seconds, told)
                pairs.append(pair)
                tell(
                    f"leads, round {number + 1}: {route} {pair['alone']['per_second']:.0f}/s "
                    f"alone, {pair['beside']['per_second']:.0f}/s beside "
                    f"{pair['leads']['per_second']:.0f} leads/s"
                )
    left = alone["requests"] + sum(pair["leads"]["requests"] for pair in pairs)
    kept = count_of(mongod.uri, database, leads.COLLECTION)
    if not left <= kept <= left + (3 * rounds + 1) * _LEAVING:
        raise RuntimeError(f"{kept} leads are kept, and {left} were answered")
    return {"lead": alone, "pairs": pairs, "left": left}


def _cost(run: dict[str, Any]) -> float:
    return float(run["server_us"] + run["mongod_us"])


def _told(
    mongod: Mongod, database: str, route: str, number: int, seconds: int, folder: Path
) -> dict[str, dict[str, Any]]:
    """Return what the scripts of both runs of a pair are told; each has sessions of its own."""
    if route == "create":
        return {kind: {"prefix": f"{kind}{number}-"} for kind in ("alone", "beside")}
    if route == "read":
        read = {"prefix": "s-", "count": SESSIONS, "seed": number}
        return {"alone": read, "beside": read}
    told: dict[str, dict[str, Any]] = {}
    for kind in ("alone", "beside"):
        prefix, prepared = f"{kind}{number}p-", TILLGATE.events_a_second * seconds
        seed(mongod.uri, database, sessions(prefix, prepared))
        write_events(folder / kind, prefix, prepared)
        told[kind] = {"events": str(folder / kind)}
    return told


def _pair(
    target: Target, route: str, number: int, seconds: int, told: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """Measure both, each first in every other round: a machine that slows favours neither."""
    kinds = ("alone", "beside") if number % 2 == 0 else ("beside", "alone")
    pair: dict[str, Any] = {"route": route}
    for kind in kinds:
        if kind == "alone":
            pair[kind] = drive(target, route, CONNECTIONS, seconds, **told[kind])
            continue
        with ThreadPoolExecutor(1) as other:
            paced = {"a_second": A_SECOND, "prefix": f"j{route}{number}-"}
            leaving = other.submit(drive, target, "lead_paced", _LEAVING, seconds, **paced)
            pair[kind] = drive(target, route, CONNECTIONS, seconds, **told[kind])
            pair["leads"] = leaving.result()
    return pair


def _export(mongod: Mongod, tell: Told, *, rounds: int, count: int = EXPORTED) -> dict[str, Any]:
    """Take all leads as one file from the service, and by a bare cursor, in turn."""
    database, pairs = "bench_leads_export", []
    make_empty(mongod.uri, database)
    leads.put(mongod.uri, database, count)
    with (
        serving(TILLGATE, mongod.uri, database) as (port, pid),
        tempfile.TemporaryDirectory() as folder,
    ):
        target, files = Target(port, pid, mongod.pid), Path(folder)
        _bare(mongod, database, files)  # what the cache holds, it holds for both
        for number in range(rounds):
            turns = [("bare", lambda: _bare(mongod, database, files))]
            turns.append(("service", lambda: _of_service(target, files)))
            pair = {name: take() for name, take in (turns if number % 2 else turns[::-1])}
            _same(files, pair["bare"]["rows"], count)
            pairs.append(pair)
            tell(
                f"leads, export {number + 1}: {count / pair['service']['seconds']:.0f} rows/s, "
                f"bare {count / pair['bare']['seconds']:.0f}, "
                f"{pair['service']['grown_mb']:+.0f} MB"
            )
    return {"rows": count, "pairs": pairs, "ratio": median(map(ratio, pairs))}


def ratio(pair: dict[str, Any]) -> float:
    """Return how fast the service writes a file, to a bare cursor."""
    return float(pair["bare"]["seconds"] / pair["service"]["seconds"])


def _bare(mongod: Mongod, database: str, files: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.leads", mongod.uri, database, str(files / "bare")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _of_service(target: Target, files: Path) -> dict[str, Any]:
    url = f"http://127.0.0.1:{target.port}/api/payment-intent/query"
    used, began = cpu_seconds(target.server), time.monotonic()
    with (
        (files / "service").open("wb") as file,
        _most_memory(target.server) as most,
        httpx.stream(
            "POST", url, json=_QUERY, headers=headers(ADMIN_KEY), timeout=600, trust_env=False
        ) as answer,
    ):
        answer.raise_for_status()
        for some in answer.iter_raw():
            file.write(some)
    spent = {"seconds": time.monotonic() - began, "cpu_s": cpu_seconds(target.server) - used}
    return spent | {"grown_mb": most[-1] - most[0]}


@contextmanager
def _most_memory(pid: int) -> Iterator[list[float]]:
    """Look at a process again and again; yields its memory before, and then its most."""
    most, over = [resident_mb(pid)] * 2, threading.Event()

    def look() -> None:
        while not over.wait(0.1):
            most[1] = max(most[1], resident_mb(pid))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield most
    finally:
        over.set()
        looking.join()


def _same(files: Path, rows: int, count: int) -> None:
    if rows != count or not filecmp.cmp(files / "bare", files / "service", shallow=False):
        raise RuntimeError(f"{rows} rows of {count}, or the two files differ")
