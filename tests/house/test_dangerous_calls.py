"""What a service that takes bytes from strangers does without: shells, `eval`, weak hashes."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.trees import tree_of

ROOT = Path(__file__).parents[2]
# Who starts programs, and which: the embedded mongod, what `tillgate doctor` looks for, and this
# interpreter with one module of ours that forecasts the numbers on its input.
STARTERS = {
    "service/storage/embedded.py",
    "service/storage/mongod.py",
    "service/cli/checks/machine.py",
    "service/forecasts/operations/process.py",
}
WEAK = {"md5", "sha1", "new", "blake2s", "crc32"}


def _calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def _evaluates(tree: ast.AST) -> bool:
    names = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "pickle.loads"}
    return any(
        name in names or any(word.arg == "shell" for word in call.keywords)
        for name, call in _calls(tree)
    )


def _starts_programs(tree: ast.AST) -> bool:
    begins = ("subprocess.", "asyncio.create_subprocess", "os.exec", "os.spawn")
    return any(name.startswith(begins) for name, _ in _calls(tree))


def _hashes_weakly(tree: ast.AST) -> bool:
    for name, call in _calls(tree):
        if name.startswith("hashlib.") and name.removeprefix("hashlib.") in WEAK:
            return True
        digest = ast.unparse(call.args[2]) if name == "hmac.new" and len(call.args) > 2 else ""
        if any(weak in digest for weak in ("md5", "sha1")):
            return True
    return False


def _files() -> Iterator[tuple[str, ast.AST]]:
    for package in (ROOT / "service", ROOT / "sandbox"):
        for path in sorted(package.rglob("*.py")):
            yield path.relative_to(ROOT).as_posix(), tree_of(path)


def test_nothing_of_a_caller_reaches_a_program_or_an_interpreter() -> None:
    assert [name for name, tree in _files() if _evaluates(tree)] == []
    assert {name for name, tree in _files() if _starts_programs(tree)} <= STARTERS


def test_nothing_hashes_by_anything_but_sha_2() -> None:
    assert [name for name, tree in _files() if _hashes_weakly(tree)] == []


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("eval(text)", _evaluates),
        ("subprocess.run(line, shell=True)", _evaluates),
        ("subprocess.run([text])", _starts_programs),
        ("hashlib.md5(body)", _hashes_weakly),
        ("hmac.new(key, body, hashlib.sha1)", _hashes_weakly),
        ("hmac.new(key, body, 'md5')", _hashes_weakly),
    ],
)
def test_control_each_of_them_would_be_found(line: str, found: object) -> None:
    assert callable(found)
    assert found(ast.parse(line))
