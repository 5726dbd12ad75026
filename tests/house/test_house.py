"""The house rules that no linter holds: sizes, words on public names, who may make an event."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.trees import tree_of

ROOT = Path(__file__).parents[2]
SOURCES = sorted(path for name in ("service", "sandbox") for path in (ROOT / name).rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))

LONGEST_SOURCE, LONGEST_TEST = 300, 450
LONGEST_FUNCTION = 50
MOST_IMPORTS = 20
# A controller names the types of all its routes: more stands at its top, and less below.
MOST_IMPORTS_OF_CONTROLLERS = 24

# These bring everything together and do nothing else: their imports are their content.
_GATHERS = {"service/wiring.py", "service/stored.py", "service/app.py"}

# What a function has for its caller it returns; what it gives up or back is another thing.
_GIVES = re.compile(r"(Gives? (?!up\b|a try back\b|the caller its\b)|Tells? (whether|the mode)\b)")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _length(path: Path) -> int:
    return len(path.read_text().splitlines())


def _functions(path: Path) -> Iterator[Function]:
    for node in ast.walk(tree_of(path)):
        if isinstance(node, Function):
            yield node


def _lines(function: Function) -> int:
    """Count a function's lines without its docstring: nobody shall save words there."""
    docstring = ast.get_docstring(function, clean=False)
    words = len(docstring.splitlines()) if docstring else 0
    return (function.end_lineno or 0) - function.lineno + 1 - words


def test_no_source_is_longer_than_a_reader_holds_in_mind() -> None:
    long = {_name(path): _length(path) for path in SOURCES if _length(path) > LONGEST_SOURCE}
    assert long == {}


def test_no_test_file_is_either() -> None:
    long = {_name(path): _length(path) for path in TESTS if _length(path) > LONGEST_TEST}
    assert long == {}


def test_no_function_is_longer_than_a_page() -> None:
    long = {
        f"{_name(path)}:{found.name}": _lines(found)
        for path in SOURCES
        for found in _functions(path)
        if _lines(found) > LONGEST_FUNCTION
    }
    assert long == {}


def test_no_file_leans_on_too_many_others() -> None:
    many = {}
    for path in SOURCES:
        imports = [
            node for node in tree_of(path).body if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        controls = path.stem == "controllers"
        most = MOST_IMPORTS_OF_CONTROLLERS if controls else MOST_IMPORTS
        if len(imports) > most and _name(path) not in _GATHERS:
            many[_name(path)] = len(imports)
    assert many == {}


def _public(tree: ast.Module) -> Iterator[tuple[str, Function | ast.ClassDef]]:
    for node in tree.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node.name, node
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for inner in node.body:
                if isinstance(inner, Function) and not inner.name.startswith("_"):
                    yield f"{node.name}.{inner.name}", inner


def test_every_module_and_public_name_says_what_it_is() -> None:
    silent = {_name(path): names for path in SOURCES if (names := list(_silent(tree_of(path))))}
    assert silent == {}


def _silent(tree: ast.Module) -> Iterator[str]:
    if tree.body and not ast.get_docstring(tree):
        yield "the module itself"
    yield from (name for name, node in _public(tree) if not _says(node))


def test_control_what_says_nothing_of_itself_is_found() -> None:
    source = 'class A:\n    """One."""\n    def b(self): ...\n    def _c(self): ...'
    assert list(_silent(ast.parse(source))) == ["the module itself", "A.b"]


def _says(node: Function | ast.ClassDef) -> bool:
    first, *rest = (ast.get_docstring(node) or "").splitlines() or [""]
    return bool(first.strip()) and (not rest or not rest[0].strip())


def test_a_docstring_says_return_as_the_field_does() -> None:
    told = {
        f"{_name(path)}:{node.lineno}": first
        for path in SOURCES
        for node in ast.walk(tree_of(path))
        if isinstance(node, Function) and _GIVES.match(first := (ast.get_docstring(node) or ""))
    }
    assert told == {}


def test_control_giving_up_is_a_verb_of_its_own() -> None:
    assert _GIVES.match("Give the session.")
    assert _GIVES.match("Tell whether it is open.")
    assert not _GIVES.match("Give up all checkouts of a session.")


def _makes_event(tree: ast.Module) -> list[int]:
    """Return the lines that call `VerifiedEvent`, under whatever name it was imported."""
    names = {"VerifiedEvent"}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names |= {
                one.asname for one in node.names if one.name == "VerifiedEvent" and one.asname
            }
    lines = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if name in names:
                lines.append(node.lineno)
    return lines


def _copies(tree: ast.Module) -> list[int]:
    """Return the lines that make a changed copy of something that is called an event."""
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "id", getattr(node.func, "attr", "")) == "replace"
        and node.args
        and "event" in ast.unparse(node.args[0]).lower()
    ]


def test_only_providers_make_a_verified_event() -> None:
    """Nothing else can complete a session, so nothing else may make what completes it."""
    elsewhere = [path for path in SOURCES if not _name(path).startswith("service/providers/")]
    made = {_name(path): lines for path in elsewhere if (lines := _makes_event(tree_of(path)))}
    assert made == {}
    copied = {_name(path): lines for path in elsewhere if (lines := _copies(tree_of(path)))}
    assert copied == {}


@pytest.mark.parametrize(
    "source",
    [
        "VerifiedEvent(provider='stripe')",
        "base.VerifiedEvent(provider='stripe')",
        "from service.providers.base import VerifiedEvent as E\nE(provider='stripe')",
    ],
)
def test_the_rule_on_events_does_see_who_breaks_it(source: str) -> None:
    assert _makes_event(ast.parse(source))


def test_no_source_names_a_place_on_somebodys_machine() -> None:
    found = [
        _name(path)
        for path in SOURCES
        for word in ("/home/", "/root/", "localhost:27017")
        if word in path.read_text()
    ]
    assert found == []


# What whoever installs fetches from is theirs to say; a lock says what, by its hash.
_LOCKS = ("package-lock.json", "*.lock")
_NOT_OURS = {"node_modules", ".venv"}


def test_no_lock_names_an_address() -> None:
    """Neither where a package comes from nor whom it thanks: `npm` writes both by itself."""
    locks = [
        path
        for pattern in _LOCKS
        for path in ROOT.rglob(pattern)
        if _NOT_OURS.isdisjoint(path.parts) and path.is_file()
    ]
    assert len(locks) > 5
    assert {_name(path): _addresses(path.read_text()) for path in locks} == {
        _name(path): [] for path in locks
    }


def test_the_rule_on_locks_does_see_an_address() -> None:
    assert _addresses('"url": "https://npm.example/sponsors/somebody"') == ["https://"]


def _addresses(lock: str) -> list[str]:
    return re.findall(r"\w+://", lock)
