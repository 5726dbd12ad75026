"""What README says of the speed is what the bench found: bench/RESULTS.md."""

import re
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

ROOT = Path(__file__).parents[2]
# A row of README, and the table of RESULTS.md that it is taken from.
ROWS = {
    "open a session": "create, 64 connections",
    "read one by its id": "read, 64 connections",
    "take a signed webhook that completes one": "webhook, 64 connections",
}
_FOUND = re.compile(r"^\| ([^|]+?) \|(?: [\d.]+ \|){3} ([\d.]+) x \|", re.MULTILINE)


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def _told(readme: str) -> dict[str, dict[str, str]]:
    """Return the factors of README's table, by route and by server."""
    table = readme.partition("\n## How fast\n")[2].partition("\n## ")[0]
    lines = [_cells(line) for line in table.splitlines() if line.startswith("|")]
    servers = lines[0][1:]
    return {line[0]: dict(zip(servers, line[1:], strict=True)) for line in lines[2:]}


def _found(results: str, servers: set[str]) -> dict[str, dict[str, str]]:
    """Return what was found of these servers, as README writes it."""
    hot = results.partition("\n## Two processes each\n")[0]
    found = {}
    for row, title in ROWS.items():
        table = hot.partition(f"\n### {title}\n")[2].partition("\n### ")[0]
        factors = dict(_FOUND.findall(table))
        found[row] = {name: f"{_rounded(factors[name])} x" for name in servers}
    return found


def _rounded(factor: str) -> Decimal:
    return Decimal(factor).quantize(Decimal("0.1"), ROUND_HALF_UP)


def _both(results: str) -> tuple[dict[str, dict[str, str]], dict[str, dict[str, str]]]:
    told = _told((ROOT / "README.md").read_text())
    return told, _found(results, {name for row in told.values() for name in row})


RESULTS = (ROOT / "bench" / "RESULTS.md").read_text()


def test_the_readme_tells_what_the_bench_found() -> None:
    told, found = _both(RESULTS)
    assert set(told) == set(ROWS)
    assert told == found


def test_control_other_results_are_another_table() -> None:
    told, found = _both(re.sub(r"(\d+\.\d+) x \|", r"1\1 x |", RESULTS))
    assert told != found
