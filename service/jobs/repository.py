"""Named queries on jobs and their runs."""

from collections.abc import Mapping
from datetime import datetime

from bson import ObjectId
from msgspec import Struct

from service.core.strict_json import JsonObject
from service.jobs.documents import JobRun, JobState, RunState
from service.storage.database import Row
from service.storage.transaction import Transaction

RUNS_KEPT = 100
"""The last runs of a job that are listed; older ones go as new ones begin."""


class Standing(Struct, frozen=True):
    """How a job stands: since when it is paused, and where its last run stopped.

    `succeeded_at` is when the last one ended that neither failed nor was lost.
    """

    paused_at: datetime | None
    reached: JsonObject | None
    succeeded_at: datetime | None


class RunOf(Struct, frozen=True):
    """One run that is under way, as its holder knows it."""

    key: ObjectId
    job: str


async def standing(job: str) -> Standing:
    """Return how a job stands."""
    row = await JobState.get_pymongo_collection().find_one({"_id": job})
    state = JobState.model_validate(row or {"_id": job})
    return Standing(state.paused_at, state.reached, state.succeeded_at)


async def last_runs(job: str, limit: int) -> tuple[JobRun, ...]:
    """Return the last runs of a job, the latest first, as they are noted."""
    cursor = JobRun.get_pymongo_collection().find({"job": job}).sort("startedAt", -1).limit(limit)
    return tuple([JobRun.model_validate(row) for row in await cursor.to_list()])


async def begin(job: str, fence: int, by: str, now: datetime) -> RunOf:
    """Keep that a run begins. What ran before it under the same lease is lost; old ones go."""
    runs = JobRun.get_pymongo_collection()
    await runs.update_many(
        {"job": job, "state": "running"}, {"$set": {"state": "lost", "endedAt": now}}
    )
    await _forget(job)
    given: Row = {"job": job, "fence": fence, "by": by, "startedAt": now}
    return RunOf((await runs.insert_one(JobRun.new_row(given))).inserted_id, job)


async def _forget(job: str) -> None:
    """Delete the runs that are no longer listed once another one begins."""
    runs = JobRun.get_pymongo_collection()
    older = runs.find({"job": job}, {"_id": 1}).sort("startedAt", -1).skip(RUNS_KEPT - 1)
    keys = [row["_id"] for row in await older.to_list()]
    if keys:
        await runs.delete_many({"_id": {"$in": keys}})


async def note_progress(run: RunOf, figures: Mapping[str, int]) -> None:
    """Keep what a run has done so far, unless it is over."""
    await JobRun.get_pymongo_collection().update_one(
        {"_id": run.key, "state": "running"}, {"$set": {"figures": dict(figures)}}
    )


async def end(
    run: RunOf, state: RunState, figures: Mapping[str, int], now: datetime, error: str | None
) -> None:
    """Keep how a run ended, unless it was lost before, and when the last one did its work."""
    change = {"state": state, "figures": dict(figures), "endedAt": now, "error": error}
    done = await JobRun.get_pymongo_collection().update_one(
        {"_id": run.key, "state": "running"}, {"$set": change}
    )
    if done.modified_count and state == "done":
        await JobState.get_pymongo_collection().update_one(
            {"_id": run.job}, {"$set": {"succeededAt": now}}, upsert=True
        )


async def states() -> list[JobState]:
    """Return what is known of the jobs between their runs."""
    rows = await JobState.get_pymongo_collection().find({}).to_list()
    return [JobState.model_validate(row) for row in rows]


async def reach(job: str, point: JsonObject | None, tx: Transaction) -> None:
    """Keep where a run has come to, in the transaction of its batch; None: to the end."""
    await JobState.get_pymongo_collection().update_one(
        {"_id": job}, {"$set": {"reached": point}}, upsert=True, session=tx.session
    )


async def pause(job: str, now: datetime, tx: Transaction) -> bool:
    """Let nobody run a job; return whether it was not paused yet."""
    done = await JobState.get_pymongo_collection().update_one(
        {"_id": job},
        [{"$set": {"pausedAt": {"$ifNull": ["$pausedAt", now]}}}],
        upsert=True,
        session=tx.session,
    )
    return done.modified_count == 1 or done.upserted_id is not None


async def resume(job: str, tx: Transaction) -> bool:
    """Let a job run again; return whether it was paused."""
    done = await JobState.get_pymongo_collection().update_one(
        {"_id": job, "pausedAt": {"$ne": None}}, {"$set": {"pausedAt": None}}, session=tx.session
    )
    return done.modified_count == 1
