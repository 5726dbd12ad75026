"""Every code by which an error is known: of the tree, of the framework, of connections."""

import re
from pathlib import Path

import service.app  # noqa: F401 - defines every error that a route can raise
from service.cli.connections import refusals
from service.core.errors import TillgateError
from service.web.problems import _CODES, _STATUSES

SERVICE = Path(__file__).parents[2] / "service"
_CODE = re.compile(r"\bcode(?:: ClassVar\[str\])? ?= ?\"([a-z_]+)\"")


def all_errors(base: type[TillgateError] = TillgateError) -> list[type[TillgateError]]:
    """Return the tree of errors, the root first."""
    return [base, *(error for child in base.__subclasses__() for error in all_errors(child))]


def status_of(error: type[TillgateError]) -> int:
    """Return the status that a kind of error is answered with."""
    return next((_STATUSES[base] for base in error.__mro__ if base in _STATUSES), 500)


def refusals_of_connections() -> list[refusals.Refusal]:
    """Return what is refused before the application sees it."""
    return [one for one in vars(refusals).values() if isinstance(one, refusals.Refusal)]


def codes() -> set[str]:
    """Return every code that the service can answer with, or that stands in its tree."""
    raised = {code for path in SERVICE.rglob("*.py") for code in _CODE.findall(path.read_text())}
    return raised | set(_CODES.values()) | {one.error for one in refusals_of_connections()}
