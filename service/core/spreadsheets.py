"""Tables of RFC 4180 that people open in a spreadsheet: no cell becomes a formula."""

import csv
import io
import re
from collections.abc import Iterable, Sequence

from service.core.visible import visible

# Where a formula begins: at the start of a cell, also behind spaces. Where a comma is the decimal
# point, spreadsheets end a cell at a semicolon and see no quotes in the middle of a line, so what
# follows a semicolon, a tab or a line's end begins a cell there.
_FORMULA = re.compile('(^|[;\t\n])(?=[ "]*[=+@\uff1d\uff0b\uff0d\uff20-])')
# What begins none anywhere, and is seen as it is.
_PLAIN = re.compile(r"[A-Za-z0-9][ !#-:<-\[\]-~]*")


def csv_lines(rows: Iterable[Sequence[object]]) -> bytes:
    """Return rows as lines of a table, each value made safe by `cell`."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([[cell(one) for one in row] for row in rows])
    return out.getvalue().encode()


def cell(value: object) -> str | int:
    """Return a value for a table that people open in a spreadsheet.

    What would be taken for a formula gets an apostrophe: spreadsheets take it for a text then.
    What can't be seen is escaped, as on pages. Numbers stay numbers, also negative ones.
    """
    if value is None:
        return ""
    if type(value) is str and _PLAIN.fullmatch(value):
        return value  # nearly all are
    if isinstance(value, int):
        return int(value)
    text = _FORMULA.sub(r"\1'", visible(str(value)))
    return f"'{text}" if text.lstrip(" ").startswith(("\t", "\n")) else text
