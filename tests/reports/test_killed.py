"""Wherever a run is stopped, it has closed a month as a whole or not at all."""

from service.core.errors import Unavailable
from service.leases.errors import LeaseLost
from service.storage.documents import bound_client
from tests.reports.months import at, close, expected, moment, sold, told
from tests.storage.failing import failing
from tests.support.shop import Shop

INTERRUPTED = 11601
WRITES = ["insert", "update", "delete", "bulkWrite", "findAndModify", "commitTransaction"]


async def test_a_run_that_is_stopped_at_any_write_leaves_whole_reports(shop: Shop) -> None:
    await sold(shop, 25, 51, days=60)
    await at(shop, moment(2026, 12, 4))
    stopped = 0
    for writes in range(0, 24, 2):
        mode = {"skip": writes}
        try:
            async with failing(bound_client(), WRITES, errorCode=INTERRUPTED, mode=mode):
                stopped += (await close(shop))["unknown"]
        except (Unavailable, LeaseLost):
            stopped += 1
        await _are_whole(shop)
        shop.pass_time(minutes=5)
        await shop.database["leases"].delete_many({})
    assert stopped > 5
    await close(shop)
    await _are_whole(shop)
    for currency in ("USD", "INR", "JPY"):
        assert await told(shop, currency) == await expected(shop, currency, moment(2026, 12, 1))


async def _are_whole(shop: Shop) -> None:
    """Hold each report to have its entry of the audit and its message, and the other way round."""
    reports = {row["_id"]: row["hash"] async for row in shop.database["reports"].find()}
    acts = shop.database["audit_log"].find({"action": "report.closed"})
    entries = [(row["object"], row["detail"]["hash"]) async for row in acts]
    assert sorted(entries) == sorted((f"report:{id_}", of) for id_, of in reports.items())
    messages = await shop.messages("report.closed")
    assert {one["payload"]["reportId"] for one in messages} == set(reports)
