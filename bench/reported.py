"""The parts of RESULTS.md about deliveries, leads and files."""

from typing import Any

from bench.figures import Runs, median, pick, table

_NAMES = {"tillgate": "Tillgate", "node": "Node: undici, native driver"}


_HEAD = (
    *("", "a second", "Tillgate is", "p99 s", "sender µs", "mongod µs", "MB halfway", "MB then"),
)


def deliveries(found: dict[str, Any]) -> str:
    """Write what each sender came to, and what a process does beside its deliveries."""
    runs: Runs = found["runs"]
    rows = [
        _row(pick(runs, disturbed=disturbed), name)
        for disturbed in (False, True)
        for name in _NAMES
    ]
    beside = [
        [
            one["route"],
            f"{one['without']['per_second']:.0f}",
            f"{one['with']['per_second']:.0f}",
            f"{one['with']['per_second'] / one['without']['per_second']:.2f} x",
            f"{one['with']['sent']:.0f}",
        ]
        for one in found["beside"]
    ]
    head = ["one process at 64 connections", "without", "beside deliveries", "ratio", "delivered"]
    return (
        "10,000 events for 1,000 endpoints at a local receiver, from one process each; the figures "
        "are of the endpoints that answer. `p99 s` counts from the start of all.\n\n"
        + table(_HEAD, rows)
        + "\n\nA second, while the same process has deliveries to send, and without:\n\n"
        + table(head, beside)
    )


def _row(runs: Runs, name: str) -> list[str]:
    these = pick(runs, sender=name)
    ours, rate = median(pick(runs, sender="tillgate"), "per_second"), median(these, "per_second")
    how = "one hangs, one fails" if these[0]["disturbed"] else "all answer"
    return [
        f"{_NAMES[name]}, {how}",
        f"{rate:.0f}",
        "" if name == "tillgate" else f"{ours / rate:.2f} x",
        f"{median(these, 'p99_s'):.2f}",
        f"{median(these, 'us'):.0f}",
        f"{median(these, 'mongod_us'):.0f}",
        f"{median(these, 'half_mb'):.0f}",
        f"{median(these, 'after_mb'):.0f}",
    ]


def leads(found: dict[str, Any]) -> str:
    """Write what a lead costs, what leads do to the hot routes, and how fast a file of them is."""
    one, pairs = found["beside"]["lead"], found["beside"]["pairs"]
    routes = [
        [
            pair["route"],
            *(f"{pair[kind]['per_second']:.0f}" for kind in ("alone", "beside", "leads")),
            f"{pair['beside']['per_second'] / pair['alone']['per_second']:.2f} x",
        ]
        for pair in pairs
    ]
    export = found["export"]
    files = [
        [
            *(f"{export['rows'] / pair[name]['seconds']:,.0f}" for name in ("service", "bare")),
            f"{pair['bare']['seconds'] / pair['service']['seconds']:.2f} x",
            f"{pair['service']['grown_mb']:+.0f}",
        ]
        for pair in export["pairs"]
    ]
    return (
        f"A lead costs {one['server_us']:.0f} µs of the service and {one['mongod_us']:.0f} of "
        f"mongod; {one['per_second']:.0f} a second at 64 connections. Each line is a pair.\n\n"
        + table(["a second", "alone", "beside leads", "leads", "ratio"], routes)
        + f"\n\n{export['rows']:,} leads as one file, and by a bare cursor:\n\n"
        + table(["rows a second", "bare", "ratio", "MB more"], files)
    )


def exports(runs: Runs) -> str:
    """Write what a file takes beside a bare cursor that writes the same."""
    rows = [
        [
            str(run["round"] + 1),
            f"{run['rows'] / run['ours']['seconds']:,.0f}",
            f"{run['rows'] / run['bare']['seconds']:,.0f}",
            f"{run['bare']['seconds'] / run['ours']['seconds']:.2f} x",
            f"{run['bare']['cpu'] / run['ours']['cpu']:.2f} x",
            f"{run['ours']['grown_mb']:.0f}",
        ]
        for run in runs
    ]
    head = ("round", "rows/s", "bare cursor", "ratio", "by processor time", "MB more")
    return (
        f"{runs[0]['rows']:,} payments as CSV over HTTP, and by a PyMongo cursor and `csv` into a "
        "file, in turn.\n\n" + table(head, rows)
    )


def figures(found: dict[str, Any]) -> str:
    """Write how figures are made and answered."""
    made = [
        [
            name,
            f"{one['per_second']:,.0f}",
            f"{one['process_us']:.1f}",
            f"{one['mongod_us']:.1f}",
        ]
        for name, one in (
            ("rows into facts", found["sweep"]),
            ("facts into quarter-hours, days, months", found["rebuild"]),
            ("a quarter-hour of 10,000", found["bucket"]),
            ("payments into days of customers", found["customers"]),
        )
    ]
    routes = [
        [name, f"{one['p50_ms']:.0f}", f"{one['p95_ms']:.0f}"]
        for name, one in found["routes"].items()
    ]
    compared = [
        [
            f"{one['what']}, {one['merchant']}",
            f"{one['rows']:,}",
            f"{one['ms']:.0f}",
            f"{one['raw_ms']:.0f}",
            f"{one['ratio']:.0f} x",
            f"{one['off']:.2%}",
        ]
        for one in found["compared"]
    ]
    parts = [
        f"{found['rows']:,} sessions and payments of two years and three merchants in three zones, "
        "with what was refunded, disputed and tried in vain.",
        table(["", "a second", "process µs each", "mongod µs each"], made),
        "Each route, without a cache:",
        table(["", "p50 ms", "p95 ms"], routes),
        "The same answers by aggregation over the rows; counts and money are equal.",
        table(["", "rows", "ms", "by aggregation", "ratio", "off by"], compared),
    ]
    return "\n\n".join(parts)
