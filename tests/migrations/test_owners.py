"""Migrations 10 and 11: indexes of lists, and who opened the session of a payment."""

from datetime import timedelta
from typing import Any

import pytest

from service.core.clock import ManualClock
from service.migrations.operations import migrate
from service.migrations.steps import lists, owners
from service.storage.database import Database
from service.stored import DOCUMENTS
from tests.migrations.conftest import BY


async def _migrated(old: Database, clock: ManualClock, **options: Any) -> None:
    await migrate(old, DOCUMENTS, clock, BY, **options)


async def test_the_old_indexes_are_dropped_and_those_of_today_are_there(
    old: Database, clock: ManualClock
) -> None:
    assert (await lists.left(old))["indexes"] >= 2
    await _migrated(old, clock)
    assert (await lists.left(old))["indexes"] == 0
    payments = await old["payments"].index_information()
    assert {"merchant_status_createdAt_id", "merchant_user_createdAt_id"} <= set(payments)
    sessions = await old["sessions"].index_information()
    assert {"merchant_writtenAt", "merchant_email_createdAt"} <= set(sessions)
    assert "eventId" not in sessions


@pytest.mark.parametrize(("moved", "owner"), [(False, "trusted"), (True, None)])
async def test_a_payment_has_the_owner_of_its_very_session(
    old: Database, clock: ManualClock, moved: bool, owner: str | None
) -> None:
    await _migrated(old, clock)
    session = await old["sessions"].find_one({"owner": "trusted"})
    assert session is not None
    paid = await old["payments"].find_one({})
    assert paid is not None
    claim = {"merchantId": session["merchantId"], "sessionId": session["sessionId"]}
    opened = session["createdAt"] + timedelta(days=moved)
    await old["payments"].update_one(
        {"_id": paid["_id"]},
        {"$set": claim | {"sessionOpenedAt": opened}, "$unset": {"owner": 1}},
    )
    assert await owners.left(old) == {"payments": 1}
    await _migrated(old, clock, again=True)
    after = await old["payments"].find_one({"_id": paid["_id"]})
    assert after is not None
    assert after["owner"] == owner
    assert await owners.left(old) == {"payments": 0}
