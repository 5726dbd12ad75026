"""What still depends on an older entry of PII_PEPPER: until it is 0 the entry can't be left out.

Nothing of it can be hashed anew. Of an Idempotency-Key only the hash is kept, and the answer is
sealed under the key itself; another client secret would take its session from who holds it. What is
sealed of a webhook endpoint is sealed anew when its secret is rotated and its headers are set.
"""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from service.core.batches import work_off
from service.core.ids import digest
from service.core.peppers import Pepper
from service.core.strict_json import JsonObject
from service.jobs.operations.job import Turn
from service.notifications.endpoints.repository import endpoints
from service.retention.operations.report import Jobs, PepperReport
from service.sessions import repository as sessions
from service.sessions.operations.rules import client_secret
from service.sessions.repository import KeptSecret, OpenSecrets
from service.storage.answering import answers_in_time
from service.web.idempotency import repository as idempotency

_BATCH = 500
_COUNT_WITHIN_S = 30.0


class _Reached(Struct, frozen=True):
    """Where a count stands: how many were found among the sessions that expire until a time."""

    found: int = 0
    up_to: datetime | None = None


async def count_on_older_peppers(jobs: Jobs, report: PepperReport, turn: Turn) -> None:
    """Count what could not be returned or opened any more without them.

    Kept answers, webhook endpoints, and open sessions whose client secret could be returned again.
    A run goes on where the one before stopped, and the first after that which came to the end
    begins anew. What ended meanwhile stays counted until then: too many, and never too few.
    """
    older = jobs.peppers[1:]
    if not older:
        return
    async with answers_in_time(_COUNT_WITHIN_S):
        ids = [pepper.id for pepper in older]
        now = jobs.inbox.clock.now()
        answers = await idempotency.count_begun_under(ids, now)
        sealed = await endpoints.count_sealed_under(ids, now)
    reached = _read(turn.reached, older)
    report.on_older_peppers = answers + sealed + reached.found

    async def count(some: OpenSecrets) -> int:
        nonlocal reached
        found = sum(_made_under(one, older) for one in some.secrets)
        report.on_older_peppers += found
        reached = _Reached(reached.found + found, some.up_to)
        await turn.keep(_written(reached, older))
        return found

    await work_off(sessions.walk_open_secrets(_BATCH, reached.up_to), count, turn.until)
    if reached.up_to is not None and turn.until.over:
        report.uncounted = await sessions.count_open_secrets(reached.up_to)
    if not report.uncounted:
        await turn.keep(None)


def _written(reached: _Reached, older: Sequence[Pepper]) -> JsonObject:
    up_to = reached.up_to.isoformat() if reached.up_to is not None else None
    return {"older": [one.id for one in older], "found": reached.found, "upTo": up_to}


def _read(kept: JsonObject | None, older: Sequence[Pepper]) -> _Reached:
    """Return where the run before stopped; at the beginning if it looked for other peppers."""
    match kept:
        case {"older": list() as ids, "found": int() as found, "upTo": str() as up_to}:
            if ids == [one.id for one in older]:
                return _Reached(found, datetime.fromisoformat(up_to))
    return _Reached()


def _made_under(kept: KeptSecret, peppers: Sequence[Pepper]) -> bool:
    derived = (client_secret(one.secret, kept.session_id, kept.secret_salt) for one in peppers)
    return any(digest(secret) == kept.client_secret_hash for secret in derived)
