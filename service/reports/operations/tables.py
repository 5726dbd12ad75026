"""A report as a table for spreadsheets: a row for each number."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import Struct

from service.core.spreadsheets import csv_lines
from service.reports.states import MonthlyReport

Line: TypeAlias = Sequence[object]
COLUMNS = ("Section", "Of", "Field", "Value", "Currency")
_AMOUNTS: Final = frozenset(
    {"totalRevenue", "refunded", "lost", "netRevenue", "averageTransactionValue", "revenue"}
)
_LISTS: Final = {
    "adjustments": ("Adjustment", "month"),
    "topResources": ("Resource", "url"),
    "paymentMethods": ("Method", "type"),
    "dailyBreakdown": ("Day", "date"),
}


class Table(Struct, frozen=True):
    """What a table has of a report in JSON: what it is about, its sections, and its lists.

    Each list has the name of its section, and the field by which its lines are told apart.
    """

    about: Mapping[str, object]
    sections: Mapping[str, str]
    lists: Mapping[str, tuple[str, str]]


def monthly_lines(report: MonthlyReport, as_of: datetime, hashed: str | None) -> list[Line]:
    """Return a month as lines of a table, amounts in minor units of a currency."""
    said = msgspec.to_builtins(report)
    about = about_of(said, as_of) | {"closedAt": said["closedAt"], "hash": hashed}
    return lines_of(Table(about, {"summary": "Summary"}, _LISTS), said)


def about_of(said: Mapping[str, Any], as_of: datetime) -> dict[str, object]:
    """Return whose report it is, of which time, and up to when everything is counted."""
    whose, period = said["merchantInfo"], said["period"]
    about = {"merchant": whose["id"], "name": whose["name"]}
    about |= {name: value for name, value in period.items() if name not in {"start", "end"}}
    about |= {name: period[name] for name in ("start", "end")}
    return about | {"timezone": said["timezone"], "asOf": msgspec.to_builtins(as_of)}


def csv_of(lines: Sequence[Line]) -> bytes:
    """Return a report's lines as a file."""
    return csv_lines([COLUMNS, *lines])


def lines_of(table: Table, said: Mapping[str, Any]) -> list[Line]:
    """Return a report in JSON as lines of a table."""
    return [*_lines(table, said)]


def _lines(table: Table, said: Mapping[str, Any]) -> Iterator[Line]:
    currency = said["currency"]
    for name, value in table.about.items():
        yield "Report", "", name, value, ""
    for of, section in table.sections.items():
        for name, value in said[of].items():
            yield section, "", name, value, _currency_of(name, currency)
    for of, (section, key) in table.lists.items():
        for line in said[of]:
            for name, value in line.items():
                if name != key:
                    yield section, line[key], name, value, _currency_of(name, currency)


def _currency_of(name: str, currency: str) -> str:
    return currency if name in _AMOUNTS else ""
