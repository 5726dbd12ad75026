"""The picture of the results: a bar for each server on each route, at 64 connections."""

from bench.figures import Runs, median, pick
from bench.servers import SERVERS, TILLGATE

_WIDTH, _PANEL, _BAR, _LABEL = 760, 150, 22, 170
_INK, _QUIET, _OURS, _THEIRS = "#1c2430", "#64707f", "#0f766e", "#c3cbd5"


def draw(runs: Runs) -> str:
    """Draw the medians as an SVG that needs nothing else."""
    panels = []
    for number, route in enumerate(("create", "read", "webhook")):
        rates = _rates(pick(runs, route=route))
        panels.append(_panel(route, rates, 40 + number * _PANEL))
    height = 50 + 3 * _PANEL
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'font-family="system-ui, sans-serif" font-size="13">\n'
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>\n'
        f'<text x="20" y="26" font-size="15" font-weight="600" fill="{_INK}">'
        "Operations a second, 64 connections, one process (longer is better)</text>\n"
        + "\n".join(panels)
        + "\n</svg>\n"
    )


def _rates(runs: Runs) -> dict[str, float]:
    drawn = [server.name for server in SERVERS if server.name != "bare"]
    of_each = {name: pick(runs, server=name, connections=64) for name in drawn}
    return {name: median(these, "per_second") for name, these in of_each.items() if these}


def _panel(route: str, rates: dict[str, float], top: int) -> str:
    titles = {server.name: server.title for server in SERVERS}
    longest = max(rates.values())
    lines = [f'<text x="20" y="{top + 16}" font-weight="600" fill="{_INK}">{route}</text>']
    for place, (name, rate) in enumerate(rates.items()):
        y = top + 26 + place * (_BAR + 6)
        width = (_WIDTH - _LABEL - 110) * rate / longest
        fill = _OURS if name == TILLGATE.name else _THEIRS
        lines += [
            f'<text x="{_LABEL}" y="{y + 15}" text-anchor="end" fill="{_QUIET}">'
            f"{titles[name]}</text>",
            f'<rect x="{_LABEL + 8}" y="{y}" width="{width:.0f}" height="{_BAR}" rx="3" '
            f'fill="{fill}"/>',
            f'<text x="{_LABEL + 16 + width:.0f}" y="{y + 15}" fill="{_INK}">{rate:,.0f}</text>',
        ]
    return "\n".join(lines)
