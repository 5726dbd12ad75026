"""How mutants are made and run; the mutants themselves are `make soak`'s."""

import tomllib
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.mutations.mutants import mutants_of
from tests.mutations.running import _swap
from tests.mutations.targets import TARGETS, Target

SOURCE = '''
from enum import Enum

TABLE = frozenset({"a", "b"})


def fits(word: str | None, most: int = 3) -> bool:
    """Tell."""
    if word is None:
        raise ValueError("There is none.")
    return word in TABLE and len(word) <= most
'''


def test_each_mutant_breaks_one_place_and_two_never_say_the_same() -> None:
    after = sorted(one.after for one in mutants_of(SOURCE))
    assert after == sorted(
        [
            'TABLE = frozenset({"a",})',
            'TABLE = frozenset({ "b",})',
            'TABLE = frozenset({"xa", "b"})',
            'TABLE = frozenset({"a", "xb"})',
            "def fits(word: str | None, most: int = 4) -> bool:",
            "def fits(word: str | None, most: int = 2) -> bool:",
            "if word is not None:",
            "pass",
            "pass",
            "return word in TABLE or len(word) <= most",
            "return word in TABLE and len(word) < most",
            "return word in TABLE and len(word) > most",
            "return word not in TABLE and len(word) <= most",
        ]
    )


def test_of_named_functions_alone_the_rest_of_a_file_is_left_alone() -> None:
    assert {one.line for one in mutants_of(SOURCE, ["fits"])} == {7, 9, 10, 11}
    with pytest.raises(LookupError):
        list(mutants_of(SOURCE, ["fit"]))


def test_what_survives_is_named_with_a_reason_and_for_a_file_that_is_broken() -> None:
    known = tomllib.loads(Path(__file__).with_name("survivors.toml").read_text())
    assert set(known) <= set(TARGETS)
    for target, survivors in known.items():
        lines = {line.strip() for line in Path(TARGETS[target].path).read_text().splitlines()}
        for one in survivors:
            assert set(one) == {"before", "after", "why"}
            assert one["before"] in lines, f"{target} has no line {one['before']!r} any more"


def test_every_target_names_files_and_functions_that_there_are() -> None:
    for target in TARGETS.values():
        missing = [path for path in target.tests if not Path(path).is_file()]
        assert missing == []
        assert next(mutants_of(Path(target.path).read_text(), target.within), None)


def test_functions_are_swapped_where_they_are_held_already(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    held = _held
    monkeypatch.setattr(held, "__code__", held.__code__)  # put back afterwards
    _swap(Target(__name__, ()), 'def _held() -> str:\n    return "broken"\n')
    assert held() == "broken"


def test_what_stands_for_a_function_stays_and_the_function_is_swapped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inner = _managed.__wrapped__  # type: ignore[attr-defined]
    monkeypatch.setattr(inner, "__code__", inner.__code__)
    source = "@contextmanager\ndef _managed():\n    yield 'broken'\n"
    _swap(Target(__name__, ()), source)
    with _managed() as said:
        assert said == "broken"


def test_what_is_gone_by_now_is_no_function(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = weakref.proxy({*""})  # of which nobody holds what it stands for
    monkeypatch.setattr(_held, "__code__", _held.__code__)
    _swap(Target(__name__, ()), 'def _held() -> str:\n    return "broken"\n')
    assert type(gone) is weakref.ProxyType
    assert _held() == "broken"


def _held() -> str:
    return "as it is"


@contextmanager
def _managed() -> Iterator[str]:
    yield "as it is"
