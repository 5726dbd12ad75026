"""Each route of figures without a cache, and the same answers by aggregation over the rows."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

import httpx

from bench import raw_figures
from bench.raw_figures import Database, Row, Span
from bench.scenarios.hot_routes import Told
from bench.servers import headers
from service.analytics.operations.periods import last_days

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
    *("customers?period=30d", "customers?period=90d", WEBHOOKS, "reports/monthly"),
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


def compare(asker: Asker, keys: Mapping[str, str], tell: Told) -> list[Row]:
    """Hold answers against aggregations of the rows; raises `RuntimeError` where they differ."""
    lines = []
    for merchant, key in keys.items():
        asked = _Asked(asker, merchant, key)
        for what in (_money, _payers, _latency):
            line = {"merchant": merchant, **what(asked)}
            line["ratio"] = line["raw_ms"] / line["ms"]
            tell(
                f"figures: {merchant} {line['what']}: {line['ratio']:.0f} x, {line['off']:.2%} off"
            )
            lines.append(line)
    return lines


class _Asked:
    """A merchant's question, to the service and to the rows."""

    def __init__(self, asker: Asker, merchant: str, key: str) -> None:
        """Ask in euros."""
        self._asker, self._key = asker, key
        self._whose = {"merchantId": merchant, "currency": "EUR"}

    def ours(self, route: str) -> tuple[Row, float]:
        """Ask the service five times; an answer, and the median time."""
        found = [self._asker.ask(f"{route}&currency=EUR", self._key) for _ in range(5)]
        return found[0][0], sorted(took for _, took in found)[2]

    def theirs(self, what: Callable[[Database, Row, Span], T], span: Span) -> tuple[T, float]:
        """Ask the database."""
        began = time.perf_counter()
        found = what(self._asker.database, self._whose, span)
        return found, 1000 * (time.perf_counter() - began)


def _money(asked: _Asked) -> Row:
    found, took = asked.ours("overview?period=all")
    span = _span_of(found)
    expected, raw_took = asked.theirs(raw_figures.money, span)
    overview = found["overview"]
    shown = {
        "transactions": overview["transactions"]["total"],
        "successful": overview["transactions"]["successful"],
        "failed": overview["transactions"]["failed"],
        "revenue": overview["revenue"]["total"],
        "refunded": overview["revenue"]["refunded"],
        "lost": overview["revenue"]["lost"],
    }
    if shown != expected:
        raise RuntimeError(f"money: {shown} is shown, {expected} is there")
    return _line("counts and money, all time", 0.0, took, raw_took, expected["transactions"])


def _payers(asked: _Asked) -> Row:
    found, took = asked.ours("overview?period=1y")
    span = _span_of(found)
    expected, raw_took = asked.theirs(raw_figures.payers, span)
    off = abs(found["overview"]["uniquePayers"] - expected) / max(expected, 1)
    rows = found["overview"]["transactions"]["total"]
    return _line("payers of a year", off, took, raw_took, rows)


def _latency(asked: _Asked) -> Row:
    found, took = asked.ours("latency?days=366")
    until = datetime.fromisoformat(found["asOf"])
    expected, raw_took = asked.theirs(raw_figures.latency, (_since(found), until))
    shown = found["latency"]
    off = max(abs(shown[name] - value) / value for name, value in expected.items())
    return _line("percentiles of a year", off, took, raw_took, found["count"])


def _span_of(answer: Row) -> Span:
    period = answer["period"]
    return (
        datetime.fromisoformat(period["startDate"]),
        datetime.fromisoformat(period["endDate"]),
    )


def _since(answer: Row) -> datetime:
    """Return when the first of the last 366 days begins."""
    zone = ZoneInfo(answer["timezone"])
    return last_days(answer["days"], datetime.fromisoformat(answer["asOf"]), zone)[0]


def _line(what: str, off: float, took: float, raw: float, rows: int) -> Row:
    return {"what": what, "off": off, "ms": took, "raw_ms": raw, "rows": rows}
