"""How a job stands, and its last runs."""

from datetime import datetime
from typing import ClassVar, Literal

from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel

from service.core.strict_json import JsonObject
from service.storage.documents import StoredDocument

RunState = Literal["running", "done", "failed", "lost"]

KEPT_FOR_DAYS = 30


class JobState(StoredDocument):
    """What is known of a job between its runs; `_id` is its name.

    While `paused_at` is set nobody runs it. `reached` is where a run stopped, for the next one;
    `succeeded_at` is when the last one ended that neither failed nor was lost.
    """

    id: str  # type: ignore[assignment]
    paused_at: datetime | None = None
    reached: JsonObject | None = None
    succeeded_at: datetime | None = None

    class Settings:
        """Collection."""

        name = "jobs"
        indexes: ClassVar[list[IndexModel]] = []


class JobRun(StoredDocument):
    """One run of a job: by whom, since when, what it has done so far.

    `lost`: the process ended in the middle, or another run took over.
    """

    job: str
    fence: int
    by: str
    started_at: datetime
    ended_at: datetime | None = None
    state: RunState = "running"
    figures: dict[str, int] = Field(default_factory=dict)
    error: str | None = None

    class Settings:
        """Collection and indexes."""

        name = "job_runs"
        indexes: ClassVar[list[IndexModel]] = [
            IndexModel([("job", ASCENDING), ("startedAt", DESCENDING)], name="job_startedAt"),
            IndexModel(
                [("startedAt", ASCENDING)],
                name="startedAt_ttl",
                expireAfterSeconds=KEPT_FOR_DAYS * 24 * 3600,
            ),
        ]
