"""Medians, ratios and bars as tables: in the terminal, and in RESULTS.md beside a picture."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markdown import Markdown

from bench.bars import bars_of
from bench.figures import Runs, median, pick, table
from bench.picture import draw
from bench.reported import deliveries, exports, figures, leads
from bench.servers import HERE, HOOKED, SERVERS, TILLGATE

Results = dict[str, Any]

ROUTES = ("create", "read", "webhook")
_TITLES = {server.name: server.title for server in (*SERVERS, HOOKED)}


def write_report(results: Results) -> None:
    """Write RESULTS.md and its picture from what was measured, and print it."""
    parts = [_head(results)]
    if "hot" in results:
        parts += ["## Bars", bars_of(results), "![operations a second](results.svg)"]
        parts += _hot(results["hot"], (64, 16, 1))
        (HERE / "results.svg").write_text(draw(results["hot"]["found"]))
    if "workers" in results:
        parts += ["## Two processes each", *_hot(results["workers"], (64,))]
    for name, (title, write) in _SECTIONS.items():
        if name in results:
            parts += [f"## {title}", write(results[name]["found"])]
    text = "\n\n".join(parts) + "\n"
    (HERE / "RESULTS.md").write_text(text)
    Console().print(Markdown(text))


def _head(results: Results) -> str:
    machine = results["machine"]
    of_machine = ", ".join(f"{name} {machine[name]}" for name in ("processor", "memory", "kernel"))
    versions = ", ".join(
        f"{name} {value}"
        for name, value in machine.items()
        if name not in {"processor", "memory", "kernel"}
    )
    return (
        "# Results\n\n"
        "Written by `make bench`; [README.md](README.md) tells how it measures, and what is fair "
        "about it. Client, servers and mongod share the machine.\n\n"
        f"- Machine: {of_machine}\n- Versions: {versions}"
    )


def _hot(measured: Results, connections: Sequence[int]) -> list[str]:
    runs: Runs = measured["found"]
    said = f"Medians of {len({run['round'] for run in runs})} interleaved rounds"
    parts = [f"{said}, {measured['seconds']:g} s a run. Processor time is per request."]
    for count in connections:
        for route in ROUTES:
            these = pick(runs, route=route, connections=count)
            if these:
                parts += [f"### {route}, {_connections(count)}", _route_table(these)]
    return parts


def _connections(count: int) -> str:
    return "1 connection" if count == 1 else f"{count} connections"


def _route_table(runs: Runs) -> str:
    ours = median(pick(runs, server=TILLGATE.name), "per_second")
    rows = []
    for name in dict.fromkeys(server.name for server in SERVERS):
        these = pick(runs, server=name)
        if not these:
            continue
        rate = median(these, "per_second")
        rows.append(
            [
                _TITLES[name],
                f"{rate:.0f}",
                f"{median(these, 'p50_ms'):.2f}",
                f"{median(these, 'p99_ms'):.2f}",
                "" if name == TILLGATE.name else f"{ours / rate:.2f} x",
                f"{median(these, 'server_us'):.0f}",
                f"{median(these, 'mongod_us'):.0f}",
                f"{median(these, 'resident_mb'):.0f}",
            ]
        )
    head = ["", "a second", "p50 ms", "p99 ms", "Tillgate is", "server µs", "mongod µs", "MB"]
    return table(head, rows)


def _growth(runs: Runs) -> str:
    sizes = sorted({run["size"] for run in runs})
    rows = []
    for route in ROUTES:
        rates = [median(pick(runs, route=route, size=size), "per_second") for size in sizes]
        rows.append([route, *(f"{rate:.0f}" for rate in rates), f"{rates[-1] / rates[0]:.2f} x"])
    head = ["a second, 64 connections", *(f"{size:,} sessions" for size in sizes), "ratio"]
    return table(head, rows)


def _cleanup(found: Results) -> str:
    rows = [
        [name, f"{found[name]['per_second']:.0f}", f"{found[name]['p99_ms']:.2f}"]
        for name in ("without", "during")
    ]
    return (
        f"{found['due']:,} due sessions expired in {found['took_s']:.0f} s, beside reads of other "
        "sessions in a closed loop of 16 connections.\n\n"
        + table(["reads", "a second", "p99 ms"], rows)
    )


def _expiry(found: Results) -> str:
    rows = [
        [
            f"{one['took_s']:.1f}",
            f"{one['without']['p99_ms']:.2f}",
            f"{one['during']['p99_ms']:.2f}",
            f"{one['during']['p99_ms'] / one['without']['p99_ms']:.2f} x",
        ]
        for one in found["rounds"]
    ]
    return (
        f"{found['due']:,} due sessions without an open checkout, beside {found['a_second']} reads "
        "of other sessions a second; each line is a round.\n\n"
        + table(["seconds", "p99 ms alone", "p99 ms beside", "ratio"], rows)
    )


def _memory(samples: Runs) -> str:
    rows = [[f"{one['requests']:,}", f"{one['resident_mb']:.0f}"] for one in samples]
    return "Creates, reads and webhooks in turn at 64 connections, one process.\n\n" + table(
        ["requests so far", "resident MB"], rows
    )


def _startup(found: Results) -> str:
    starts: Runs = found["starts"]
    rows = [
        [name, f"{median(starts, key):.2f}"]
        for name, key in (
            ("seconds until it is ready", "ready_s"),
            ("processor seconds until then", "cpu_s"),
            ("resident MB then", "resident_mb"),
        )
    ]
    return (
        f"`tillgate serve`, one process, medians of {len(starts)} starts; readiness is asked for "
        f"every 0.1 s. It imports {found['modules']} modules of ours, "
        f"{found['of_the_sandbox']} of them the sandbox's.\n\n" + table(["", "one start"], rows)
    )


def _fanout(found: Results) -> str:
    rows = [
        [
            f"{pair['fanout']['per_second']:.0f}",
            f"{pair['tillgate']['per_second']:.0f}",
            f"{pair['fanout']['per_second'] / pair['tillgate']['per_second']:.2f} x",
            f"{pair['fanout']['left']:,}",
            f"{pair['fanout']['drained_s']:.1f}",
        ]
        for pair in found["pairs"]
    ]
    head = ["with three subscribers", "without", "ratio", "messages left", "gone after s"]
    return (
        f"Webhooks a second at 64 connections; {found['us']:.0f} µs of processor time a message "
        "for three subscribers, mongod's included.\n\n" + table(head, rows)
    )


def _hooked(found: Results) -> str:
    return (
        "64 connections; ten endpoints at a local receiver hear each session that is completed. In "
        "parentheses, how many times as fast Tillgate with them is.\n\n"
        + _beside_peers(found["runs"], "hooked", "with ten endpoints")
    )


def _counted(found: Results) -> str:
    return (
        "64 connections; the job of figures runs without a pause. In parentheses, how many times "
        "as fast Tillgate beside it is.\n\n"
        + _beside_peers(found["runs"], "counted", "beside the job")
    )


def _beside_peers(runs: Runs, server: str, title: str) -> str:
    rows = []
    for route in ROUTES:
        rates = {
            name: median(pick(runs, server=name, route=route), "per_second")
            for name in (server, "tillgate", "express", "fastify")
        }
        ours = rates[server]
        rows.append([route, *(f"{rate:.0f} ({ours / rate:.2f} x)" for rate in rates.values())])
    return table(["a second", title, "without", "Express", "Fastify"], rows)


def _flood(found: Results) -> str:
    rows = [
        [
            name,
            f"{pair['alone']['per_second']:.0f}",
            f"{pair['beside']['per_second']:.0f}",
            f"{pair['forged']['per_second']:.0f}",
            f"{pair['beside']['per_second'] / pair['alone']['per_second']:.2f} x",
        ]
        for name, measured in found.items()
        for pair in measured["pairs"]
    ]
    left = " and ".join(f"{measured['rows']:,}" for measured in found.values())
    return (
        "Creates at 64 connections, alone and beside forged webhooks, which left "
        f"{left} rows.\n\n"
        + table(["", "creates a second alone", "beside", "forged a second", "ratio"], rows)
    )


_SECTIONS: Mapping[str, tuple[str, Callable[[Any], str]]] = {
    "growth": ("Cost as data grows", _growth),
    "cleanup": ("Cleanup under load", _cleanup),
    "expiry": ("Expiring on an idle database", _expiry),
    "memory": ("Memory of a worker", _memory),
    "startup": ("Start", _startup),
    "flood": ("Forged webhooks", _flood),
    "fanout": ("Subscribers", _fanout),
    "hooked": ("With ten webhook endpoints", _hooked),
    "counted": ("Beside the job of figures", _counted),
    "deliveries": ("Deliveries to webhook endpoints", deliveries),
    "figures": ("Figures", figures),
    "leads": ("Leads", leads),
    "exports": ("Files of payments", exports),
}
