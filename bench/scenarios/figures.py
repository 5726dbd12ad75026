"""Figures of two years: how fast they are made and answered, and what that costs others."""

import asyncio
import math
import time
from datetime import timedelta
from typing import Any

import pymongo

from bench import sales
from bench.database import Mongod, make_empty, seed, sessions
from bench.load import Target
from bench.machine import cpu_seconds
from bench.scenarios.figures_asked import Asker, routes
from bench.scenarios.figures_beside import beside_job, beside_viewers
from bench.scenarios.figures_compared import compare
from bench.scenarios.hot_routes import Told
from bench.servers import TILLGATE, serving
from service.analytics.operations.customer_days import make_customer_days
from service.analytics.operations.months import make_months
from service.analytics.operations.rebuilding import begin_rebuild
from service.analytics.operations.remaking import make_days
from service.analytics.operations.rolling import roll_up
from service.analytics.operations.sweeping import COMMITTED_WITHIN_S, sweep
from service.core.batches import Until
from service.core.clock import SystemClock
from service.core.principal import Kind, Principal
from service.storage.database import connect
from service.storage.documents import bind
from service.storage.indexes import apply_indexes
from service.stored import DOCUMENTS
from service.web.keys.issuing import keep_key, make_key

DATABASE = "bench_figures"
ROWS = 5_000_000
BUCKET = 10_000
FORGOTTEN_S = 330
"""MongoDB's `minSnapshotHistoryWindowInSeconds`, and a little more."""
_DENSE = "dense"
_FOREVER = Until(math.inf)
_BENCH = Principal(Kind.JOBS, "default", "0" * 12, "bench")


def measure_figures(
    mongod: Mongod, tell: Told, *, rounds: int, seconds: int, rows: int
) -> dict[str, Any]:
    """Fill a database, make its figures, ask for them, and do so beside the hot routes."""
    began = time.perf_counter()
    made = _fill(mongod, rows)
    tell(f"figures: {made:,} sessions and payments in {time.perf_counter() - began:.0f} s")
    found, keys = asyncio.run(_made(mongod, tell))
    with (
        serving(TILLGATE, mongod.uri, DATABASE) as (port, pid),
        pymongo.MongoClient[dict[str, Any]](mongod.uri, tz_aware=True) as client,
    ):
        target, asker = Target(port, pid, mongod.pid), Asker(port, client[DATABASE])
        asked = routes(asker, keys, tell, rounds=2 * rounds + 1)
        compared = compare(asker, keys, tell)
        viewers = beside_viewers(target, keys, tell, rounds=rounds, seconds=seconds)
        job = beside_job(mongod, DATABASE, target, tell, rounds=rounds, seconds=seconds)
    beside = {"viewers": viewers, "job": job}
    return {"rows": made, **found, "routes": asked, "compared": compared, **beside}


def _fill(mongod: Mongod, rows: int) -> int:
    """Put all there; indexes are made afterwards."""
    make_empty(mongod.uri, DATABASE)
    now = sales.now_to_the_hour()
    with pymongo.MongoClient[dict[str, Any]](mongod.uri) as client:
        for document in DOCUMENTS:
            client[DATABASE][document.collection_name()].drop_indexes()
        client[DATABASE].merchants.delete_many({})
        client[DATABASE].merchants.insert_many(sales.merchants(now))
        dense = now - timedelta(hours=1)
        count = BUCKET * 5 // 9
        one = sales.Chunk(_DENSE, _DENSE, count, dense, dense + timedelta(minutes=14), now)
        made = sales.fill(mongod.uri, DATABASE, sales.chunks_of(rows, now, 1))
        sales.put(mongod.uri, DATABASE, one)

    async def index() -> None:
        client = connect(mongod.uri)
        await apply_indexes(client[DATABASE], DOCUMENTS)
        await client.close()

    asyncio.run(index())
    seed(mongod.uri, DATABASE, sessions("s-", 10_000))  # and written back
    return made


async def _made(mongod: Mongod, tell: Told) -> tuple[dict[str, Any], dict[str, str]]:
    """Make the figures of all; return how fast, and a key of each merchant."""
    client = connect(mongod.uri)
    await bind(client[DATABASE], DOCUMENTS)
    facts = client[DATABASE]["figures_facts"]
    found: dict[str, Any] = {}
    sweeping = _Clock(mongod.pid)
    for merchant in (*sales.ZONES, _DENSE):
        await sweep(merchant, SystemClock(), None, _FOREVER)
    found["sweep"] = sweeping.of(await facts.estimated_document_count())
    tell(f"figures: {found['sweep']['per_second']:,.0f} rows a second become facts")
    await roll_up(None, _FOREVER)
    for merchant in sales.ZONES:
        await make_days(merchant, None, _FOREVER)
    found["bucket"] = await _bucket(mongod, client)
    tell(f"figures: a quarter-hour of {BUCKET:,} in {found['bucket']['ms']:.0f} ms")
    dates = sales.now_to_the_hour()
    await begin_rebuild(dates - 2 * sales.YEARS, dates + timedelta(days=9), _BENCH, SystemClock())
    rolling = _Clock(mongod.pid)
    buckets = await roll_up(None, _FOREVER)
    for merchant in sales.ZONES:
        await make_months(merchant, SystemClock(), None, _FOREVER)
    found["rebuild"] = rolling.of(await facts.estimated_document_count()) | {"buckets": buckets}
    customers = _Clock(mongod.pid)
    for merchant in sales.ZONES:
        await make_customer_days(merchant, SystemClock(), None, _FOREVER)
    found["customers"] = customers.of(await client[DATABASE]["payments"].estimated_document_count())
    tell(f"figures: rebuilt from {found['rebuild']['per_second']:,.0f} facts a second")
    # Rows of the last seconds before a run are read again for each answer, and each passes all
    # marks of the rebuild for as long as MongoDB keeps what left an index: neither is asked for.
    tell(f"figures: waiting for {FORGOTTEN_S} s, until no index has the marks any more")
    await asyncio.sleep(max(FORGOTTEN_S, COMMITTED_WITHIN_S + 1))
    keys = {}
    for merchant in sales.ZONES:
        await sweep(merchant, SystemClock(), None, _FOREVER)
        made = await keep_key(make_key(SystemClock(), Kind.ADMIN, merchant_id=merchant))
        keys[merchant] = made.key
    await client.close()
    return found, keys


async def _bucket(mongod: Mongod, client: Any) -> dict[str, float]:
    """Add one large quarter-hour up some times; the median."""
    facts, marks = client[DATABASE]["figures_facts"], client[DATABASE]["figures_dirty"]
    first = await facts.find_one({"merchantId": _DENSE, "kind": "session"})
    at = first["at"].replace(minute=first["at"].minute // 15 * 15, second=0, microsecond=0)
    times = []
    for _ in range(7):
        await marks.insert_one({"merchantId": _DENSE, "bucket": at, "n": 1})
        clock = _Clock(mongod.pid)
        await roll_up(None, _FOREVER)
        times.append(clock.of(BUCKET))
    times.sort(key=lambda one: one["seconds"])
    middle = times[len(times) // 2]
    count = await facts.count_documents(
        {"merchantId": _DENSE, "at": {"$gte": at, "$lt": at + timedelta(minutes=15)}}
    )
    return {"facts": count, "ms": 1000 * middle["seconds"], **middle}


class _Clock:
    """The time since it was made, and the processor time of this process and of mongod."""

    def __init__(self, mongod: int) -> None:
        """Begin."""
        self.mongod = mongod
        self.began = time.perf_counter(), time.process_time(), cpu_seconds(mongod)

    def of(self, count: int) -> dict[str, float]:
        """Return what each of so many took."""
        ended = time.perf_counter(), time.process_time(), cpu_seconds(self.mongod)
        took, own, of_mongod = (b - a for a, b in zip(self.began, ended, strict=True))
        return {
            "count": count,
            "seconds": took,
            "per_second": count / took,
            "process_us": 1e6 * own / count,
            "mongod_us": 1e6 * of_mongod / count,
        }
