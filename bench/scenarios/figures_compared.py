"""Answers about long times, and the same ones by aggregation over the rows."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from bench import raw_figures
from bench.raw_figures import Database, Row, Span
from bench.scenarios.figures_asked import Asker
from bench.scenarios.hot_routes import Told
from service.analytics.controllers.answering import MOST_DAYS
from service.analytics.operations.figures import percent, trend_of
from service.analytics.operations.periods import last_days

T = TypeVar("T")
LARGE = 100_000
"""From so many rows on an answer is to be a hundred times as fast as an aggregation."""


def compare(asker: Asker, keys: Mapping[str, str], tell: Told) -> list[Row]:
    """Hold answers against aggregations of the rows; raises `RuntimeError` where they differ."""
    lines = []
    for merchant, key in keys.items():
        asked = _Asked(asker, merchant, key)
        for line in (
            _overview(asked, "all"),
            _overview(asked, "1y"),
            _methods(asked),
            _days(asked),
            _hours(asked),
            _latency(asked),
            _customers(asked),
        ):
            line |= {"merchant": merchant, "ratio": line["raw_ms"] / line["ms"]}
            tell(
                f"figures: {merchant} {line['what']}: {line['ratio']:.0f} x of {line['rows']:,} "
                f"rows, {line['ms']:.0f} ms, {line['off']:.2%} off"
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

    def theirs_by(self, key: Row | str, span: Span) -> tuple[Sequence[Row], float]:
        """Ask the database by what something says of each payment."""
        return self.theirs(lambda *of: raw_figures.by(*of, key), span)


def _overview(asked: _Asked, period: str) -> Row:
    route = f"overview?period={period}"
    found, took = asked.ours(route)
    expected, raw_took = asked.theirs(raw_figures.overview, _span_of(found))
    overview, now, before = found["overview"], expected["now"], expected["before"]
    revenue, transactions = overview["revenue"], overview["transactions"]
    shown = {
        **{"transactions": transactions["total"], "successful": transactions["successful"]},
        **{"failed": transactions["failed"], "revenue": revenue["total"]},
        **{"refunded": revenue["refunded"], "lost": revenue["lost"]},
    }
    grown = [
        trend_of(now[name], before[name]).change_percent for name in ("revenue", "transactions")
    ]
    recent = [one["sessionId"] for one in overview["recentTransactions"]]
    ours = shown, [revenue["growth"], transactions["growth"]], recent
    _require(route, ours, (now, grown, expected["recent"]))
    off = abs(overview["uniquePayers"] - expected["payers"]) / max(expected["payers"], 1)
    return _line(route, off, took, raw_took, now["transactions"])


def _methods(asked: _Asked) -> Row:
    route = "payment-methods?period=all"
    found, took = asked.ours(route)
    expected, raw_took = asked.theirs_by("$provider", _span_of(found))
    shown = {
        one["provider"]: (one["count"], one["revenue"], one["revenuePercentage"])
        for one in found["paymentMethods"]
    }
    total = sum(one["revenue"] for one in expected)
    shares = {
        one["_id"]: (one["successful"], one["revenue"], percent(one["revenue"], total))
        for one in expected
        if one["successful"]
    }
    _require(route, shown, shares)
    return _line(route, 0.0, took, raw_took, sum(one["transactions"] for one in expected))


def _days(asked: _Asked) -> Row:
    route = "success-rate?days=366"
    found, took = asked.ours(route)
    day = {"format": "%Y-%m-%d", "date": "$firstAt", "timezone": found["timezone"]}
    expected, raw_took = asked.theirs_by({"$dateToString": day}, _days_of(found))
    shown = {
        one["date"]: (one["total"], one["successful"], one["failed"])
        for one in found["successRate"]
        if one["total"]
    }
    _require(
        route,
        shown,
        {one["_id"]: (one["transactions"], one["successful"], one["failed"]) for one in expected},
    )
    return _line(route, 0.0, took, raw_took, sum(one["transactions"] for one in expected))


def _hours(asked: _Asked) -> Row:
    route = "peak-times?days=366"
    found, took = asked.ours(route)
    hour = {"date": "$firstAt", "timezone": found["timezone"]}
    expected, raw_took = asked.theirs_by({"$hour": hour}, _days_of(found))
    shown = {one["hour"]: (one["transactionCount"], one["revenue"]) for one in found["peakTimes"]}
    _require(route, shown, {one["_id"]: (one["transactions"], one["revenue"]) for one in expected})
    return _line(route, 0.0, took, raw_took, sum(one["transactions"] for one in expected))


def _latency(asked: _Asked) -> Row:
    route = "latency?days=366"
    found, took = asked.ours(route)
    expected, raw_took = asked.theirs(raw_figures.latency, _days_of(found))
    shown = found["latency"]
    ours = found["count"], shown["average"]
    _require(route, ours, (expected.pop("count"), expected.pop("average")))
    off = max(abs(shown[name] - value) / value for name, value in expected.items())
    return _line(route, off, took, raw_took, found["count"])


def _customers(asked: _Asked) -> Row:
    route = "customers?period=90d"
    found, took = asked.ours(route)
    expected, raw_took = asked.theirs(raw_figures.customers, _span_of(found))
    count, line = expected.pop("payments"), found["customers"]
    top = [(one["userId"], one["revenue"], one["transactionCount"]) for one in line["topCustomers"]]
    shown = {"total": line["total"], "returning": line["returning"], "top": top}
    _require(route, shown, expected)
    return _line(route, 0.0, took, raw_took, count)


def _require(route: str, shown: object, expected: object) -> None:
    if shown != expected:
        raise RuntimeError(f"{route}: {shown} is shown, {expected} is there")


def _span_of(answer: Row) -> Span:
    period = answer["period"]
    return (
        datetime.fromisoformat(period["startDate"]),
        datetime.fromisoformat(period["endDate"]),
    )


def _days_of(answer: Row) -> Span:
    """Return the last 366 days until now."""
    until, zone = datetime.fromisoformat(answer["asOf"]), ZoneInfo(answer["timezone"])
    return last_days(answer.get("days", MOST_DAYS), until, zone)[0], until


def _line(route: str, off: float, took: float, raw: float, rows: int) -> Row:
    return {"what": route, "off": off, "ms": took, "raw_ms": raw, "rows": rows}
