"""Expiring 200 thousand due sessions on a database that is idle but for some reads."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from statistics import median
from typing import Any

from bench.database import Mongod, counts, make_empty, seed, sessions
from bench.load import Target, drive
from bench.scenarios.cleanup import DUE, expire_all
from bench.scenarios.hot_routes import Told
from bench.servers import TILLGATE, serving

A_SECOND = 100
CONNECTIONS = 4
_READ = 10_000
_ALONE_S = 20
_LONGEST_S = 600


def measure_expiry(mongod: Mongod, tell: Told, *, rounds: int) -> dict[str, Any]:
    """Read so many a second, alone and then beside the job until nothing is due; some rounds."""
    database, found = "bench_expiry", []
    for number in range(rounds):
        make_empty(mongod.uri, database)
        seed(mongod.uri, database, sessions("s-", _READ))
        tell(f"expiry: loading {DUE} due sessions")
        seed(mongod.uri, database, sessions("due-", DUE, age=timedelta(hours=1)))
        with serving(TILLGATE, mongod.uri, database) as (port, pid):
            found.append(_round(Target(port, pid, mongod.pid), tell))
        left = counts(mongod.uri, database, "expired")["sessions"]
        if left != DUE or found[-1]["expired"] != DUE:
            raise RuntimeError(f"round {number}: {found[-1]['expired']} expired, {left} found")
    return {
        "due": DUE,
        "a_second": A_SECOND,
        "rounds": found,
        "took_s": median(one["took_s"] for one in found),
        "ratio": median(one["during"]["p99_ms"] / one["without"]["p99_ms"] for one in found),
    }


def _round(target: Target, tell: Told) -> dict[str, Any]:
    read = {"prefix": "s-", "count": _READ, "seed": 7, "a_second": A_SECOND}
    drive(target, "read_paced", CONNECTIONS, 3, **read)
    without = drive(target, "read_paced", CONNECTIONS, _ALONE_S, **read)
    ended: list[float] = []
    with ThreadPoolExecutor(1) as beside:
        began = time.perf_counter()
        job = beside.submit(expire_all, target.port)
        job.add_done_callback(lambda _: ended.append(time.perf_counter()))
        during = drive(target, "read_paced", CONNECTIONS, _LONGEST_S, until=job, **read)
    took = ended[0] - began
    tell(
        f"expiry: {DUE} in {took:.0f} s; reads p99 {without['p99_ms']:.2f} ms alone, "
        f"{during['p99_ms']:.2f} ms beside"
    )
    return {"without": without, "during": during, "took_s": took, "expired": job.result()}
