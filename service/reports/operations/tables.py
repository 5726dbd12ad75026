"""A report as a table for spreadsheets: a row for each number."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from service.core.spreadsheets import csv_lines
from service.reports.states import MonthlyReport

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


def csv_of(report: MonthlyReport, hashed: str | None) -> bytes:
    """Return a month as a table, amounts in minor units of a currency."""
    said = msgspec.to_builtins(report)
    about = about_of(said) | {"closedAt": said["closedAt"], "hash": hashed}
    return table_of(Table(about, {"summary": "Summary"}, _LISTS), said)


def about_of(said: Mapping[str, Any]) -> dict[str, object]:
    """Return whose report it is, and of which time."""
    whose, period = said["merchantInfo"], said["period"]
    about = {"merchant": whose["id"], "name": whose["name"]}
    about |= {name: value for name, value in period.items() if name not in {"start", "end"}}
    about |= {name: period[name] for name in ("start", "end")}
    return about | {"timezone": said["timezone"]}


def table_of(table: Table, said: Mapping[str, Any]) -> bytes:
    """Return a report in JSON as a table, amounts in minor units of its currency."""
    return csv_lines([COLUMNS, *_rows(table, said)])


def _rows(table: Table, said: Mapping[str, Any]) -> Iterator[Sequence[object]]:
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
