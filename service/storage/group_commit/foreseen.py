"""What an update makes of a document, before it is written with its group."""

from datetime import datetime
from types import NoneType
from typing import Any, Literal, TypeVar, get_args, get_origin

from msgspec import Struct
from pydantic import TypeAdapter

from service.storage.database import DatabaseTime, Row
from service.storage.documents import StoredDocument
from service.storage.transaction import NeedsOwnTransaction

D = TypeVar("D", bound=StoredDocument)

# A document has these as they are stored.
_PLAIN = frozenset({str, int, float, bool, datetime, DatabaseTime, NoneType})


class _Field(Struct, frozen=True):
    """A field by its stored name: what makes its value, and one of its items, of stored ones."""

    name: str
    build: TypeAdapter[Any] | None
    build_item: TypeAdapter[Any] | None


_KNOWN: dict[type[StoredDocument], dict[str, _Field]] = {}


def foresee(document: D, change: Row) -> D:
    """Return a document as an update makes it.

    But for the database's own time: no work reads that. Raises `NeedsOwnTransaction` for what only
    the database can apply.
    """
    fields = _fields_of(type(document))
    if change.keys() - {"$set", "$push", "$inc", "$currentDate"}:
        raise NeedsOwnTransaction(f"Only the database can apply {sorted(change)}.")
    values: dict[str, Any] = {}
    for stored, value in change.get("$set", {}).items():
        field = _named(fields, stored)
        values[field.name] = field.build.validate_python(value) if field.build else value
    for stored, by in change.get("$inc", {}).items():
        field = _named(fields, stored)
        values[field.name] = getattr(document, field.name) + by
    for stored, item in change.get("$push", {}).items():
        field = _named(fields, stored)
        if isinstance(item, dict) and any(name.startswith("$") for name in item):
            raise NeedsOwnTransaction(f"Only the database can push {sorted(item)}.")
        built = field.build_item.validate_python(item) if field.build_item else item
        values[field.name] = [*getattr(document, field.name), built]
    changed: D = document.model_copy(update=values)
    return changed


def _named(fields: dict[str, _Field], stored: str) -> _Field:
    if (field := fields.get(stored)) is None:
        raise NeedsOwnTransaction(f"Only the database can change {stored}.")
    return field


def _fields_of(document: type[StoredDocument]) -> dict[str, _Field]:
    if (known := _KNOWN.get(document)) is not None:
        return known
    found = {}
    for name, info in document.model_fields.items():
        build, build_item = _adapter(info.annotation), None
        if get_origin(info.annotation) is list:
            build_item = _adapter(get_args(info.annotation)[0])
        found[info.alias or name] = _Field(name, build, build_item)
    _KNOWN[document] = found
    return found


def _adapter(annotation: Any) -> TypeAdapter[Any] | None:
    return None if _is_plain(annotation) else TypeAdapter(annotation)


def _is_plain(annotation: Any) -> bool:
    """Return whether values of a type are stored as the document has them."""
    if annotation in _PLAIN or get_origin(annotation) is Literal:
        return True
    parts = get_args(annotation)
    return bool(parts) and get_origin(annotation) is not dict and all(map(_is_plain, parts))
