"""Opening sessions while a stranger posts a thousand forged webhooks a second."""

from concurrent.futures import ThreadPoolExecutor
from statistics import median
from typing import Any

from bench.database import Mongod, count_of, make_empty
from bench.load import Target, drive
from bench.scenarios.hot_routes import Told
from bench.servers import TILLGATE, serving

A_SECOND = 1_000
CONNECTIONS = 64
WORKERS = {"one process": 1, "two processes": 2}
_STRANGERS = 200


def measure_flood(mongod: Mongod, tell: Told, *, rounds: int, seconds: int) -> dict[str, Any]:
    """Measure one process, and then a process for each of two cores."""
    return {
        name: _measure(mongod, tell, workers, rounds=rounds, seconds=seconds)
        for name, workers in WORKERS.items()
    }


def _measure(
    mongod: Mongod, tell: Told, workers: int, *, rounds: int, seconds: int
) -> dict[str, Any]:
    """Open in a closed loop, alone and beside the flood in turn; each pair gives one ratio."""
    database, pairs = f"bench_flood_{workers}", []
    make_empty(mongod.uri, database)
    with serving(TILLGATE, mongod.uri, database, workers=workers) as (port, pid):
        target = Target(port, pid, mongod.pid)
        drive(target, "create", CONNECTIONS, 1, prefix="w-")
        for number in range(rounds):
            pair = _pair(target, number, seconds)
            pairs.append(pair)
            tell(
                f"flood: {workers} at work, round {number + 1}: "
                f"{pair['alone']['per_second']:.0f}/s alone, "
                f"{pair['beside']['per_second']:.0f}/s beside {pair['forged']['per_second']:.0f}/s"
            )
    return {
        "pairs": pairs,
        "ratio": median(one["beside"]["per_second"] / one["alone"]["per_second"] for one in pairs),
        "forged": median(one["forged"]["per_second"] for one in pairs),
        "rows": count_of(mongod.uri, database, "webhook_rejections"),
    }


def _pair(target: Target, number: int, seconds: int) -> dict[str, Any]:
    """Measure both, each first in every other round: a machine that slows favours neither."""
    kinds = ("alone", "beside") if number % 2 == 0 else ("beside", "alone")
    pair: dict[str, Any] = {}
    for kind in kinds:
        told = {"prefix": f"{kind}{number}-"}
        if kind == "alone":
            pair[kind] = drive(target, "create", CONNECTIONS, seconds, **told)
            continue
        with ThreadPoolExecutor(1) as other:
            flood = {"a_second": A_SECOND}
            forging = other.submit(drive, target, "forged", _STRANGERS, seconds, **flood)
            pair[kind] = drive(target, "create", CONNECTIONS, seconds, **told)
            pair["forged"] = forging.result()
    return pair
