"""Migration 15: disputes and failed tries have the database's time, payments their first."""

from datetime import timedelta

from bson import Timestamp

from service.core.clock import ManualClock
from service.migrations.operations import migrate
from service.migrations.steps import figures
from service.storage.database import Database
from service.stored import DOCUMENTS
from tests.conftest import NOON
from tests.migrations.conftest import BY

OWN = {"merchantId": "default", "provider": "stripe", "account": "default", "currency": "USD"}


async def test_rows_of_before_have_the_times_that_figures_go_by(
    old: Database, clock: ManualClock
) -> None:
    await old["disputes"].insert_one(OWN | {"providerDisputeId": "dp_1", "updatedAt": NOON})
    await old["payment_attempts"].insert_one(OWN | {"attemptId": "ch_1"})
    earlier = NOON - timedelta(hours=1)
    told = OWN | {"providerPaymentId": "pi_later", "status": "succeeded", "amount": 1}
    await old["payments"].insert_one(told | {"statusAt": NOON, "createdAt": earlier})
    assert (await figures.left(old))["disputes"] == 1
    await migrate(old, DOCUMENTS, clock, BY)
    assert {*(await figures.left(old)).values()} == {0}
    [dispute] = await old["disputes"].find({}).to_list()
    assert dispute["writtenAt"] == Timestamp(int(NOON.timestamp()), 1)
    [attempt] = await old["payment_attempts"].find({}).to_list()
    assert attempt["writtenAt"] == Timestamp(1, 1)
    payment = await old["payments"].find_one({"providerPaymentId": "pi_later"})
    assert payment is not None
    assert payment["firstAt"] == earlier
