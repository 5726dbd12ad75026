"""What handlers say of themselves for the OpenAPI document alone: keys of their `opt`."""

from collections.abc import Sequence

from litestar.handlers import HTTPRouteHandler
from litestar.types import Method
from litestar.types.internal_types import PathParameterDefinition

NAMED = "named"
"""The operation's id, of a handler that has several paths or methods: each gets its own of it."""

OLDER = "older"
"""Paths and methods that are kept for callers of before, and are deprecated."""

ALSO_ANSWERS = "also_answers"
"""The other status with which the same is answered: 200 of a create that found it there."""

SIGNED_BY = "signed_by"
"""The headers in which a webhook may be signed; with only one it is required."""


def is_older(handler: HTTPRouteHandler, method: str, path: str) -> bool:
    """Return whether a handler is deprecated at a path by a method."""
    return not {method.upper(), path}.isdisjoint(handler.opt.get(OLDER, ()))


def operation_id(
    handler: HTTPRouteHandler, method: Method, components: Sequence[str | PathParameterDefinition]
) -> str:
    """Name an operation that has no `operation_id`: `openSession`, `openSessionOlder`, `…ByPut`."""
    name: str | None = handler.opt.get(NAMED)
    parts = [one if isinstance(one, str) else f"{{{one.name}}}" for one in components]
    path = "/" + "/".join(parts)
    if name is None:
        return f"{method.lower()} {path}"
    older: Sequence[str] = handler.opt.get(OLDER, ())
    paths = [one for one in older if one.startswith("/")]
    if path in paths:
        name += "Older" if paths[0] == path else f"Older{paths.index(path) + 1}"
    return f"{name}By{method.capitalize()}" if method.upper() in older else name
