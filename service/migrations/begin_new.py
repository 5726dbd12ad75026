"""Begin with a database that holds nothing."""

from service.core.clock import Clock
from service.merchants.operations.changing import add_default
from service.migrations import repository
from service.migrations.documents import Migration
from service.migrations.steps import STEPS
from service.storage.database import Database
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction


async def begin_new(database: Database, clock: Clock) -> None:
    """Note in a database that holds nothing that it has this version's layout.

    Its first merchant is there from now on: that of the keys of the environment. All at once: some
    of the numbers alone are the layout of an older version, to whoever starts beside this process,
    or after it was killed.
    """
    if await repository.done_migrations(database):
        return
    now = clock.now()

    async def begin(tx: Transaction) -> None:
        await add_default(now, tx)
        new = [Migration(id=step.number, name=step.name, at=now, ran=False) for step in STEPS]
        await repository.keep_missing(new, tx)

    await in_transaction(begin)
