"""Migration 17: whose word a session's address is."""

import pytest

from service.core.clock import ManualClock
from service.migrations.operations import migrate
from service.migrations.steps import vouched
from service.storage.database import Database
from service.stored import DOCUMENTS
from tests.conftest import NOON
from tests.migrations.conftest import BY


@pytest.mark.parametrize(
    ("by", "owner", "email", "expected"),
    [
        ("secret:server", "trusted", "ada@customer.example", True),
        ("secret:server", "trusted", None, False),
        ("user:ada", "trusted", "ada@customer.example", False),
        ("publishable:web", "pk:s-1", "ada@customer.example", False),
        ("import", "trusted", "ada@customer.example", False),
    ],
)
async def test_an_address_is_vouched_for_where_a_secret_key_named_it(
    old: Database, clock: ManualClock, by: str, owner: str, email: str | None, expected: bool
) -> None:
    one = await old["sessions"].find_one({})
    assert one is not None
    history = [{"at": NOON, "from": None, "to": "pending", "by": by}]
    changed = {"sessionId": "s-1", "owner": owner, "email": email, "history": history}
    await old["sessions"].update_one({"_id": one["_id"]}, {"$set": changed})
    await migrate(old, DOCUMENTS, clock, BY)
    assert not any((await vouched.left(old)).values())
    row = await old["sessions"].find_one({"_id": one["_id"]})
    assert row is not None
    assert row["emailVouched"] is expected
