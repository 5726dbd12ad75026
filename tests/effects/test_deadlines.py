"""The deadline of a dispute is told of in time: at three days and at one, once each."""

from datetime import timedelta

import pytest

from service.core.principal import Kind, Principal
from service.jobs.operations.run import run_job
from service.payments.disputes.states import DisputeStatus, reminder_due
from service.storage.database import Row
from tests.conftest import NOON
from tests.effects.returned import stripe_dispute
from tests.support.shop import Shop

CRON = Principal(Kind.JOBS, "default", "0" * 12, "cron")


@pytest.mark.parametrize(
    ("status", "hours_left", "told"),
    [
        (DisputeStatus.NEEDS_RESPONSE, 73, None),
        (DisputeStatus.NEEDS_RESPONSE, 72, 72),
        (DisputeStatus.NEEDS_RESPONSE, 25, 72),
        (DisputeStatus.INQUIRY, 24, 24),
        (DisputeStatus.NEEDS_RESPONSE, 1, 24),
        (DisputeStatus.NEEDS_RESPONSE, 0, None),
        (DisputeStatus.UNDER_REVIEW, 1, None),
        (DisputeStatus.LOST, 1, None),
    ],
)
def test_which_reminder_is_due(status: DisputeStatus, hours_left: int, told: int | None) -> None:
    assert reminder_due(status, NOON + timedelta(hours=hours_left), NOON) == told


async def _disputed(shop: Shop, hours: float, **fields: object) -> None:
    session = await shop.api.open()
    await shop.receive(shop.stripe_paid(session))
    due = int((shop.clock.now() + timedelta(hours=hours)).timestamp())
    details = {"due_by": due, "has_evidence": False, "past_due": False, "submission_count": 0}
    await shop.receive(stripe_dispute(shop, session, "created", evidence_details=details | fields))


async def _told(shop: Shop) -> list[Row]:
    await run_job("dispute-deadlines", shop.api.container.job_table, CRON)
    return await shop.messages("dispute.deadline_near")


async def test_it_is_told_of_three_days_and_one_day_before_and_once_each(shop: Shop) -> None:
    await _disputed(shop, 80)
    counts = []
    for _ in range(9):
        counts.append(len(await _told(shop)))
        shop.pass_time(hours=10)
    assert counts == [0, 1, 1, 1, 1, 1, 2, 2, 2]
    first, _ = await shop.messages("dispute.deadline_near")
    assert first["payload"]["respondBy"] is not None


async def test_even_without_the_note_it_is_one_message(shop: Shop) -> None:
    await _disputed(shop, 20)
    for _ in range(2):
        assert len(await _told(shop)) == 1
        await shop.database["disputes"].update_many({}, {"$set": {"reminded": None}})


async def test_what_was_answered_is_not_told_of(shop: Shop) -> None:
    await _disputed(shop, 20, submission_count=1, has_evidence=True)
    assert await _told(shop) == []


async def test_a_dry_run_counts_and_writes_nothing(shop: Shop) -> None:
    await _disputed(shop, 20)
    table = shop.api.container.job_table
    report = await run_job("dispute-deadlines", table, CRON, dry_run=True)
    assert report.figures() == {"near": 1, "reminded": 0}
    assert await shop.messages("dispute.deadline_near") == []
