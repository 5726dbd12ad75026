"""The three hot routes of every server, in interleaved rounds."""

import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.database import Mongod, counts, make_empty, seed, sessions
from bench.load import Target, drive, write_events
from bench.machine import resident_mb
from bench.servers import SERVERS, Server, serving

SESSIONS = 10_000
_WARM_UP_S = 1

Told = Callable[[str], None]
Run = dict[str, Any]
Begin = Callable[[Server, str], None]
Beside = Callable[[Server, int], AbstractContextManager[None]]


@dataclass(frozen=True, slots=True)
class Plan:
    """How often, how long, at how many connections, with how many processes of which servers."""

    rounds: int
    seconds: int
    connections: tuple[int, ...] = (1, 16, 64)
    workers: int = 1
    servers: tuple[Server, ...] = SERVERS


def measure_hot_routes(
    mongod: Mongod,
    tell: Told,
    plan: Plan,
    begin: Begin | None = None,
    beside: Beside = lambda _server, _port: nullcontext(),
) -> list[Run]:
    """Drive each server in each round, each round in another order; give all single runs.

    `begin` puts into a server's database what it needs besides the sessions; `beside` is what goes
    on while the server at a port is driven.
    """
    runs: list[Run] = []
    for number in range(plan.rounds):
        turned = number % len(plan.servers)
        for server in (*plan.servers[turned:], *plan.servers[:turned]):
            found = _round(mongod, server, plan, begin, beside)
            for run in found:
                run |= {"round": number, "workers": plan.workers}
                tell(
                    f"round {number + 1} {server.title}: {run['route']} at {run['connections']}: "
                    f"{run['per_second']:.0f}/s, p50 {run['p50_ms']:.2f} ms"
                )
            runs += found
    return runs


def _round(
    mongod: Mongod, server: Server, plan: Plan, begin: Begin | None, beside: Beside
) -> list[Run]:
    database = f"bench_{server.name}"
    make_empty(mongod.uri, database)
    seed(mongod.uri, database, sessions("s-", SESSIONS))
    if begin is not None:
        begin(server, database)
    found: list[Run] = []
    with (
        serving(server, mongod.uri, database, workers=plan.workers) as (port, pid),
        tempfile.TemporaryDirectory() as folder,
    ):
        target = Target(port, pid, mongod.pid)
        drive(target, "read", 16, _WARM_UP_S, prefix="s-", count=SESSIONS, seed=1)
        drive(target, "create", 16, _WARM_UP_S, prefix="w-")
        for count in plan.connections:
            for route in ("create", "read", "webhook"):
                if route in server.routes:
                    with beside(server, port):
                        of = mongod, target, server, count, plan.seconds, Path(folder)
                        run = ROUTES[route](*of)
                    run |= {"server": server.name, "route": route, "connections": count}
                    found.append(run)
        for run in found:
            run["resident_mb"] = resident_mb(pid)
    return found


def _create(
    mongod: Mongod, target: Target, server: Server, connections: int, seconds: int, folder: Path
) -> Run:
    database = f"bench_{server.name}"
    before = counts(mongod.uri, database)["sessions"]
    run = drive(target, "create", connections, seconds, prefix=f"c{connections}-")
    made = counts(mongod.uri, database)["sessions"] - before
    _check("sessions made", made, run, connections)
    return run


def _read(
    mongod: Mongod, target: Target, server: Server, connections: int, seconds: int, folder: Path
) -> Run:
    told = {"prefix": "s-", "count": SESSIONS, "seed": connections}
    return drive(target, "read", connections, seconds, **told)


def _webhook(
    mongod: Mongod, target: Target, server: Server, connections: int, seconds: int, folder: Path
) -> Run:
    """Complete sessions that are there only for that, and count what became of each."""
    database, prefix = f"bench_{server.name}", f"p{connections}-"
    prepared = int(server.events_a_second * seconds)
    seed(mongod.uri, database, sessions(prefix, prepared))
    events = folder / "events"
    write_events(events, prefix, prepared)
    before = counts(mongod.uri, database, "completed")
    run = drive(target, "webhook", connections, seconds, events=str(events))
    after = counts(mongod.uri, database, "completed")
    for name in before:
        _check(name, after[name] - before[name], run, connections)
    return run


def _check(what: str, found: int, run: Run, connections: int) -> None:
    """Hold the documents against the answers; wrk does not wait for the last of each connection."""
    if not run["requests"] <= found <= run["requests"] + connections:
        raise RuntimeError(f"{what}: {found} documents for {run['requests']} answers")


ROUTES: dict[str, Callable[..., Run]] = {"create": _create, "read": _read, "webhook": _webhook}
