"""What commands print: results to standard output, everything else to standard error.

All output goes through here, and nothing stored reaches a terminal unescaped: a row, a name or an
error message could contain escape sequences.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import click
from rich import box
from rich.console import Console
from rich.markup import escape as escape_markup
from rich.table import Table

from service.core.errors import TillgateError
from service.core.visible import visible, visible_line


def out() -> Console:
    """Return the console of the current standard output: tests replace the stream."""
    return Console(highlight=False)


def err() -> Console:
    """Return the console of standard error."""
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

    In a pipe, rows are tab-separated lines without a header.
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
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(escape(column), overflow="fold")
    for row in listed:
        table.add_row(*(escape(cell) for cell in row))
    console.print(table)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    return visible_line(str(value))
