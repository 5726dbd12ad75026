"""Run one step of a migration, on the record."""

import time

import structlog

from service.audit.operations import Act, record
from service.core.clock import Clock
from service.core.principal import Principal
from service.core.strict_json import JsonObject
from service.leases.operations import under
from service.migrations import repository
from service.migrations.documents import Migration
from service.migrations.steps.step import Run, Step
from service.storage.transaction import Transaction

log = structlog.get_logger(__name__)


async def run_step(step: Step, run: Run, clock: Clock, by: Principal) -> Migration:
    """Run a step, and keep that it is done; return what is kept of it."""
    began = time.monotonic()
    await step.run(run)
    took_ms = round((time.monotonic() - began) * 1000)
    migration = Migration(
        id=step.number, name=step.name, at=clock.now(), took_ms=took_ms, counts=run.counts
    )
    # The number is kept once and written over by a later run; the trail has each run.
    detail: JsonObject = {"name": step.name, "tookMs": took_ms, "counts": {**run.counts}}
    act = Act("database.migrated", f"migration:{step.number}", detail=detail)

    async def keep(tx: Transaction) -> None:
        await record(tx, by, act, migration.at)
        await repository.keep_latest(migration, tx)

    await under(run.lease, keep)
    log.info("migrated", number=step.number, took_ms=took_ms, **run.counts)
    return migration
