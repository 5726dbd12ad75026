"""Post, and read what stands on the accounts."""

import math

from service.bookkeeping.operations.check import Books, check_ledger
from service.core.batches import Until
from service.core.principal import Kind, Principal
from service.jobs.operations.job import Report
from service.jobs.operations.run import run_job
from service.storage.database import Database
from tests.support.shop import Shop

FOREVER = Until(math.inf)
CRON = Principal(Kind.JOBS, "default", "0" * 12, "cron")


async def post(shop: Shop) -> Report:
    """Post all that has changed, as the job does."""
    return await run_job("entries", shop.api.container.job_table, CRON)


async def accounts(database: Database) -> dict[str, int]:
    """Return what stands on the accounts, as long as all of it is of one currency."""
    sums: dict[str, int] = {}
    async for entry in database["entries"].find():
        for line in entry["lines"]:
            sums[line["account"]] = sums.get(line["account"], 0) + line["amount"]
    return {account: amount for account, amount in sums.items() if amount}


async def checked() -> Books:
    """Check the books."""
    return await check_ledger(FOREVER)
