"""Documents: camelCase in the database, and one document stays one."""

from typing import Any

import pytest
from bson import ObjectId

from service.audit.documents import AuditEntry
from service.catalog.documents import Price
from service.leases.documents import Lease
from service.storage.database import Database
from service.storage.documents import StoredDocument, wire_name
from service.stored import DOCUMENTS
from tests.conftest import NOON


async def test_load_change_save_keeps_one_document(database: Database) -> None:
    """An alias generator that forgets `_id` stores null ids, and `save` inserts a second one."""
    price = Price(merchant_id="m", item="i", currency="USD", amount=5, updated_at=NOON)
    await database["prices"].insert_one(price.to_row())
    loaded = await Price.find_one({"item": "i"})
    assert loaded is not None
    assert isinstance(loaded.id, ObjectId)
    loaded.title = "changed"
    await loaded.save()
    rows = await database["prices"].find({}).to_list()
    assert [(row["_id"], row["title"]) for row in rows] == [(loaded.id, "changed")]


async def test_a_document_with_an_id_of_its_own_keeps_it(database: Database) -> None:
    await Lease(id="one:job", until=NOON).insert()
    loaded = await Lease.get("one:job")
    assert loaded is not None
    loaded.fence = 7
    await loaded.save()
    rows = await database["leases"].find({}).to_list()
    assert [(row["_id"], row["fence"]) for row in rows] == [("one:job", 7)]


async def test_a_row_is_the_document_as_it_is_stored(database: Database) -> None:
    price = Price(merchant_id="m", item="i", currency="USD", amount=2**40, updated_at=NOON)
    await database["prices"].insert_one(price.to_row())
    row = await database["prices"].find_one({})
    assert row is not None
    assert Price.model_validate(row).to_row() == row
    assert row["updatedAt"] == NOON
    assert row["updatedAt"].tzinfo is not None
    assert set(row) == {"_id"} | {
        "merchantId", "item", "currency", "amount", "title", "trialDays", "updatedAt",
        "passId", "maxQuantity", "interval", "intervalCount", "providerPrices",
    }  # fmt: skip


def test_what_differs_from_a_document_is_found_by_its_stored_names() -> None:
    price = Price(merchant_id="m", item="i", currency="USD", amount=5, updated_at=NOON)
    wanted = {"amount": 6, "currency": "USD", "trialDays": None, "maxQuantity": 1}
    assert price.differing(wanted) == {"amount": 6, "maxQuantity": 1}
    with pytest.raises(KeyError):
        price.differing({"max_quantity": 1})


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one.collection_name())
def test_every_stored_name_is_camel_case(document: type[StoredDocument]) -> None:
    names = {wire_name(name) for name in document.model_fields} - {"revision_id"}
    assert "_id" in names
    assert all("_" not in name for name in names - {"_id"})
    keys: list[Any] = [
        key for index in document.declared_indexes() for key in index.document["key"]
    ]
    # An index on a name that no document has would silently serve nothing.
    assert {key.partition(".")[0] for key in keys} <= names
    money = (*document.money_fields, *document.optional_money_fields)
    assert {field.partition(".")[0] for field in money} <= names


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: one.collection_name())
def test_every_collection_has_a_name_of_its_own(document: type[StoredDocument]) -> None:
    same = [one for one in DOCUMENTS if one.collection_name() == document.collection_name()]
    assert same == [document]
    assert document is AuditEntry or document.collection_name() != "audit_log"
