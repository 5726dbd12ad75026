"""What commands list: tables for people, and with `--json` one document for programs.

A command returns what it has found, and says nothing of how that is printed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import TypeAlias

import msgspec
import rich_click as click
from click.exceptions import Exit
from msgspec import Struct

from service.cli.screen import say, show, show_table, warn
from service.core.json_text import to_json
from service.core.paging import Cursor, next_cursor


class Cell(Struct, frozen=True):
    """What people and programs read differently, as an age and the moment that it is of."""

    text: str
    value: object


class Rows(Struct, frozen=True):
    """A list; `name` is what programs find it by. Values are texts, numbers, times, tuples.

    The columns' names are those of the fields, too: `last used` is `lastUsed`.
    """

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    empty: str = ""


class Facts(Struct, frozen=True):
    """What is known about one thing, by name."""

    name: str
    facts: Mapping[str, object]


Part: TypeAlias = Rows | Facts


class Found(Struct, frozen=True):
    """What a command has found.

    `following` is where the next page begins, None for what has no pages (`paged`) or no more.
    `answer` is what a route answers about the same: programs read that instead. `warnings` and
    `notes` are for people, to standard error. With `wrong` the command ends with 1.
    """

    parts: Sequence[Part]
    following: Cursor | None = None
    paged: bool = False
    answer: Struct | None = None
    warnings: Sequence[str] = ()
    notes: Sequence[str] = ()
    wrong: bool = False


def lists(command: Callable[..., Found]) -> Callable[..., None]:
    """Take --json, and print what a command has found."""

    @click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
    @wraps(command)
    def printing(*, as_json: bool, **options: object) -> None:
        found = command(**options)
        if as_json:
            show(_document(found))
        else:
            _print(found)
        for warning in found.warnings:
            warn(warning)
        for note in found.notes:
            say(note)
        if found.wrong:
            raise Exit(1)

    return printing


def page_of(
    name: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[object]],
    following: Cursor | None,
    *,
    empty: str,
    notes: Sequence[str] = (),
) -> Found:
    """Return a page of a list, and where the next one begins."""
    return Found([Rows(name, columns, rows, empty)], following, paged=True, notes=notes)


def _print(found: Found) -> None:
    for part in found.parts:
        if isinstance(part, Facts):
            known = [(name, _text(value)) for name, value in part.facts.items()]
            show_table(("what", "is"), known, empty="")
        elif part.rows or part.empty:
            rows = [[_text(value) for value in row] for row in part.rows]
            show_table(part.columns, rows, empty=part.empty)
    if found.following is not None:
        say(f"More with --cursor {found.following.encode()}")


def _text(value: object) -> object:
    if isinstance(value, Cell):
        return value.text
    if isinstance(value, tuple):
        return ", ".join(map(str, value)) or None
    return value


def _document(found: Found) -> str:
    document = _answer(found) if found.answer is None else found.answer
    return msgspec.json.format(to_json(document), indent=2).decode()


def _answer(found: Found) -> dict[str, object]:
    document: dict[str, object] = {}
    for part in found.parts:
        if isinstance(part, Facts):
            document[part.name] = _fields(part.facts.items())
        else:
            rows = (zip(part.columns, row, strict=True) for row in part.rows)
            document[part.name] = [_fields(row) for row in rows]
    if found.paged:
        document["nextCursor"] = next_cursor(found.following)
    return document


def _fields(named: Iterable[tuple[str, object]]) -> dict[str, object]:
    return {
        _camel(name): value.value if isinstance(value, Cell) else value for name, value in named
    }


def _camel(words: str) -> str:
    first, *others = words.split()
    return first + "".join(map(str.capitalize, others))
