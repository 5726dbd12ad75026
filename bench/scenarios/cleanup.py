"""Expiring 200 thousand due sessions while others are read."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import httpx

from bench.database import Mongod, counts, make_empty, seed, sessions
from bench.load import Target, drive
from bench.scenarios.hot_routes import Told
from bench.servers import JOBS_KEY, TILLGATE, headers, serving

DUE = 200_000
CONNECTIONS = 16
_READ = 10_000
_LONGEST_S = 600


def measure_cleanup(mongod: Mongod, tell: Told, *, seconds: int) -> dict[str, Any]:
    """Read in a closed loop, first alone, then while the job runs until nothing is due."""
    database = "bench_cleanup"
    make_empty(mongod.uri, database)
    seed(mongod.uri, database, sessions("s-", _READ))
    tell(f"cleanup: loading {DUE} due sessions")
    # The loop of the service itself expires nothing: that is the job's.
    seed(mongod.uri, database, sessions("due-", DUE, age=timedelta(hours=1)))
    told = {"prefix": "s-", "count": _READ, "seed": 7}
    with serving(TILLGATE, mongod.uri, database) as (port, pid):
        target = Target(port, pid, mongod.pid)
        drive(target, "read", CONNECTIONS, 2, **told)
        without = drive(target, "read", CONNECTIONS, seconds, **told)
        tell(f"cleanup: reads alone p99 {without['p99_ms']:.2f} ms")
        with ThreadPoolExecutor(1) as beside:
            began = time.perf_counter()
            job = beside.submit(expire_all, port)
            during = drive(target, "read", CONNECTIONS, _LONGEST_S, until=job, **told)
            took, expired = time.perf_counter() - began, job.result()
        left = counts(mongod.uri, database, "expired")["sessions"]
    if left != DUE or expired != DUE:
        raise RuntimeError(f"{expired} expired by the job, {left} found, {DUE} were due")
    tell(f"cleanup: {DUE} expired in {took:.0f} s")
    return {"without": without, "during": during, "due": DUE, "took_s": took}


def expire_all(port: int) -> int:
    """Run the job again and again, as the CronJob does, until it finds nothing."""
    expired = 0
    with httpx.Client(trust_env=False, timeout=300, headers=headers(JOBS_KEY)) as client:
        while True:
            answer = client.post(f"http://127.0.0.1:{port}/api/cleanup-sessions")
            if answer.status_code == httpx.codes.CONFLICT:  # the service's own loop is at it
                time.sleep(0.5)
                continue
            answer.raise_for_status()
            found = answer.json()["expired"]
            expired += found
            if not found:
                return expired
