"""Models of request and response bodies, and how a body becomes one."""

from collections.abc import Mapping
from typing import Any, ClassVar, TypeGuard, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel
from pydantic_core import ErrorDetails

from service.core.errors import FieldProblem, InvalidInput, MalformedBody

_LONGEST_PATH = 200

# Messages about the value alone: the field precedes them.
_MESSAGES = {
    "missing": "is missing",
    "extra_forbidden": "is not a field of this request",
    "string_type": "must be a string",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "bool_type": "must be true or false",
    "dict_type": "must be an object",
    "model_type": "must be an object",
    "list_type": "must be a list",
    "string_too_short": "must not be empty",
}


class WireModel(BaseModel):
    """A body on the wire: camelCase only, nothing unknown, no guessing of types, frozen.

    An enum field needs `Field(strict=False)`: strict validation accepts no string for an enum.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=False,
        serialize_by_alias=True,
        extra="forbid",
        frozen=True,
        strict=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    example: ClassVar[Mapping[str, object] | None] = None
    """A whole body that works as it is: /docs fills it in, and generators show it."""

    rules: ClassVar[Mapping[str, object]] = {}
    """What JSON Schema says of the fields together, as of two of which one is required."""

    @classmethod
    def also_missing(cls, sent: Mapping[str, object]) -> tuple[FieldProblem, ...]:
        """Return what a body lacks that no field requires by itself.

        Asked when something else is wrong, so that a caller is told everything at once.
        """
        return ()


M = TypeVar("M", bound=WireModel)


def is_wire_model(candidate: Any) -> TypeGuard[type[WireModel]]:  # any annotation may come
    """Return whether a handler's annotation is a wire model."""
    return isinstance(candidate, type) and issubclass(candidate, WireModel)


def decode_wire_model(model: type[M], value: object) -> M:
    """Turn parsed JSON into a model; the framework's own decoder is not strict.

    Raises `MalformedBody` for anything but an object, and `InvalidInput`, which names every wrong
    field by the path that the caller used: `items[2].amount`.
    """
    if isinstance(value, model):
        return value
    if not isinstance(value, dict):
        raise MalformedBody("The body is not a JSON object.", problems=(_NOT_AN_OBJECT,))
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise _invalid(error, model.also_missing(value)) from error


_NOT_AN_OBJECT = FieldProblem("body", "must be a JSON object")


def _invalid(error: ValidationError, besides: tuple[FieldProblem, ...]) -> InvalidInput:
    found = error.errors(include_url=False, include_input=False, include_context=True)
    problems = (
        *(FieldProblem(_path(item["loc"]), _message(item)) for item in found),
        *besides,
    )
    listed = "; ".join(f"{problem.field} {problem.message}" for problem in problems[:4])
    return InvalidInput(f"The request can't be used: {listed}.", problems=problems)


def _path(location: tuple[int | str, ...]) -> str:
    path = ""
    for step in location:
        if isinstance(step, int):
            path += f"[{step}]"
        elif step != "[key]":
            path += f".{step}" if path else step
    return path[:_LONGEST_PATH] or "body"


def _message(item: ErrorDetails) -> str:
    if item["type"] == "string_too_short" and (least := item["ctx"]["min_length"]) > 1:
        return f"must have at least {least} characters"
    if item["type"] == "string_pattern_mismatch":
        return f"must match {item['ctx']['pattern']}"
    if known := _MESSAGES.get(item["type"]):
        return known
    text = item["msg"].removeprefix("Value error, ").removeprefix("Input ")
    return text.replace("should", "must", 1)
