"""What `tillgate serve` costs until it is ready, and what of it is loaded then."""

import subprocess
import sys
import time
from typing import Any

from bench.database import Mongod, make_empty
from bench.machine import cpu_seconds, resident_mb
from bench.scenarios.hot_routes import Told
from bench.servers import TILLGATE, serving

# Asked in a process of its own, which imports what `serve` does: the running one has no such route.
_MODULES = """
import sys, service.cli.commands.serve
names = [name for name in sys.modules if name.partition(".")[0] in ("service", "tillgate_sandbox")]
print(len(names), sum(name.startswith("tillgate_sandbox") for name in names))
"""


def measure_startup(mongod: Mongod, tell: Told, *, rounds: int) -> dict[str, Any]:
    """Start it some times; give seconds until ready, processor time and memory of each start."""
    database = "bench_startup"
    make_empty(mongod.uri, database)
    starts: list[dict[str, float]] = []
    for _ in range(rounds):
        began = time.monotonic()
        with serving(TILLGATE, mongod.uri, database) as (_, pid):
            ready_s = time.monotonic() - began
            starts.append(
                {"ready_s": ready_s, "cpu_s": cpu_seconds(pid), "resident_mb": resident_mb(pid)}
            )
        tell(f"startup: ready after {ready_s:.2f} s, {starts[-1]['resident_mb']:.0f} MB")
    command = [sys.executable, "-c", _MODULES]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return {"starts": starts, "modules": int(said[0]), "of_the_sandbox": int(said[1])}
