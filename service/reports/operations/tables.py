"""A report as a table for spreadsheets."""

from collections.abc import Iterator

import msgspec

from service.core.spreadsheets import csv_lines
from service.reports.states import MonthlyReport

COLUMNS = ("Section", "Of", "Field", "Value", "Currency")
_COUNTS = frozenset({"count", "percentage", "successRate", "uniquePayers"})
_LISTS = {
    "adjustments": ("Adjustment", "month"),
    "topResources": ("Resource", "url"),
    "paymentMethods": ("Method", "type"),
    "dailyBreakdown": ("Day", "date"),
}


def csv_of(report: MonthlyReport, hashed: str | None) -> bytes:
    """Return a report as a table: a row for each number, amounts in minor units of a currency."""
    return csv_lines([COLUMNS, *_rows(report, hashed)])


def _rows(report: MonthlyReport, hashed: str | None) -> Iterator[tuple[object, ...]]:
    said = msgspec.to_builtins(report)
    about = {
        "merchant": report.merchant_info.id,
        "name": report.merchant_info.name,
        "month": report.period.month,
        "start": said["period"]["start"],
        "end": said["period"]["end"],
        "timezone": report.timezone,
        "closedAt": said["closedAt"],
        "hash": hashed,
    }
    for name, value in about.items():
        yield "Report", "", name, value, ""
    for name, value in said["summary"].items():
        yield "Summary", "", name, value, _currency_of(name, report.currency)
    for many, (section, key) in _LISTS.items():
        for line in said[many]:
            for name, value in line.items():
                if name != key:
                    yield section, line[key], name, value, _currency_of(name, report.currency)


def _currency_of(name: str, currency: str) -> str:
    counts = name in _COUNTS or name.endswith(("Transactions", "Count"))
    return "" if counts else currency
