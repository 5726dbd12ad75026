"""The bars that the project has set itself, and how the figures stand against them."""

import statistics
from typing import Any

from bench.figures import Runs, median, pick
from bench.scenarios.deliveries import ratios
from bench.scenarios.figures_compared import LARGE


def bars_of(results: dict[str, Any]) -> str:
    """Write the table of bars; what was not measured is left out."""
    runs: Runs = results["hot"]["found"]
    lines = [
        _faster(runs, "create", "express", 2.0),
        _faster(runs, "create", "fastify", 1.2),
        _faster(runs, "read", "express", 2.0),
        _faster(runs, "read", "fastify", 1.2),
        _faster(runs, "webhook", "express", 3.0),
        _no_slower(runs, "create"),
        _no_slower(runs, "read"),
        *_fanout(results),
        *_growth(results),
        *_cleanup(results),
        *_expiry(results),
        *_memory(results),
        *_flood(results),
        *_beside_peers(results, "hooked", "with ten webhook endpoints"),
        *_beside_peers(results, "counted", "beside the job of figures"),
        *_deliveries(results),
        *_leads(results),
        *_figures(results),
    ]
    rows = [
        f"| {what} | {bar} | {found} | {'yes' if met else 'no'} |"
        for what, bar, found, met in lines
    ]
    return "\n".join(["| | bar | found | met |", "|---|---:|---:|---|", *rows])


Line = tuple[str, str, str, bool]


def _median(runs: Runs, figure: str, **wanted: object) -> float:
    return median(pick(runs, **wanted), figure)


def _faster(runs: Runs, route: str, peer: str, bar: float) -> Line:
    ours = _median(runs, "per_second", server="tillgate", route=route, connections=64)
    ratio = ours / _median(runs, "per_second", server=peer, route=route, connections=64)
    return f"{route}, 64 connections, to {peer}", f">= {bar} x", f"{ratio:.2f} x", ratio >= bar


def _no_slower(runs: Runs, route: str) -> Line:
    ours = _median(runs, "p50_ms", server="tillgate", route=route, connections=1)
    ratio = ours / _median(runs, "p50_ms", server="bare", route=route, connections=1)
    what = f"{route}, 1 connection, p50, to a bare handler"
    return what, "<= 1.3 x", f"{ratio:.2f} x", ratio <= 1.3


def _fanout(results: dict[str, Any]) -> list[Line]:
    if "fanout" not in results:
        return []
    runs: Runs = results["hot"]["found"]
    alone = _median(runs, "per_second", server="express", route="webhook", connections=64)
    beside = [one["fanout"]["per_second"] for one in results["fanout"]["found"]["pairs"]]
    ratio = statistics.median(beside) / alone
    return [
        (
            "webhook with three subscribers, 64 connections, to express",
            ">= 3.0 x",
            f"{ratio:.2f} x",
            ratio >= 3.0,
        )
    ]


def _growth(results: dict[str, Any]) -> list[Line]:
    if "growth" not in results:
        return []
    runs: Runs = results["growth"]["found"]
    small, large = min(run["size"] for run in runs), max(run["size"] for run in runs)
    lines = []
    for route in ("create", "read", "webhook"):
        ratio = _median(runs, "per_second", route=route, size=large) / _median(
            runs, "per_second", route=route, size=small
        )
        what = f"{route}, {large:,} sessions to {small:,}"
        lines.append((what, ">= 0.9 x", f"{ratio:.2f} x", ratio >= 0.9))
    return lines


def _cleanup(results: dict[str, Any]) -> list[Line]:
    if "cleanup" not in results:
        return []
    found = results["cleanup"]["found"]
    ratio = found["during"]["p99_ms"] / found["without"]["p99_ms"]
    what = f"p99 of reads while {found['due']:,} expire, to without"
    return [(what, "<= 2 x", f"{ratio:.2f} x", ratio <= 2)]


def _expiry(results: dict[str, Any]) -> list[Line]:
    if "expiry" not in results:
        return []
    found = results["expiry"]["found"]
    took, ratio = found["took_s"], found["ratio"]
    what = f"{found['due']:,} expire on an idle database"
    return [
        (what, "<= 60 s", f"{took:.0f} s", took <= 60),
        (f"{what}, p99 of reads beside it", "<= 2 x", f"{ratio:.2f} x", ratio <= 2),
    ]


def _memory(results: dict[str, Any]) -> list[Line]:
    if "memory" not in results:
        return []
    samples: Runs = results["memory"]["found"]
    largest = max(one["resident_mb"] for one in samples)
    half = samples[len(samples) // 2]["resident_mb"]
    grown = samples[-1]["resident_mb"] - half
    found = f"{largest:.0f} MB, {grown:+.0f} MB over the second half"
    what = f"resident memory after {samples[-1]['requests']:,} requests"
    return [(what, "<= 160 MB, flat", found, largest <= 160 and grown <= 0.05 * half)]


def _flood(results: dict[str, Any]) -> list[Line]:
    if "flood" not in results:
        return []
    return [
        (
            f"create beside {found['forged']:.0f} forged webhooks a second, to alone: {name}",
            ">= 0.8 x",
            f"{found['ratio']:.2f} x",
            found["ratio"] >= 0.8,
        )
        for name, found in results["flood"]["found"].items()
    ]


def _beside_peers(results: dict[str, Any], server: str, how: str) -> list[Line]:
    if server not in results:
        return []
    runs: Runs = results[server]["found"]["runs"]
    lines = []
    for route, peer, bar in (
        *(("create", "express", 2.0), ("create", "fastify", 1.2)),
        *(("read", "express", 2.0), ("read", "fastify", 1.2)),
        ("webhook", "express", 3.0),
    ):
        ours = _median(runs, "per_second", server=server, route=route)
        found = ours / _median(runs, "per_second", server=peer, route=route)
        what = f"{route} {how}, 64 connections, to {peer}"
        lines.append((what, f">= {bar} x", f"{found:.2f} x", found >= bar))
    return lines


def _leads(results: dict[str, Any]) -> list[Line]:
    if "leads" not in results:
        return []
    beside, export = results["leads"]["found"]["beside"], results["leads"]["found"]["export"]
    lines = []
    for route in ("create", "read", "webhook"):
        pairs = pick(beside["pairs"], route=route)
        found = statistics.median(
            one["beside"]["per_second"] / one["alone"]["per_second"] for one in pairs
        )
        rate = statistics.median(one["leads"]["per_second"] for one in pairs)
        what = f"{route} beside {rate:,.0f} leads a second, to without"
        lines.append((what, ">= 0.8 x", f"{found:.2f} x", found >= 0.8))
    what = f"{export['rows']:,} leads as a file, to a bare cursor"
    lines.append((what, ">= 0.5 x", f"{export['ratio']:.2f} x", export["ratio"] >= 0.5))
    return lines


def _deliveries(results: dict[str, Any]) -> list[Line]:
    if "deliveries" not in results:
        return []
    found = ratios(results["deliveries"]["found"])
    rate, late, grown = found["rate"], found["late"], found["grown"]
    of = "deliveries to 1,000 endpoints, of which one hangs and one fails"
    return [
        (f"{of}, a second", ">= 1,000", f"{rate:,.0f}", rate >= 1_000),
        (f"{of}, p99 of the others, to without these", "<= 2 x", f"{late:.2f} x", late <= 2),
        (f"{of}, memory at the end, to half of it", "<= 1.05 x", f"{grown:.2f} x", grown <= 1.05),
        *(
            (
                f"{route} beside {of}, to without",
                ">= 0.8 x",
                f"{found[f'beside_{route}']:.2f} x",
                found[f"beside_{route}"] >= 0.8,
            )
            for route in ("create", "webhook")
        ),
    ]


def _figures(results: dict[str, Any]) -> list[Line]:
    if "figures" not in results:
        return []
    found = results["figures"]["found"]
    of = f"figures of {found['rows']:,} sessions and payments"
    slowest, times = max(found["routes"].items(), key=lambda one: one[1]["p95_ms"])
    large = [one for one in found["compared"] if one["rows"] > LARGE]
    lines = [
        _rate(f"{of}: rebuild, facts a second", found["rebuild"]["per_second"], 100_000),
        _at_most(f"{of}: a quarter-hour of 10,000 rows, ms", found["bucket"]["ms"], 200),
        _at_most(f"{of}: the slowest route, {slowest}, p95 in ms", times["p95_ms"], 150),
        _ratio(f"{of}: create beside 20 viewers, to alone", found["viewers"]["ratio"], 0.9),
    ]
    if large:
        least = min(one["ratio"] for one in large)
        lines.append(_ratio(f"{of}: over 100,000 rows, to aggregation", least, 100))
    for route, one in found["job"].items():
        lines.append(_ratio(f"{of}: {route} beside the job, to alone", one["ratio"], 0.9))
    for what, route, most in (("payers", "overview", 0.03), ("percentiles", "latency", 0.01)):
        off = max(one["off"] for one in found["compared"] if one["what"].startswith(route))
        lines.append((f"{of}: {what}, off by", f"<= {most:.0%}", f"{off:.2%}", off <= most))
    return lines


def _rate(what: str, found: float, bar: float) -> Line:
    return what, f">= {bar:,.0f}", f"{found:,.0f}", found >= bar


def _at_most(what: str, found: float, bar: float) -> Line:
    return what, f"<= {bar:,.0f}", f"{found:,.0f}", found <= bar


def _ratio(what: str, found: float, bar: float) -> Line:
    return what, f">= {bar:g} x", f"{found:.2f} x", found >= bar
