"""What still hangs on an older entry of PII_PEPPER: while it is not 0 the entry can't be left out.

Nothing of it can be hashed anew. Of an Idempotency-Key only the hash is kept, and the answer is
sealed under the key itself; another client secret would take its session from who holds it.
"""

from collections.abc import Sequence

from service.core.batches import work_off
from service.core.ids import digest
from service.core.peppers import Pepper
from service.jobs.operations.job import Turn
from service.retention.operations.report import Jobs, PepperReport
from service.sessions import repository as sessions
from service.sessions.operations.rules import client_secret
from service.sessions.repository import KeptSecret
from service.storage.answering import answers_in_time
from service.web.idempotency import repository as idempotency

_BATCH = 500
_COUNT_WITHIN_S = 30.0


async def count_on_older_peppers(jobs: Jobs, report: PepperReport, turn: Turn) -> None:
    """Count the kept answers, and the open sessions whose client secret could be returned again."""
    older = jobs.peppers[1:]
    if not older:
        return
    async with answers_in_time(_COUNT_WITHIN_S):
        ids = [pepper.id for pepper in older]
        answers = await idempotency.count_begun_under(ids, jobs.inbox.clock.now())

    async def count(kept: Sequence[KeptSecret]) -> int:
        return sum(_made_under(one, older) for one in kept)

    secrets = await work_off(sessions.walk_open_secrets(_BATCH), count, turn.until)
    report.on_older_peppers = answers + secrets


def _made_under(kept: KeptSecret, peppers: Sequence[Pepper]) -> bool:
    derived = (client_secret(one.secret, kept.session_id, kept.secret_salt) for one in peppers)
    return any(digest(secret) == kept.client_secret_hash for secret in derived)
