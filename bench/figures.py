"""Picking single runs, and their medians."""

import statistics
from collections.abc import Iterable, Sequence
from typing import Any

Runs = list[dict[str, Any]]


def pick(runs: Runs, **wanted: object) -> Runs:
    """Return the runs whose fields are as wanted."""
    return [run for run in runs if all(run[name] == value for name, value in wanted.items())]


def median(runs: Iterable[dict[str, Any]], figure: str) -> float:
    """Return the median of a figure over single runs."""
    return float(statistics.median(run[figure] for run in runs))


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table in Markdown; all columns but the first are figures."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
