"""What commands print: results to standard output, everything else to standard error.

All output goes through here, and nothing stored reaches a terminal unescaped: a row, a name or an
error message could contain escape sequences.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from functools import cache

import click
from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.live import Live
from rich.markup import escape as escape_markup
from rich.table import Table

from service.core.errors import TillgateError
from service.core.visible import visible, visible_line

# What the frame of a table takes beside each column.
_BETWEEN = 3
# How many rows of a table that grows stay in sight.
_ROWS_SEEN = 20


def out() -> Console:
    """Return the console of the current standard output: tests replace the stream."""
    return Console(highlight=False)


@cache
def err() -> Console:
    """Return the console of standard error: one, so that what is said stands above a bar."""
    return Console(stderr=True, highlight=False)


def escape(text: str) -> str:
    """Return a text that a console prints literally: no markup, no escape sequences."""
    return escape_markup(visible(text))


def report_error(error: TillgateError) -> None:
    """Print an error as one line, and its problems as one line each."""
    console = err()
    # The problems say it all; the message would repeat them.
    message = error.message
    if error.problems:
        message = message.partition(": ")[0].rstrip(".") + "."
    console.print(f"[bold red]error[/] {escape(message)}", soft_wrap=True)
    for problem in error.problems:
        console.print(
            f"  [bold]{escape(problem.field)}[/] {escape(problem.message)}", soft_wrap=True
        )


def warn(text: str) -> None:
    """Print a warning."""
    err().print(f"[bold yellow]warning[/] {escape(text)}", soft_wrap=True)


def say(text: str) -> None:
    """Print a line that is not a result, to standard error."""
    err().print(escape(text), soft_wrap=True)


def show(text: str) -> None:
    """Print a result, unwrapped and with tabs kept, so that it can be piped and pasted."""
    click.echo(visible(text))


def show_table(columns: Sequence[str], rows: Iterable[Sequence[object]], *, empty: str) -> None:
    """Print rows as a table; without rows, `empty` to standard error.

    In a pipe, rows are tab-separated lines without a header. Where a terminal is so narrow that
    words would be broken, each row is a block of lines: an id stays whole, and can be copied.
    """
    listed = [[_cell(value) for value in row] for row in rows]
    if not listed:
        say(empty)
        return
    console = out()
    if not console.is_terminal:
        for row in listed:
            show("\t".join(row))
        return
    widths = _widths(columns, listed, console.width)
    if widths is None:
        _show_blocks(console, columns, listed)
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column, width in zip(columns, widths, strict=True):
        table.add_column(escape(column), overflow="fold", width=width)
    for row in listed:
        table.add_row(*(escape(cell) for cell in row))
    console.print(table)


@contextmanager
def growing_table(columns: Sequence[str]) -> Iterator[Callable[[Sequence[object]], None]]:
    """Yield what adds a row to a table that is shown meanwhile, with its last rows.

    In a pipe each row is a tab-separated line of its own.
    """
    console = out()
    rows: deque[Sequence[str]] = deque(maxlen=_ROWS_SEEN)
    with (
        Live(console=console, auto_refresh=False) if console.is_terminal else nullcontext() as live
    ):

        def add(row: Sequence[object]) -> None:
            rows.append([_cell(value) for value in row])
            if live is None:
                show("\t".join(rows[-1]))
                return
            table = Table(*map(escape, columns), box=box.SIMPLE_HEAD, pad_edge=False)
            for one in rows:
                table.add_row(*map(escape, one))
            live.update(table, refresh=True)

        yield add


def _widths(columns: Sequence[str], listed: Sequence[Sequence[str]], room: int) -> list[int] | None:
    """Return the widths of columns in which no word is broken; None where there is no room.

    Each has that of its longest word; what is left is shared by those whose lines are longer. A
    short line is not broken for the sake of a long one that is broken anyway.
    """
    cells = [list(column) for column in zip(columns, *listed, strict=True)]
    lines = [max(map(cell_len, column)) for column in cells]
    words = [max(map(cell_len, " ".join(["-", *column]).split())) for column in cells]
    spare = room - sum(words) - _BETWEEN * len(columns)
    if spare < 0:
        return None
    wishes = [line - word for line, word in zip(lines, words, strict=True)]
    sharing = len(columns)
    for index in sorted(range(len(columns)), key=wishes.__getitem__):
        most = spare // sharing if 2 * wishes[index] > spare else spare
        more = min(wishes[index], most)
        words[index] += more
        spare -= more
        sharing -= 1
    return words


def _show_blocks(console: Console, columns: Sequence[str], listed: Sequence[Sequence[str]]) -> None:
    widest = max(map(len, columns))
    for number, row in enumerate(listed):
        if number:
            console.print()
        for name, cell in zip(columns, row, strict=True):
            named = escape(name.ljust(widest))
            console.print(f"[bold]{named}[/]  {escape(cell)}", soft_wrap=True)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return visible_line(str(value))
