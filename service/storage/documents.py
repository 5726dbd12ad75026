"""The base of every document: camelCase in the database, snake_case in Python."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, cast

from beanie import Document, init_beanie
from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel
from pymongo import IndexModel

from service.storage.database import Client, Collection, Database, Row
from service.storage.new_rows import MakesRows, stored_names


def wire_name(name: str) -> str:
    """Return the stored name of a field.

    Beanie's own generator maps `id` to `_id`; one that replaces it must do the same, else every
    document is stored with `id: null` and `save()` inserts a second one.
    """
    return {"id": "_id", "revision_id": "revision_id"}.get(name) or to_camel(name)


def _do_nothing(document: BaseModel, context: object) -> None:
    pass


class StoredPart(MakesRows, BaseModel):
    """What stands inside a document: an entry of one of its lists, or a field with fields."""

    model_config = ConfigDict(
        alias_generator=wire_name, validate_by_name=True, validate_by_alias=True, extra="ignore"
    )


class StoredDocument(MakesRows, Document):
    """A document of Tillgate: its fields, its indexes and which of its fields hold money."""

    model_config = ConfigDict(
        alias_generator=wire_name, validate_by_name=True, validate_by_alias=True, extra="ignore"
    )

    money_fields: ClassVar[tuple[str, ...]] = ()
    """Stored names of amounts: a validator refuses anything but integers in them."""

    optional_money_fields: ClassVar[tuple[str, ...]] = ()
    """Stored names of amounts that may also be null; `a.b` stands in an object."""

    capped_bytes: ClassVar[int | None] = None
    """Size of a capped collection, which forgets its oldest documents; None: an ordinary one."""

    # Beanie's own would look into each attribute whether it is still to be parsed, check at each
    # document that the collection is bound, and fill links back. None of it is used here, and it
    # made documents take three times as long to make and to read.
    if not TYPE_CHECKING:
        __init__ = BaseModel.__init__
        __getattribute__ = object.__getattribute__

        @classmethod
        def fill_back_refs(cls, values: object) -> object:
            """Do nothing."""
            return values

    @classmethod
    def __pydantic_init_subclass__(cls, **settings: object) -> None:
        """Leave out the private attributes, in which Beanie would keep a document's old states."""
        super().__pydantic_init_subclass__(**settings)
        cls.model_post_init = _do_nothing

    class Settings:
        """Overridden by each document."""

        name: str
        indexes: ClassVar[list[IndexModel]] = []

    @classmethod
    def get_pymongo_collection(cls) -> Collection:
        """Return the collection that the document is bound to; asked for ten times an event."""
        bound = cls._document_settings
        found = bound.pymongo_collection if bound else super().get_pymongo_collection()
        return cast(Collection, found)

    @classmethod
    def collection_name(cls) -> str:
        """Return the collection's name."""
        return str(cls.Settings.name)

    @classmethod
    def declared_indexes(cls) -> list[IndexModel]:
        """Return the indexes that this document declares, without the one on `_id`."""
        return list(cls.Settings.indexes)

    def to_row(self) -> Row:
        """Return the document as it is stored; without `_id` where the database makes one."""
        row: Row = self.model_dump(by_alias=True)
        if row.get("_id") is None:
            row.pop("_id", None)
        return row

    def stored(self, name: str) -> object:
        """Return one field as it is stored, by its stored name: as `to_row` has it."""
        return _as_stored(getattr(self, _names_in_python(self.__class__)[name]))

    def differing(self, values: Row) -> Row:
        """Return those of some stored values, by their stored names, that are other here."""
        names = _names_in_python(self.__class__)
        return {
            name: value
            for name, value in values.items()
            if (own := getattr(self, names[name])) is not value and _as_stored(own) != value
        }


def _names_in_python(model: type[StoredDocument]) -> Mapping[str, str]:
    if (known := _KNOWN.get(model)) is None:
        known = _KNOWN[model] = {stored: name for name, stored in stored_names(model).items()}
    return known


def _as_stored(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(by_alias=True)
    return [_as_stored(one) for one in value] if isinstance(value, list) else value


_KNOWN: dict[type[StoredDocument], Mapping[str, str]] = {}
_bound: list[Database] = []


async def bind(database: Database, documents: Sequence[type[StoredDocument]]) -> None:
    """Bind the documents to a database. Beanie keeps this per class: one database a process."""
    models: Any = list(documents)  # Beanie's parameter also admits views and dotted names
    await init_beanie(database=database, document_models=models, skip_indexes=True)
    _bound[:] = [database]


def bound_client() -> Client:
    """Return the client of the database that the documents are bound to."""
    return _bound[0].client
