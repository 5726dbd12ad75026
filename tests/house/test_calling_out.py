"""Who calls a provider: never what may run inside a transaction."""

import ast
import inspect
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import FunctionType

import pytest

from service.providers import base, refunding

SERVICE = Path(__file__).parents[2] / "service"
PROVIDERS = "providers/"
# What asks and what is told of the answer stand apart: these only ask, and hand on what they hear.
CALLERS = ("inbox/operations/", "sessions/checkouts/", "payments/refunds/sending/")


def _asked_of_providers() -> set[str]:
    """Return the names of what a provider is asked for over the network: all that is awaited."""
    known = {**vars(base), **vars(refunding)}.values()
    protocols = [one for one in known if getattr(one, "_is_protocol", False)]
    return {
        name
        for protocol in protocols
        for name, member in vars(protocol).items()
        if isinstance(member, FunctionType) and inspect.iscoroutinefunction(member)
    }


ASKED = _asked_of_providers()


def _calls(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in ASKED:
                yield node.func.attr


@cache
def _callers() -> dict[str, set[str]]:
    paths = [path.relative_to(SERVICE).as_posix() for path in sorted(SERVICE.rglob("*.py"))]
    found = {path: set(_calls((SERVICE / path).read_text())) for path in paths}
    return {path: asked for path, asked in found.items() if asked and PROVIDERS not in path}


def test_providers_are_asked_for_what_the_protocols_say() -> None:
    assert {"open_checkout", "close_checkout", "fetch", "capture", "ask_about", "refund"} <= ASKED


def test_only_checkouts_refunds_and_the_inbox_call_a_provider() -> None:
    assert {path for path in _callers() if not path.startswith(CALLERS)} == set()


@pytest.mark.parametrize("caller", CALLERS)
def test_each_of_them_does(caller: str) -> None:
    assert any(path.startswith(caller) for path in _callers())


def test_control_a_call_among_the_operations_is_seen() -> None:
    inside = "async def work(tx):\n    return await rules.providers[name].close_checkout(ref)"
    assert list(_calls(inside)) == ["close_checkout"]
