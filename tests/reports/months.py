"""Months of a shop: sales at random, books that are kept, and the job that closes."""

import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from service.jobs.operations.run import run_job
from service.storage.database import Database, Row
from tests.analytics import oracle
from tests.analytics.rows import change, one_sale
from tests.analytics.test_now import asked, roll_up
from tests.bookkeeping.books import CRON, post
from tests.conftest import NOON
from tests.support.shop import Shop

SUMS = {
    "totalRevenue": "revenue",
    "refunded": "refunded",
    "lost": "lost",
    "netRevenue": "netRevenue",
    "totalTransactions": "transactionCount",
    "successfulTransactions": "successfulCount",
    "failedTransactions": "failedCount",
}


async def keep_books(shop: Shop) -> None:
    """Have each payment say what its refunds and disputes add up to, and all of it posted."""
    database = shop.database
    await change_all(database)
    for name in ("payments", "refunds", "disputes"):
        await database[name].update_many({}, {"$set": {"unposted": True}})
    await post(shop)


async def change_all(database: Database) -> None:
    """Set the sums that stand in each payment's row."""
    async for row in database["payments"].find():
        of = {"paymentId": str(row["_id"])}
        made = [one async for one in database["refunds"].find(of | {"void": {"$ne": True}})]
        sums = {
            "refunded": sum(one["amount"] for one in made if one["status"] == "succeeded"),
            "reserved": sum(one["amount"] for one in made if one["status"] == "processing"),
            "held": sum([one["held"] async for one in database["disputes"].find(of)]),
        }
        if any(row[name] != value for name, value in sums.items()):
            await change("payments", row, **sums)


async def close(shop: Shop, **more: Any) -> dict[str, Any]:
    """Run the job that closes what is due; return its report."""
    return vars(await run_job("reports", shop.api.container.job_table, CRON, **more))


async def at(shop: Shop, moment: datetime) -> None:
    """Turn the clock to a moment."""
    shop.clock.advance(moment - shop.clock.now())


async def stored(shop: Shop, currency: str = "USD") -> list[Row]:
    """Return the reports of the usual merchant in a currency, as they are stored, in order."""
    wanted = {"merchantId": "default", "currency": currency}
    return await shop.database["reports"].find(wanted).sort("month", 1).to_list()


async def told(shop: Shop, currency: str) -> dict[str, int]:
    """Add up all that reports say: of their months, and as adjustments."""
    found = dict.fromkeys(SUMS, 0)
    for row in await stored(shop, currency):
        report = json.loads(row["content"])
        for said in (report["summary"], *report["adjustments"]):
            for name in SUMS:
                found[name] += said[name]
    return found


async def expected(shop: Shop, currency: str, until: datetime) -> dict[str, int]:
    """Add up all rows that count before a moment."""
    rows = await oracle.all_rows(shop.database, "default", currency)
    found = oracle.money(rows, lambda moment: moment < until)
    return {name: found[of] for name, of in SUMS.items()}


async def monthly(shop: Shop, month: str, currency: str = "USD", **more: Any) -> dict[str, Any]:
    """Ask for a month."""
    return await asked(shop, "reports/monthly", month=month, currency=currency, **more)


async def sold(shop: Shop, count: int, seed: int, days: int = 120) -> list[dict[str, Row]]:
    """Insert sales at random over the last days, have them counted and posted."""
    sales = []
    for number in range(count):
        draw = random.Random(seed * 1000 + number)  # noqa: S311 - no secret
        moment = NOON - timedelta(seconds=draw.randrange(days * 86_400))
        sales.append(await one_sale(draw, f"s-{seed}-{number}", moment))
    await keep_books(shop)
    await roll_up(shop)
    return sales


def moment(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """Return a moment of UTC."""
    return datetime(year, month, day, hour, minute, tzinfo=UTC)
