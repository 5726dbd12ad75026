"""Tables of RFC 4180 that people open in a spreadsheet: no cell becomes a formula."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from math import isfinite

from service.core.visible import visible

# Where a formula begins: at the start of a cell, also behind spaces. Where a comma is the decimal
# point, spreadsheets end a cell at a semicolon and see no quotes in the middle of a line, so what
# follows a semicolon, a tab or a line's end begins a cell there.
_FORMULA = re.compile('(^|[;\t\n])(?=[ "]*[=+@\uff1d\uff0b\uff0d\uff20-])')
# Among so many rows one that is not plain has the others looked into as well.
_AT_ONCE = 20
# Whatever may begin one: a sign at the start of a cell or of a word.
_MAY_BEGIN = re.compile('[=+@-](?<![^,;"\\n ].)')
# What begins none anywhere, and is seen as it is.
_PLAIN = re.compile(r"[A-Za-z0-9][ !#-:<-\[\]-~]*")


def csv_lines(rows: Iterable[Sequence[object]]) -> bytes:
    """Return rows as lines of a table, each value made safe by `cell`.

    Nearly all rows are safe as they are. That is told of their text, all rows at once: looking into
    each value took four times as long as everything else.
    """
    rows = list(rows)
    text = _written(rows)
    if not _is_plain(text, len(rows)):
        some = (rows[begin : begin + _AT_ONCE] for begin in range(0, len(rows), _AT_ONCE))
        text = "".join(map(_safe, some))
    return text.encode()


def _safe(rows: Sequence[Sequence[object]]) -> str:
    text = _written(rows)
    return text if _is_plain(text, len(rows)) else _written([[*map(cell, row)] for row in rows])


def _written(rows: Sequence[Sequence[object]]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows(rows)
    return out.getvalue()


def _is_plain(text: str, lines: int) -> bool:
    """Return whether so many lines hold nothing that `cell` might write otherwise.

    Each ends by itself, and no value has a line's end: else there would be more of them.
    """
    return (
        text.isascii()
        and text.count("\r") == text.count("\n") == lines
        and text.replace("\r\n", "").isprintable()
        and _MAY_BEGIN.search(text) is None
        and "True" not in text
        and "False" not in text
    )


def cell(value: object) -> str | float:
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
    if isinstance(value, float) and isfinite(value):
        return value
    text = _FORMULA.sub(r"\1'", visible(str(value)))
    return f"'{text}" if text.lstrip(" ").startswith(("\t", "\n")) else text
