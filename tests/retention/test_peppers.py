"""The job that tells when an older pepper can be left out."""

from service.core.clock import ManualClock
from service.storage.database import Database
from tests.support.api import JOBS, Api
from tests.web.test_pepper_rotation import NEW, OLD, create, under


async def counted(api: Api, *, dry_run: bool = False) -> int:
    """Run the job over HTTP."""
    answer = await api.call("POST", "/api/jobs/peppers", JOBS, json={"dryRun": dry_run})
    assert answer.status_code == 200, answer.text
    found: int = answer.json()["onOlderPeppers"]
    return found


async def test_what_hangs_on_an_older_pepper_is_counted_until_it_is_over(
    database: Database, clock: ManualClock
) -> None:
    async with under(database, clock, OLD) as api:
        first = await create(api)
        await api.open(paymentMethod="upi")
        assert await counted(api) == 0  # the control: there is no older one
    async with under(database, clock, NEW, OLD) as api:
        await api.open(paymentMethod="upi")
        before = [row async for row in database.sessions.find()]
        assert await counted(api) == await counted(api, dry_run=True) == 3
        assert [row async for row in database.sessions.find()] == before
        sid = first.json()["session"]["sessionId"]
        canceled = await api.call(
            "PUT", "/api/payment-sessions", json={"sessionId": sid, "status": "canceled"}
        )
        assert canceled.status_code == 200, canceled.text
        assert await counted(api) == 2
        clock.advance(api.container.rules.lifetimes.payment * 60)  # more than a day
        assert (await api.call("POST", "/api/cleanup-sessions", JOBS)).json()["expired"] == 2
        assert await counted(api) == 0
