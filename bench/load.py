"""One run of wrk: many kept-alive connections on the loopback, each one request at a time."""

import json
import os
import signal
import subprocess
import time
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.machine import cpu_seconds
from bench.servers import HERE, SECRET_KEY, WEBHOOK_SECRET
from tillgate_sandbox.events.sale import Outcome, Sale
from tillgate_sandbox.events.stripe import stripe_event
from tillgate_sandbox.stripe.events import signature_of

SCRIPTS = HERE / "wrk"
_SETTLE_S = 0.5


@dataclass(frozen=True, slots=True)
class Target:
    """What is driven: the port, and the processes whose time is counted."""

    port: int
    server: int
    mongod: int


def drive(
    target: Target,
    route: str,
    connections: int,
    seconds: int,
    *,
    until: Future[int] | None = None,
    **told: str | int,
) -> dict[str, Any]:
    """Drive one route; give rate, latencies in milliseconds, and microseconds of processor time.

    With `until` the load ends as soon as that is done. Raises `RuntimeError` when an answer was
    wrong or the prepared requests did not last.
    """
    environment = {"PATH": os.environ["PATH"], "BENCH_KEY": SECRET_KEY, "BENCH_WRK": str(SCRIPTS)}
    environment |= {f"BENCH_{name.upper()}": str(value) for name, value in told.items()}
    used = cpu_seconds(target.server), cpu_seconds(target.mongod)
    with subprocess.Popen(
        [
            *("wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s"),
            *("-s", str(SCRIPTS / f"{route}.lua"), f"http://127.0.0.1:{target.port}"),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as wrk:
        if until is not None:
            until.result()
            wrk.send_signal(signal.SIGINT)
        said, wrong = wrk.communicate()
    # wrk leaves without the answers that it still waits for; what they tell of is written by then.
    time.sleep(_SETTLE_S)
    found: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
    if found["wrong"] or found["socket_errors"] or found["ended"] or not found["requests"]:
        raise RuntimeError(f"{route}: {found} {wrong[:600]}")
    found["per_second"] = found["requests"] / found["seconds"]
    spent = cpu_seconds(target.server) - used[0], cpu_seconds(target.mongod) - used[1]
    found["server_us"] = spent[0] / found["requests"] * 1e6
    found["mongod_us"] = spent[1] / found["requests"] * 1e6
    return found


def write_events(path: Path, prefix: str, count: int) -> None:
    """Sign a Stripe event for each of the sessions, in the form that the script reads."""
    now = datetime.now(UTC)
    with path.open("wb") as file:
        for number in range(count):
            sale = Sale(f"{prefix}{number}", 2999, "USD", now)
            body = stripe_event(sale, Outcome.SUCCEEDED).body
            file.write(f"{signature_of(body, WEBHOOK_SECRET, now)}\n{len(body)}\n".encode())
            file.write(body)
