"""Whoever has a transaction passes it on: a write outside of it would be done twice, or half.

`tx` has a default where a call may also stand for itself, so no type tells when it is left out.
"""

import ast
from functools import cache
from typing import NamedTuple

import pytest

from tests.house.test_calling_out import SERVICE

TX = "tx"
# Whoever calls one of these of a collection names the session of the transaction.
COMMANDS = frozenset(
    "aggregate bulk_write count_documents delete_many delete_one distinct find find_one"
    " find_one_and_delete find_one_and_replace find_one_and_update insert_many insert_one"
    " replace_one update_many update_one".split()
)
Function = ast.FunctionDef | ast.AsyncFunctionDef


class Module(NamedTuple):
    """A module of ours, its tree, and what its names stand for."""

    name: str
    tree: ast.Module
    names: dict[str, str]


def _module(name: str, source: str) -> Module:
    tree = ast.parse(source)
    names = {
        one.asname or one.name: f"{node.module}.{one.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for one in node.names
    }
    names |= {node.name: f"{name}.{node.name}" for node in tree.body if isinstance(node, Function)}
    return Module(name, tree, names)


@cache
def _modules() -> dict[str, Module]:
    found = {}
    for path in sorted(SERVICE.rglob("*.py")):
        parts = path.relative_to(SERVICE.parent).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        found[name] = _module(name, path.read_text())
    return found


@cache
def _carriers() -> set[str]:
    """Return the classes that carry a transaction in a field or property of this name."""
    return {
        node.name
        for module in _modules().values()
        for node in module.tree.body
        if isinstance(node, ast.ClassDef)
        for part in node.body
        if getattr(part, "name", None) == TX
        or (isinstance(part, ast.AnnAssign) and ast.unparse(part.target) == TX)
    }


def _parameters(function: Function) -> list[ast.arg]:
    arguments = function.args
    return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]


def _takes(function: Function) -> bool:
    return any(one.arg == TX for one in _parameters(function))


def _has(function: Function) -> bool:
    """Return whether a function has a transaction: its own parameter, or in what it is given."""
    given = (ast.unparse(one.annotation) for one in _parameters(function) if one.annotation)
    return _takes(function) or any(one in _carriers() for one in given)


@cache
def _taking() -> set[str]:
    """Return the functions that take a transaction, also by where a package hands them on."""
    modules = _modules().values()
    found = {
        f"{module.name}.{node.name}"
        for module in modules
        for node in module.tree.body
        if isinstance(node, Function) and _takes(node)
    }
    handed_on = {
        f"{module.name}.{name}"
        for module in modules
        for name, origin in module.names.items()
        if origin in found
    }
    return found | handed_on


def _whole_name(call: ast.Call, module: Module) -> str:
    """Return what a call is of: what is imported by its whole name, else as it is written."""
    head, _, rest = ast.unparse(call.func).partition(".")
    return ".".join(filter(None, (module.names.get(head, head), rest)))


def _passes(call: ast.Call, name: str) -> bool:
    """Return whether a call is given the transaction, if it is one that needs it."""
    if name in _taking():
        given = (*call.args, *(one.value for one in call.keywords))
        return any(ast.unparse(one).split(".")[-1] == TX for one in given)
    of, _, verb = name.rpartition(".")
    commands = verb in COMMANDS and bool(of) and of not in _modules()
    return not commands or any(one.arg == "session" for one in call.keywords)


def _left_out(module: Module) -> list[str]:
    """Return the calls that are not given the transaction that their caller has."""
    return [
        f"{module.name}: {ast.unparse(call)}"
        for function in ast.walk(module.tree)
        if isinstance(function, Function) and _has(function)
        for call in ast.walk(function)
        if isinstance(call, ast.Call) and not _passes(call, _whole_name(call, module))
    ]


def test_whoever_has_a_transaction_passes_it_on() -> None:
    assert [one for module in _modules().values() for one in _left_out(module)] == []


def test_what_has_and_what_takes_one_is_found() -> None:
    assert {"Applying", "Acting", "Moving", "Deciding"} <= _carriers()
    ours = {
        "service.inbox.repository.find",
        "service.payments.payments.repository.find",
        "service.sessions.repository.change",
    }
    assert ours <= _taking()


@pytest.mark.parametrize(
    "call",
    [
        "payments.find(provider, account, one)",
        "repository.change(session, update)",
        "Session.get_pymongo_collection().find_one(wanted)",
    ],
)
@pytest.mark.parametrize("given", ["tx: Transaction", "doing: Applying"])
def test_control_a_call_that_is_given_none_is_seen(call: str, given: str) -> None:
    source = (
        "from service.payments.payments import repository as payments\n"
        "from service.sessions import repository\n"
        f"async def work({given}):\n    return await {call}"
    )
    assert _left_out(_module("service.control", source)) == [f"service.control: {call}"]
