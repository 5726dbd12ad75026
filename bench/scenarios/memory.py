"""The resident memory of one worker over 200 thousand requests."""

import tempfile
from pathlib import Path
from typing import Any

from bench.database import Mongod, make_empty, seed, sessions
from bench.load import Target, drive, write_events
from bench.machine import resident_mb
from bench.scenarios.hot_routes import SESSIONS, Told
from bench.servers import TILLGATE, serving

REQUESTS = 200_000
_SLICE_S = 3


def measure_memory(mongod: Mongod, tell: Told) -> list[dict[str, Any]]:
    """Create, read and complete in turn; give the memory after each slice."""
    database = "bench_memory"
    make_empty(mongod.uri, database)
    seed(mongod.uri, database, sessions("s-", SESSIONS))
    samples: list[dict[str, Any]] = []
    answered, turn = 0, 0
    with (
        serving(TILLGATE, mongod.uri, database) as (port, pid),
        tempfile.TemporaryDirectory() as folder,
    ):
        target, events = Target(port, pid, mongod.pid), Path(folder) / "events"
        samples.append({"requests": 0, "resident_mb": resident_mb(pid)})
        while answered < REQUESTS:
            prefix = f"p{turn}-"
            prepared = TILLGATE.events_a_second * _SLICE_S
            seed(mongod.uri, database, sessions(prefix, prepared))
            write_events(events, prefix, prepared)
            told = {"prefix": "s-", "count": SESSIONS, "seed": turn}
            for run in (
                drive(target, "create", 64, _SLICE_S, prefix=f"c{turn}-"),
                drive(target, "read", 64, _SLICE_S, **told),
                drive(target, "webhook", 64, _SLICE_S, events=str(events)),
            ):
                answered += run["requests"]
            turn += 1
            samples.append({"requests": answered, "resident_mb": resident_mb(pid)})
            tell(f"memory: {answered} requests, {samples[-1]['resident_mb']:.0f} MB")
    return samples
