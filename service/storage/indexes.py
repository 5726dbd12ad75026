"""Indexes and validators: made by a command; drift is reported, nothing is silently dropped."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct
from pymongo import IndexModel
from pymongo.errors import DuplicateKeyError, OperationFailure

from service.core.errors import Misconfigured
from service.storage.database import Database, Row
from service.storage.documents import StoredDocument

_NAMESPACE_EXISTS = 48
_OPTIONS = ("partialFilterExpression", "expireAfterSeconds", "collation")
_SWITCHES = ("unique", "sparse", "hidden")
# Only `deletableAt` deletes, which the retention job sets where nothing needs a row any more.
_NO_TTL = {
    "expiresAt": "paid ones too",
    "purgeAt": "those of a payment under way or in review too",
}
_KEPT_WHILE_NEEDED = ("sessions", "webhook_events")


class Drift(Struct, frozen=True):
    """One difference between the declared indexes and those in the database."""

    collection: str
    index: str
    kind: Literal["missing", "differs", "unknown"]
    detail: str

    def __str__(self) -> str:
        """Say it in a line."""
        return f"{self.collection}.{self.index} {self.kind}: {self.detail}"


async def apply_indexes(
    database: Database, documents: Sequence[type[StoredDocument]]
) -> list[Drift]:
    """Create what is missing and set the validators; report what differs and leave it alone.

    Raises `Misconfigured` for a TTL index that deletes what is needed, and where a unique index
    can't be made.
    """
    await refuse_deadly_ttl(database)
    for document in documents:
        await _create_collection(database, document)
    drift = await find_drift(database, documents)
    missing = {(found.collection, found.index) for found in drift if found.kind == "missing"}
    for document in documents:
        wanted = [
            index
            for index in document.declared_indexes()
            if (document.collection_name(), index.document["name"]) in missing
        ]
        if wanted:
            await _create_indexes(database, document.collection_name(), wanted)
    return [found for found in drift if found.kind != "missing"]


async def _create_indexes(database: Database, collection: str, wanted: list[IndexModel]) -> None:
    try:
        await database[collection].create_indexes(wanted)
    except DuplicateKeyError as error:
        raise Misconfigured(
            f"{collection} holds documents that a unique index forbids, and which of them is right "
            f"is for a person to say: {error.details and error.details.get('errmsg')}"
        ) from error


async def find_drift(database: Database, documents: Sequence[type[StoredDocument]]) -> list[Drift]:
    """Compare the declared indexes with those in the database; change nothing."""
    drift: list[Drift] = []
    for document in documents:
        drift += await _drift_of(database, document)
    return drift


async def refuse_deadly_ttl(database: Database) -> None:
    """Refuse a TTL index that deletes what is still needed. Raises `Misconfigured`.

    On `expiresAt`, as the reference document of the older stack declares it, it deletes sessions
    that are paid late; on `purgeAt`, as our own first version did, those with a payment under way.
    """
    for collection in _KEPT_WHILE_NEEDED:
        for name, index in (await _existing(database, collection)).items():
            deadly = [field for field in index["key"] if field in _NO_TTL]
            if deadly and "expireAfterSeconds" in index:
                raise Misconfigured(
                    f"The index {name} on {collection} deletes by {deadly[0]} whatever is still "
                    f"needed, {_NO_TTL[deadly[0]]}. Drop it: db.{collection}.dropIndex({name!r})"
                )


async def _drift_of(database: Database, document: type[StoredDocument]) -> list[Drift]:
    collection = document.collection_name()
    existing = await _existing(database, collection)
    existing.pop("_id_", None)
    drift: list[Drift] = []
    for index in document.declared_indexes():
        declared = index.document
        name = declared["name"]
        found = existing.pop(name, None)
        if found is None:
            drift.append(Drift(collection, name, "missing", "is declared and not there"))
        elif _shape(found) != _shape(declared):
            detail = f"there {_shape(found)}, declared {_shape(declared)}"
            drift.append(Drift(collection, name, "differs", detail))
    drift += [Drift(collection, name, "unknown", "is not declared") for name in existing]
    return drift


async def _existing(database: Database, collection: str) -> dict[str, Row]:
    cursor = await database[collection].list_indexes()
    return {index["name"]: dict(index) async for index in cursor}


def _shape(index: Row) -> Row:
    # The order of a key's fields decides what an index can be used for.
    shape: Row = {"key": list(dict(index["key"]).items())}
    shape.update({option: index[option] for option in _OPTIONS if index.get(option) is not None})
    shape.update({switch: True for switch in _SWITCHES if index.get(switch)})
    return shape


def _put(properties: Row, path: list[str], rule: Row) -> None:
    """Put a rule for a field, which may stand in an object, among those of the others."""
    for name in path[:-1]:
        properties = properties.setdefault(name, {"properties": {}})["properties"]
    properties[path[-1]] = rule


async def _create_collection(database: Database, document: type[StoredDocument]) -> None:
    name = document.collection_name()
    money: Row = {field: {"bsonType": ["int", "long"]} for field in document.money_fields}
    for field in document.optional_money_fields:
        _put(money, field.split("."), {"bsonType": ["int", "long", "null"]})
    validator = {"$jsonSchema": {"bsonType": "object", "properties": money}} if money else {}
    size = document.capped_bytes
    options = {"capped": True, "size": size} if size else {}
    try:
        await database.command({"create": name, **options})
    except OperationFailure as error:
        if error.code != _NAMESPACE_EXISTS:
            raise
    await database.command(
        "collMod", name, validator=validator, validationLevel="moderate", validationAction="error"
    )
