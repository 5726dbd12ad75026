"""Payments of before get the fields of details, and keep what this version wrote of them."""

from functools import partial

import pytest

from service.core.clock import ManualClock
from service.migrations.operations import migrate
from service.migrations.steps import details
from service.payments.payments.operations.record import record_payment
from service.payments.payments.states import PaymentStatus
from service.storage.database import Database, Row
from service.storage.plain import in_transaction
from service.stored import DOCUMENTS
from tests.conftest import NOON
from tests.migrations.conftest import BY
from tests.payments.test_details import _row, _told

DECLINED = _told(
    PaymentStatus.FAILED, 1, decline_code="Z9", failure_details={"code": "Z9"}, failure_code="no"
)


async def _written_by_both(database: Database, clock: ManualClock) -> Row:
    """Migrate again after a row was written by the version before, and gone on with by this one."""
    await _row(database, _told(PaymentStatus.PENDING))
    lacks = dict.fromkeys(("places", "details", "declineCode", "failureDetails"), "")
    await database["payments"].update_one({}, {"$unset": lacks})
    await in_transaction(partial(record_payment, reported=DECLINED, now=NOON))
    await migrate(database, DOCUMENTS, clock, BY, again=True)
    [row] = await database["payments"].find().to_list()
    assert (row["details"], row["places"]) == ({}, {})
    return row


async def test_what_this_version_wrote_to_an_older_row_stays(
    old: Database, clock: ManualClock
) -> None:
    await migrate(old, DOCUMENTS, clock, BY)
    row = await _written_by_both(old, clock)
    assert (row["declineCode"], row["failureDetails"]) == ("Z9", {"code": "Z9"})


async def test_control_set_whatever_is_there_it_is_lost(
    old: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await migrate(old, DOCUMENTS, clock, BY)
    monkeypatch.setattr(details, "_unless_there", _whatever_is_there)
    row = await _written_by_both(old, clock)
    assert (row["declineCode"], row["failureDetails"]) == (None, None)


def _whatever_is_there(fields: Row) -> Row:
    return {name: {"$literal": value} for name, value in fields.items()}
