"""New rows: a document knows its fields and their defaults, so nobody else lists them."""

from collections.abc import Callable, Iterable
from enum import Enum
from operator import attrgetter
from typing import ClassVar, cast

from msgspec import Struct
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from service.storage.database import Row


class _Plan(Struct, frozen=True):
    """How a new row is made with what a kind of record has.

    `blank` has what need not be given, at its default. `empty` are the lists and objects that begin
    so, None in `blank`: each row needs its own. `copied` are the stored names of what `read` takes
    from a record. A whole row has `size` fields.
    """

    blank: Row
    empty: tuple[tuple[str, type[list[object] | Row]], ...]
    copied: tuple[str, ...]
    read: Callable[[object], Iterable[object]]
    size: int


class MakesRows:
    """What is mixed into every model that is stored: a document, or a part of one."""

    _plans: ClassVar[dict[tuple[type[object], type[object]], _Plan]] = {}

    @classmethod
    def new_row(cls, given: Row, source: Struct | None = None) -> Row:
        """Return a new one as it is stored, without making the model itself.

        Each field is as `given` by its stored name, else what `source` has by its name in Python,
        else its default. Nothing is validated: values stand as they are stored. Raises `TypeError`
        for a name that is no field, and for a field without a default that nobody gives.
        """
        plan = cls._plans.get((cls, source.__class__))
        if plan is None:
            plan = cls._plans[cls, source.__class__] = _plan(_model(cls), source.__class__)
        if copied := plan.copied:
            row = plan.blank.copy()
            values = plan.read(source)
            row.update(zip(copied, values))  # noqa: B905 - as many as are read, or one less
            row |= given
        else:
            row = plan.blank | given
        for name, make in plan.empty:
            if row[name] is None:
                row[name] = make()
        if len(row) != plan.size:
            raise TypeError(_what_is_wrong(_model(cls), row))
        return row


def stored_names(model: type[BaseModel]) -> dict[str, str]:
    """Return the fields that a model stores: name in Python -> stored name, in their order."""
    return {
        name: field.serialization_alias or name
        for name, field in model.model_fields.items()
        if not field.exclude
    }


def _model(mixed_into: type[MakesRows]) -> type[BaseModel]:
    return cast(type[BaseModel], mixed_into)


def _new_fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Return the fields of a new row by their stored names; the database makes some `_id`s."""
    found = {stored: model.model_fields[name] for name, stored in stored_names(model).items()}
    if "_id" in found and not found["_id"].is_required():
        del found["_id"]
    return found


def _plan(model: type[BaseModel], record: type[object]) -> _Plan:
    fields = _new_fields(model)
    has: tuple[str, ...] = getattr(record, "__struct_fields__", ())
    names = {name: stored for name, stored in stored_names(model).items() if name in has}
    copied = tuple(names.values())
    made = {name: field for name, field in fields.items() if name not in copied}
    return _Plan(
        blank={
            name: None if name in copied else _default(field)
            for name, field in fields.items()
            if name in copied or not field.is_required()
        },
        empty=tuple(_empty(made)),
        copied=copied,
        # Of one name `attrgetter` returns no tuple, so the first stands twice.
        read=attrgetter(*names, next(iter(names))) if names else _nothing,
        size=len(fields),
    )


def _empty(fields: dict[str, FieldInfo]) -> Iterable[tuple[str, type[list[object] | Row]]]:
    for name, field in fields.items():
        if field.default_factory is list:
            yield name, list
        elif field.default_factory is dict:
            yield name, dict


def _default(field: FieldInfo) -> object:
    """Return a default as it is stored. Raises `TypeError` for one that can't be shared or made."""
    default: object = None if field.default_factory else field.default
    if field.default_factory not in {None, list, dict} or isinstance(default, list | dict):
        raise TypeError(f"the default of {field.alias} is neither a value, `list` nor `dict`")
    return default.value if isinstance(default, Enum) else default


def _what_is_wrong(model: type[BaseModel], row: Row) -> str:
    fields = _new_fields(model).keys()
    lacks, unknown = sorted(fields - row.keys()), sorted(row.keys() - fields)
    return f"a new {model.__name__} lacks {lacks}, and has no fields {unknown}"


def _nothing(source: object) -> tuple[object, ...]:
    return ()
