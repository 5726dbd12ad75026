"""Requests read strictly: the body by our own parser, the query by what the handler declares."""

import re
from collections.abc import Iterable
from typing import Any, TypeAlias
from urllib.parse import parse_qsl

from litestar import Request
from litestar.datastructures import FormMultiDict
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.types import Empty, Scope

from service.core import strict_json
from service.core.errors import FieldProblem, InvalidInput, MalformedBody
from service.web.bodies import read_body
from service.web.forms import read_cookies, read_form

AnyRequest: TypeAlias = Request[Any, Any, Any]

_LONGEST_NAME = 80

EMPTY_BODY = "The body is empty; a JSON object is required."

_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
_OTHER_JSON = re.compile(r"application/[a-z0-9.-]{1,60}\+json")

# The place in a handler's `opt` where the names of its query parameters are kept.
_DECLARED = "declared_query"


class StrictRequest(Request[Any, Any, Any]):
    """A request whose JSON has no duplicate keys, no NaN, and nothing that BSON can't keep."""

    __slots__ = ()

    async def body(self) -> bytes:
        """Read the body once. Raises as `read_body` does."""
        return await read_body(self.scope, self.receive)

    async def json(self) -> Any:
        """Parse the body once. Raises as `parse_body` does."""
        if self._json is Empty:
            self._json = parse_body(await self.body(), self.scope)
        return self._json

    async def form(self) -> FormMultiDict:
        """Read a form. Raises `MalformedBody`, and an `HTTPException` of 415 for another kind."""
        _require_type(self.scope, _FORM)
        return FormMultiDict(read_form(await self.body()))

    @property
    def cookies(self) -> dict[str, str]:
        """Read the cookies."""
        return read_cookies(self.scope["headers"])


def parse_body(body: bytes, scope: Scope) -> strict_json.JsonValue:
    """Parse a body of JSON. Raises `MalformedBody`, and an `HTTPException` of 415 for another kind.

    A body that says nothing of its kind is JSON.
    """
    _require_type(scope, _JSON)
    if not body.strip():
        raise MalformedBody(EMPTY_BODY)
    return strict_json.parse(body)


def _require_type(scope: Scope, wanted: str) -> None:
    given = header_of(scope, b"content-type")
    if given is None or given == wanted:
        return
    kind = given.partition(";")[0].strip().lower()
    if kind != wanted and not (wanted == _JSON and _OTHER_JSON.fullmatch(kind)):
        raise HTTPException(status_code=415, detail=f"The body must be {wanted}.")


def header_of(scope: Scope, name: bytes) -> str | None:
    """Return the value of a header, by its name in lower case; the first of several."""
    for key, value in scope["headers"]:
        if key == name:
            return value.decode("latin-1")
    return None


def refuse_unknown_query(scope: Scope) -> None:
    """Refuse query parameters that the handler does not declare, and repeated ones.

    Runs before each handler. The framework ignores the one and takes the last of the other, so a
    typo would silently list everything. Nor may a value end in a line feed. Raises `InvalidInput`
    that names each.
    """
    query = scope["query_string"]
    if not query:
        return
    handler: Any = scope["route_handler"]  # an HTTPRouteHandler: no other one is asked with a query
    declared = _declared(handler)
    if declared is None:
        return
    given = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    refuse_line_feeds(given)
    names = [name for name, _ in given]
    problems = [
        FieldProblem(name[:_LONGEST_NAME], "is not a parameter of this address")
        for name in dict.fromkeys(names)
        if name not in declared
    ] + [
        FieldProblem(name, "is given more than once")
        for name, may_repeat in declared.items()
        if not may_repeat and names.count(name) > 1
    ]
    if problems:
        listed = "; ".join(f"{problem.field} {problem.message}" for problem in problems[:3])
        raise InvalidInput(f"The query can't be used: {listed}.", problems=tuple(problems))


def refuse_line_feeds(given: Iterable[tuple[str, object]]) -> None:
    """Refuse parameters that end in a line feed: the `$` of a pattern matches before it.

    Raises `InvalidInput` that names each.
    """
    problems = [
        FieldProblem(name[:_LONGEST_NAME], "ends in a line feed")
        for name, value in given
        if isinstance(value, str) and value.endswith("\n")
    ]
    if problems:
        raise InvalidInput(f"{problems[0].field} {problems[0].message}.", problems=tuple(problems))


def _declared(handler: HTTPRouteHandler) -> dict[str, bool] | None:
    """Return the names of a handler's query parameters, and whether each may be repeated.

    Found out once and kept in the handler's `opt`. None for a handler that takes the whole query.
    """
    if _DECLARED not in handler.opt:
        model = handler.create_kwargs_model(path_parameters={})
        whole = "query" in model.expected_reserved_kwargs
        handler.opt[_DECLARED] = (
            None
            if whole
            else {item.field_alias: item.is_sequence for item in model.expected_query_params}
        )
    found: dict[str, bool] | None = handler.opt[_DECLARED]
    return found
