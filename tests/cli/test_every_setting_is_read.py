"""A setting that nobody reads is not there: it would be set, and nothing would happen."""

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from service.core.variables import Group
from service.providers.registry import REGISTRY
from service.settings import Settings

ROOT = Path(__file__).parents[2]
# The consents: they exist for the checks of production, and for nothing else.
CONSENTS = {"MONGODB_PLAIN_HOSTS", "REDIS_PLAIN_HOSTS", "TEST_MODE_PROVIDERS"}


def _groups() -> list[type[Group]]:
    fields = [field.annotation for field in Settings.model_fields.values()]
    own = [kind for kind in fields if isinstance(kind, type) and issubclass(kind, Group)]
    return [*own, *(registered.settings for registered in REGISTRY.values())]


def _names_read(sources: Iterable[str]) -> set[str]:
    """Return every name that is read of an object."""
    return {name for source in sources for name in _names_of(source)}


@cache
def _names_of(source: str) -> frozenset[str]:
    return frozenset(
        node.attr
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load)
    )


def _unread(sources: Iterable[str]) -> set[str]:
    read = _names_read(sources)
    return {
        str(field.validation_alias)
        for group in _groups()
        for name, field in group.model_fields.items()
        if name not in read
    }


def _sources(*but: str) -> dict[Path, str]:
    files = [path for path in (ROOT / "service").rglob("*.py") if not set(but) & set(path.parts)]
    return {path: path.read_text() for path in files}


def test_every_setting_is_read_by_what_serves_and_not_only_checked() -> None:
    assert _unread(_sources("production").values()) - CONSENTS == set()
    assert _unread(_sources().values()) == set()


def test_control_a_setting_that_nobody_reads_is_found() -> None:
    without = {
        path: source.replace(".log_level", ".something")
        for path, source in _sources("production").items()
    }
    assert "LOG_LEVEL" in _unread(without.values())
