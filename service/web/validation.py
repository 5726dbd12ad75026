"""What is wrong with a request: the framework's findings, by the names that the caller used."""

import re
from enum import Enum
from typing import Literal, get_args, get_origin

from litestar.exceptions import ValidationException
from litestar.handlers import HTTPRouteHandler
from litestar.params import ParameterKwarg
from litestar.types import Scope
from litestar.typing import FieldDefinition
from pydantic.alias_generators import to_camel

from service.core.errors import FieldProblem, MalformedBody
from service.web.requests import EMPTY_BODY

Findings = tuple[str, str, tuple[FieldProblem, ...]]

_NOT_TAKEN = "does not take the value"
# msgspec's messages: "Expected `int` <= 100".
_WORDS = (
    (re.compile(r"Expected `(?:int|float)` <= ([\d.]+)"), r"must be at most \1"),
    (re.compile(r"Expected `(?:int|float)` >= ([\d.]+)"), r"must be at least \1"),
    (re.compile(r"Expected `str` of length <= (\d+)"), r"must have at most \1 characters"),
    (re.compile(r"Expected `str` of length >= (\d+)"), r"must have at least \1 characters"),
    (re.compile(r"Expected `str` matching regex '(.+)'"), r"must match \1"),
    (re.compile(r"Expected `int(?: \| null)?`, got"), "must be a whole number"),
    (re.compile(r"Expected `bool(?: \| null)?`, got"), "must be true or false"),
    (re.compile(r"Invalid enum value '(.*)'"), rf"{_NOT_TAKEN} \1"),
)


def field_problems(scope: Scope, error: ValidationException) -> Findings:
    """Return code, detail and fields of a request that the framework could not bind."""
    found = error.extra if isinstance(error.extra, list) else []
    problems = tuple(_problem(scope, item) for item in found if isinstance(item, dict))
    if any(problem.field == "data" for problem in problems):
        return MalformedBody.code, EMPTY_BODY, (FieldProblem("body", "is empty"),)
    if not problems:
        return "invalid_request", *_missing_parameter(error.detail)
    listed = "; ".join(f"{problem.field} {problem.message}" for problem in problems[:3])
    return "invalid_request", f"The request can't be used: {listed}.", problems


def _problem(scope: Scope, item: dict[str, object]) -> FieldProblem:
    name, _, rest = str(item.get("key", "request")).partition(".")
    path = _wire_name(scope, name) + (f".{rest}" if rest else "")
    said = _message(str(item.get("message", "is wrong")))
    if said.startswith(_NOT_TAKEN) and (taken := _taken(scope, name)):
        said += f": take one of {', '.join(taken)}"
    return FieldProblem(path, said)


def _message(text: str) -> str:
    """Turn the framework's findings into messages about the value alone."""
    for pattern, words in _WORDS:
        if found := pattern.match(text):
            return found.expand(words)
    text = text.replace("`", "")
    return text[:1].lower() + text[1:] or "is wrong"


def _wire_name(scope: Scope, name: str) -> str:
    parameter = _parameter(scope, name)
    if parameter and isinstance(parameter.kwarg_definition, ParameterKwarg):
        return parameter.kwarg_definition.name or to_camel(name)
    return name if name == "data" else to_camel(name)


def _parameter(scope: Scope, name: str) -> FieldDefinition | None:
    handler = scope.get("route_handler")
    if not isinstance(handler, HTTPRouteHandler):
        return None
    return handler.parsed_fn_signature.parameters.get(name)


def _taken(scope: Scope, name: str) -> list[str]:
    """Return the values that a parameter takes, where it takes only some."""
    parameter = _parameter(scope, name)
    return _choices(parameter.annotation) if parameter else []


def _choices(type_: object) -> list[str]:
    if isinstance(type_, type) and issubclass(type_, Enum):
        return [str(one.value) for one in type_]
    if get_origin(type_) is Literal:
        return [str(one) for one in get_args(type_)]
    return [one for part in get_args(type_) for one in _choices(part)]


def _missing_parameter(detail: str) -> tuple[str, tuple[FieldProblem, ...]]:
    """Read "Missing required query parameter 'userId' for path …" without its path."""
    head, _, rest = detail.partition("parameter '")
    name = rest.partition("'")[0]
    if not head.startswith("Missing required") or not name:
        return detail, ()
    kind = head.removeprefix("Missing required").strip()
    return f"The {kind} parameter {name} is missing.", (FieldProblem(name, "is missing"),)
