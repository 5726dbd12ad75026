"""Measure Tillgate beside its peers: `python -m bench [hot workers growth … flood]`."""

import json
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import rich_click as click
from rich.console import Console

from bench.database import Mongod, mongod
from bench.machine import described
from bench.report import write_report
from bench.scenarios import exports, figures
from bench.scenarios.cleanup import measure_cleanup
from bench.scenarios.counted import measure_counted
from bench.scenarios.deliveries import measure_deliveries
from bench.scenarios.expiry import measure_expiry
from bench.scenarios.exports import measure_exports
from bench.scenarios.fanout import measure_fanout
from bench.scenarios.figures import measure_figures
from bench.scenarios.flood import measure_flood
from bench.scenarios.growth import measure_growth
from bench.scenarios.hooked import measure_hooked
from bench.scenarios.hot_routes import Plan, measure_hot_routes
from bench.scenarios.leads import measure_leads
from bench.scenarios.memory import measure_memory
from bench.scenarios.startup import measure_startup
from bench.servers import EXPRESS, FASTAPI, FASTIFY, HERE, PEERS_PYTHON, TILLGATE

RESULTS = HERE / "results.json"
SCENARIOS = (
    "hot",
    "workers",
    "growth",
    "cleanup",
    "expiry",
    "memory",
    "startup",
    "flood",
    "fanout",
    "hooked",
    "counted",
    "deliveries",
    "leads",
    "exports",
    "figures",
)

console = Console(stderr=True)


@click.command()
@click.argument("scenarios", nargs=-1, type=click.Choice(SCENARIOS))
@click.option("--rounds", default=3, show_default=True, help="Rounds over all servers.")
@click.option("--seconds", default=4, show_default=True, help="Length of one run.")
@click.option("--rows", type=int, help="Payments of `exports`, or rows of `figures`; else all.")
def main(scenarios: tuple[str, ...], rounds: int, seconds: int, rows: int | None) -> None:
    """Run the scenarios (all of them unless some are named) and write RESULTS.md.

    What an earlier run measured of the others is kept.
    """
    _require_tools()
    # What was started is stopped then too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    with tempfile.TemporaryDirectory(prefix="tillgate-bench-") as folder:
        for name in scenarios or SCENARIOS:
            place = Path(folder) / name
            place.mkdir()
            # A mongod of its own for each: what one scenario leaves in its cache slows no other.
            with mongod(place) as server:
                found = _measure(name, server, rounds, seconds, rows)
            results[name] = {"rounds": rounds, "seconds": seconds, "found": found}
            results["machine"] = described() | {"mongod": server.version}
            RESULTS.write_text(json.dumps(results, indent=1) + "\n")
            shutil.rmtree(place)
    write_report(results)


def _measure(
    name: str, server: Mongod, rounds: int, seconds: int, rows: int | None
) -> Any:  # plain data
    two_each = Plan(max(1, rounds // 2), seconds, (64,), 2, (TILLGATE, EXPRESS, FASTIFY, FASTAPI))
    measured: dict[str, Callable[[], Any]] = {
        "hot": lambda: measure_hot_routes(server, _tell, Plan(rounds, seconds)),
        "workers": lambda: measure_hot_routes(server, _tell, two_each),
        "growth": lambda: measure_growth(server, _tell, rounds=rounds, seconds=seconds),
        "cleanup": lambda: measure_cleanup(server, _tell, seconds=2 * seconds),
        "expiry": lambda: measure_expiry(server, _tell, rounds=rounds),
        "memory": lambda: measure_memory(server, _tell),
        "startup": lambda: measure_startup(server, _tell, rounds=2 * rounds + 1),
        "flood": lambda: measure_flood(server, _tell, rounds=2 * rounds + 1, seconds=seconds),
        "fanout": lambda: measure_fanout(server, _tell, rounds=2 * rounds + 1, seconds=seconds),
        "hooked": lambda: measure_hooked(server, _tell, rounds=rounds, seconds=seconds),
        "counted": lambda: measure_counted(server, _tell, rounds=rounds, seconds=seconds),
        "deliveries": lambda: measure_deliveries(server, _tell, rounds=rounds, seconds=seconds),
        "leads": lambda: measure_leads(server, _tell, rounds=rounds, seconds=seconds),
        "exports": lambda: measure_exports(server, _tell, rounds=rounds, rows=rows or exports.ROWS),
        "figures": lambda: measure_figures(
            server, _tell, rounds=rounds, seconds=seconds, rows=rows or figures.ROWS
        ),
    }
    return measured[name]()


def _tell(line: str) -> None:
    console.print(f"[dim]{time.strftime('%H:%M:%S')}[/dim] {line}", highlight=False)


def _require_tools() -> None:
    missing = [
        name for name, tool in (("wrk", "wrk"), ("nodejs", "node")) if not shutil.which(tool)
    ]
    if missing:
        sys.exit(f"The bench needs {' and '.join(missing)}: apt-get install {' '.join(missing)}")
    if not PEERS_PYTHON.exists() or not (HERE / "peers" / "node_modules").exists():
        sys.exit("The peers are not installed: `make bench` does it.")


if __name__ == "__main__":
    main()
