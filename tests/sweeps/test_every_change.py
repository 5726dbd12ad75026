"""Whatever changes a row that is swept has the database put its own time there."""

import ast
from pathlib import Path

SERVICE = Path(__file__).parents[2] / "service"
REPOSITORIES = (
    *sorted((SERVICE / "sessions" / "repository").glob("*.py")),
    SERVICE / "payments" / "payments" / "repository.py",
    SERVICE / "payments" / "refunds" / "repository.py",
)
# What these set is shown to nobody; `_give_up` is part of what `expire_all` changes.
SHOWN_TO_NOBODY = {
    *("sessions/repository/due.py:note_asked", "sessions/repository/due.py:_give_up"),
    "sessions/repository/purging.py:mark_deletable",
}


def _silent(source: str) -> list[str]:
    """Return the functions that set fields and don't have the time written."""
    functions = [
        node
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)
    ]
    texts = {node.name: ast.get_source_segment(source, node) or "" for node in functions}
    return [name for name, text in texts.items() if '"$set"' in text and "NOW_WRITTEN" not in text]


def test_every_change_of_a_swept_row_has_the_database_s_time() -> None:
    found = {
        f"{path.relative_to(SERVICE)}:{name}"
        for path in REPOSITORIES
        for name in _silent(path.read_text())
    }
    assert found == SHOWN_TO_NOBODY


def test_control_a_change_without_it_is_found() -> None:
    source = (SERVICE / "payments" / "payments" / "repository.py").read_text()
    assert "change" not in _silent(source)
    assert "change" in _silent(source.replace(", **NOW_WRITTEN})\n", "})\n"))
