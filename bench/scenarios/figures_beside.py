"""The hot routes while people look at figures, and while figures are made."""

import asyncio
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from bench.database import Mongod, seed, sessions
from bench.load import Target, drive, write_events
from bench.scenarios.hot_routes import Told
from bench.servers import JOBS_KEY, TILLGATE, headers

VIEWERS = 20
EVERY_S = 5.0
CONNECTIONS = 64
_LOOKED_AT = (
    *("realtime", "dashboard", "trends/week", "latency?days=30", "geography?days=90"),
    *("overview?period=1y", "top-resources?period=30d", "revenue?interval=day"),
)
_WITHIN_S = 60.0
Work = Callable[[threading.Event], None]


def beside_viewers(
    target: Target, keys: Mapping[str, str], tell: Told, *, rounds: int, seconds: int
) -> dict[str, Any]:
    """Open sessions alone, and while viewers of all merchants reload; in pairs.

    The job runs before each: what was written before is not this one's.
    """
    seconds = max(seconds, int(4 * EVERY_S))
    pairs, seen = [], Counter[int]()
    for number in range(rounds):
        _run_job(target.port)
        alone = drive(target, "create", CONNECTIONS, seconds, prefix=f"va{number}-")
        _run_job(target.port)
        with going_on(lambda ended: asyncio.run(_view(target.port, keys, ended, seen))):
            beside = drive(target, "create", CONNECTIONS, seconds, prefix=f"vb{number}-")
        pairs.append({"alone": alone["per_second"], "beside": beside["per_second"]})
    ratio = median(one["beside"] / one["alone"] for one in pairs)
    answered = {str(status): count for status, count in sorted(seen.items())}
    tell(f"figures: create beside {VIEWERS} viewers {ratio:.2f} x, who were answered {answered}")
    return {"pairs": pairs, "ratio": ratio, "answered": answered}


def beside_job(
    mongod: Mongod, database: str, target: Target, tell: Told, *, rounds: int, seconds: int
) -> dict[str, Any]:
    """Drive each hot route alone, and while the job runs again and again; in pairs."""
    found: dict[str, Any] = {}
    for route in ("create", "read", "webhook"):
        pairs = []
        for number in range(rounds):
            rates = []
            for name in ("a", "b"):
                with tempfile.TemporaryDirectory() as folder:
                    told = _told(mongod, database, route, f"{name}{number}-", seconds, Path(folder))
                    if name == "a":
                        run = drive(target, route, CONNECTIONS, seconds, **told)
                    else:
                        with going_on(lambda ended: run_jobs(target.port, ended)):
                            run = drive(target, route, CONNECTIONS, seconds, **told)
                rates.append(run["per_second"])
            pairs.append({"alone": rates[0], "beside": rates[1]})
        ratio = median(one["beside"] / one["alone"] for one in pairs)
        found[route] = {"pairs": pairs, "ratio": ratio}
        tell(f"figures: {route} beside the job {ratio:.2f} x")
    return found


def _told(
    mongod: Mongod, database: str, route: str, prefix: str, seconds: int, folder: Path
) -> dict[str, str | int]:
    if route == "create":
        return {"prefix": f"c{prefix}"}
    if route == "read":
        return {"prefix": "s-", "count": 10_000, "seed": 3}
    prepared = int(TILLGATE.events_a_second * seconds)
    seed(mongod.uri, database, sessions(f"w{prefix}", prepared))
    write_events(folder / "events", f"w{prefix}", prepared)
    return {"events": str(folder / "events")}


@contextmanager
def going_on(work: Work) -> Iterator[None]:
    """Have some work go on for as long as the block lasts; raises what it raises."""
    ended = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(work, ended)
        try:
            yield
        finally:
            ended.set()
        running.result()


def run_jobs(port: int, ended: threading.Event) -> None:
    """Run the job again and again."""
    while not ended.is_set():
        _run_job(port)


def _run_job(port: int) -> None:
    answer = httpx.post(
        f"http://127.0.0.1:{port}/api/jobs/figures",
        headers=headers(JOBS_KEY),
        timeout=_WITHIN_S,
        trust_env=False,
    )
    answer.raise_for_status()


async def _view(
    port: int, keys: Mapping[str, str], ended: threading.Event, seen: Counter[int]
) -> None:
    limits = httpx.Limits(max_connections=VIEWERS)
    async with httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{port}/api/v1/analytics", trust_env=False, limits=limits
    ) as client:
        names = [*keys]
        await asyncio.gather(
            *(_look(client, keys[names[n % len(names)]], n, ended, seen) for n in range(VIEWERS))
        )


async def _look(
    client: httpx.AsyncClient, key: str, number: int, ended: threading.Event, seen: Counter[int]
) -> None:
    """Reload every five seconds; no two begin at once."""
    await asyncio.sleep(EVERY_S * number / VIEWERS)
    again = number
    while not ended.is_set():
        route = _LOOKED_AT[again % len(_LOOKED_AT)]
        answer = await client.get(f"/{route}", headers=headers(key), timeout=_WITHIN_S)
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:  # too much is unread
            answer.raise_for_status()
        seen[answer.status_code] += 1
        again += 1
        for _ in range(int(EVERY_S * 10)):
            if ended.is_set():
                return
            await asyncio.sleep(0.1)
