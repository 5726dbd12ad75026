"""Pause a job, and let it run again; on the record."""

from service.audit.operations import Act, record
from service.core.principal import Principal
from service.jobs import repository
from service.jobs.operations.job import Table
from service.storage.plain import in_transaction
from service.storage.transaction import Transaction


async def pause_job(name: str, table: Table, by: Principal) -> bool:
    """Let nobody run a job until it is resumed; a run that is under way ends after its batch.

    Returns whether it ran until now. Raises `JobNotFound`.
    """
    table.named(name)

    async def work(tx: Transaction) -> bool:
        changed = await repository.pause(name, table.clock.now(), tx)
        if changed:
            await record(tx, by, Act("job.paused", f"job:{name}"), table.clock.now())
        return changed

    return await in_transaction(work)


async def resume_job(name: str, table: Table, by: Principal) -> bool:
    """Let a job run again; return whether it was paused. Raises `JobNotFound`."""
    table.named(name)

    async def work(tx: Transaction) -> bool:
        changed = await repository.resume(name, tx)
        if changed:
            await record(tx, by, Act("job.resumed", f"job:{name}"), table.clock.now())
        return changed

    return await in_transaction(work)
