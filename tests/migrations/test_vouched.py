"""Migration 17: whose word a session's address is."""

from bson import ObjectId

from service.core.clock import ManualClock
from service.migrations.operations import migrate
from service.migrations.steps import vouched
from service.storage.database import Database
from service.stored import DOCUMENTS
from tests.conftest import NOON
from tests.migrations.conftest import BY

_OPENED = {
    "by-secret-key": ("secret:server", "trusted", "ada@customer.example", True),
    "by-secret-key-without": ("secret:server", "trusted", None, False),
    "by-user": ("user:ada", "trusted", "ada@customer.example", False),
    "by-browser": ("publishable:web", "pk:s-1", "ada@customer.example", False),
    "by-import": ("import", "trusted", "ada@customer.example", False),
}


async def test_an_address_is_vouched_for_where_a_secret_key_named_it(
    old: Database, clock: ManualClock
) -> None:
    one = await old["sessions"].find_one({})
    assert one is not None
    await old["sessions"].delete_one({"_id": one["_id"]})
    for session_id, (by, owner, email, _) in _OPENED.items():
        history = [{"at": NOON, "from": None, "to": "pending", "by": by}]
        changed = {"_id": ObjectId(), "sessionId": session_id, "owner": owner, "email": email}
        await old["sessions"].insert_one(one | changed | {"history": history})
    await migrate(old, DOCUMENTS, clock, BY)
    assert not any((await vouched.left(old)).values())
    rows = await old["sessions"].find({"sessionId": {"$in": list(_OPENED)}}).to_list()
    found = {row["sessionId"]: row["emailVouched"] for row in rows}
    assert found == {session_id: expected for session_id, (*_, expected) in _OPENED.items()}
