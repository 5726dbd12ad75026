"""Every fenced block of the docs is run by a test, or says here why it is not."""

import ast
import tomllib
from functools import cache
from pathlib import Path

import pytest
from msgspec import Struct, convert, field

from tests.docs.blocks import ROOT, Block, blocks_of, every_block


class Row(Struct, frozen=True):
    """How a block begins, and what runs it: a test (`file::function`), or why none does."""

    begins: str
    by: str | None = None
    no: str | None = field(name="not", default=None)


class Rows(Struct, frozen=True):
    """The blocks of a page, in its order."""

    blocks: list[Row]


def _table() -> dict[str, list[Row]]:
    written = tomllib.loads((ROOT / "tests" / "docs" / "blocks.toml").read_text())
    return {page: one.blocks for page, one in convert(written, dict[str, Rows]).items()}


HOW = _table()


def unexplained(blocks: list[Block], how: dict[str, list[Row]]) -> list[str]:
    """Return where the table and the blocks differ, in words."""
    found: dict[str, list[Block]] = {page: [] for page in how}
    for block in blocks:
        found.setdefault(block.page, []).append(block)
    wrong = []
    for page, there in found.items():
        rows = how.get(page, [])
        wrong += [
            f"{page}: {block.opening!r} has no row in blocks.toml" for block in there[len(rows) :]
        ]
        wrong += [f"{page}: nothing begins with {row.begins!r}" for row in rows[len(there) :]]
        wrong += [
            f"{page}: {block.opening!r} stands where the table has {row.begins!r}"
            for block, row in zip(there, rows, strict=False)
            if not block.opening.startswith(row.begins)
        ]
    return wrong


def test_every_block_is_run_by_a_test_or_says_why_not() -> None:
    assert unexplained(every_block(), HOW) == []
    assert not [row for rows in HOW.values() for row in rows if bool(row.by) == bool(row.no)]


def test_control_a_block_that_nobody_runs_is_found() -> None:
    text = "Run\n\n```sh\ntillgate fly\n```\n\n1. or\n\n   ```js\n   go()\n   ```\n"
    new = blocks_of(text, "docs/new.md")
    assert [(one.language, one.opening) for one in new] == [("sh", "tillgate fly"), ("js", "go()")]
    assert unexplained(new, {}) == [
        "docs/new.md: 'tillgate fly' has no row in blocks.toml",
        "docs/new.md: 'go()' has no row in blocks.toml",
    ]
    other = {"docs/new.md": [Row("tillgate run"), Row("go"), Row("gone")]}
    assert len(unexplained(new, other)) == 2


@cache
def _functions(file: Path) -> set[str]:
    tree = ast.parse(file.read_text())
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


@pytest.mark.parametrize(
    "test", sorted({row.by for rows in HOW.values() for row in rows if row.by})
)
def test_what_is_said_to_run_a_block_is_there(test: str) -> None:
    file, _, function = test.partition("::")
    assert function in _functions(ROOT / file)
