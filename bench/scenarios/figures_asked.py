"""Each route of figures without a cache."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar

import httpx

from bench.raw_figures import Database, Row
from bench.scenarios.hot_routes import Told
from bench.servers import headers

T = TypeVar("T")
BASE = "/api/v1/analytics"
WEBHOOKS = "webhook-metrics?days=30"
ROUTES = (
    *("realtime", "dashboard", "trends/today", "trends/week", "trends/month"),
    *("peak-times?days=30", "peak-times?days=366", "success-rate?days=30", "success-rate?days=366"),
    *("failures?days=30", "failures?days=366", "latency?days=30", "latency?days=366"),
    *("geography?days=30", "geography?days=366", "checkouts?days=30", "checkouts?days=366"),
    *("overview?period=30d", "overview?period=1y", "overview?period=all"),
    *("top-resources?period=30d", "top-resources?period=all", "payment-methods?period=all"),
    *("customers?period=30d", "customers?period=90d", "customers?period=1y", WEBHOOKS),
    "reports/monthly",
    *("revenue?interval=hour", "transactions?groupBy=status", "transactions?groupBy=currency"),
)
LARGE = 100_000
"""From so many rows on an answer is to be a hundred times as fast as an aggregation."""
_WITHIN_S = 60.0


class Asker:
    """Asks the service, which keeps no answer: before each question all are dropped."""

    def __init__(self, port: int, database: Database) -> None:
        """Open a connection."""
        self.database = database
        self._client = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False)

    def ask(self, route: str, key: str) -> tuple[Row, float]:
        """Return an answer, and how many milliseconds it took. Raises `RuntimeError`."""
        dropped = {"$set": {"clearedAt": datetime.now(UTC)}}
        self.database.figures_cache.update_one({"_id": "answers"}, dropped, upsert=True)
        began = time.perf_counter()
        answer = self._client.get(f"{BASE}/{route}", headers=headers(key), timeout=_WITHIN_S)
        took = 1000 * (time.perf_counter() - began)
        if answer.status_code != httpx.codes.OK:
            raise RuntimeError(f"{route}: {answer.status_code} {answer.text[:300]}")
        return answer.json(), took


def routes(
    asker: Asker, keys: Mapping[str, str], tell: Told, *, rounds: int
) -> dict[str, dict[str, float]]:
    """Ask each route for all merchants."""
    found = {}
    for route in ROUTES:
        took = sorted(asker.ask(route, key)[1] for _ in range(rounds) for key in keys.values())
        found[route] = {"p50_ms": _rank(took, 50), "p95_ms": _rank(took, 95)}
        tell(f"figures: {route} {found[route]['p50_ms']:.0f} ms, p95 {_rank(took, 95):.0f} ms")
    return found


def _rank(took: list[float], share: int) -> float:
    return took[-(-len(took) * share // 100) - 1]
