"""One kind of internal record: what one function hands to another is a frozen Struct."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.core.peppers import Pepper
from service.providers.phonepe.verify import Secrets

ROOT = Path(__file__).parents[2]
OTHERS = {"dataclasses", "namedtuple", "NamedTuple"}


def _others(tree: ast.AST) -> Iterator[str]:
    """Yield what makes a record of another kind, and each Struct that is not frozen."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from {name.name for name in node.names} & OTHERS
        elif isinstance(node, ast.ImportFrom):
            yield from {str(node.module), *(name.name for name in node.names)} & OTHERS
        elif isinstance(node, ast.Attribute) and node.attr in OTHERS:
            yield node.attr
        elif isinstance(node, ast.ClassDef) and _changes(node):
            yield node.name


def _changes(node: ast.ClassDef) -> bool:
    """Return whether a class is a Struct that is not frozen."""
    is_struct = any(ast.unparse(base) in {"Struct", "msgspec.Struct"} for base in node.bases)
    words = {word.arg: ast.unparse(word.value) for word in node.keywords}
    return is_struct and words.get("frozen") != "True"


def test_no_record_is_a_dataclass_a_named_tuple_or_a_struct_that_changes() -> None:
    found = {
        path.relative_to(ROOT).as_posix(): others
        for package in ("service", "sandbox")
        for path in sorted((ROOT / package).rglob("*.py"))
        if (others := sorted(set(_others(ast.parse(path.read_text())))))
    }
    assert found == {}


@pytest.mark.parametrize(
    "text",
    [
        "from dataclasses import dataclass",
        "import dataclasses",
        "from typing import NamedTuple",
        "import typing\nclass A(typing.NamedTuple): ...",
        "from collections import namedtuple",
        "class A(Struct): ...",
        "class A(msgspec.Struct, Generic[T], frozen=False): ...",
    ],
)
def test_control_each_of_them_would_be_found(text: str) -> None:
    assert list(_others(ast.parse(text)))
    assert not list(_others(ast.parse("class A(Struct, Generic[T], frozen=True): ...")))


def test_records_that_hold_secrets_print_none_of_them() -> None:
    held = [Pepper("of-2026", "a-secret"), Secrets({"1": "a-secret"}, "shop:a-secret")]
    assert not [one for one in held if "a-secret" in f"{one!r} {one}"]
