"""A process that reminds, and is killed at the n-th thing that it writes; see test_dying.py.

Reads JSON jobs, one a line: `{"uri", "database", "now", "smtp", "at", "of", "apart"}`. Each
has a process of its own, forked after the imports, which runs the job, lets its message go out, and
mails it. `of` is the one collection whose writes count, `apart` takes the transaction away.
"""

from datetime import datetime
from typing import Any

from service.core.clock import ManualClock
from service.recovery.operations import writing
from service.storage.database import connect
from service.storage.documents import bind
from service.storage.plain import NO_TRANSACTION
from service.stored import DOCUMENTS
from tests.notifications.mail.mailing import mailing_to
from tests.notifications.mail.servers import Server
from tests.recovery.leaving import Leaving
from tests.support.killing import WRITES, Killer, run_jobs
from tests.support.settings import make_settings


async def _move_on_apart(recovery: Any, change: Any, _: Any) -> bool:
    return await _MOVE_ON(recovery, change, NO_TRANSACTION)


_MOVE_ON = writing.repository.move_on


async def _remind(job: dict[str, Any], killer: Killer) -> None:
    client = connect(job["uri"])
    # What mongod does itself once a transaction has stood for a minute.
    await client.admin.command({"killAllSessions": []})
    database = client[job["database"]]
    await bind(database, DOCUMENTS)
    settings = make_settings(SMTP_URL=job["smtp"], MAIL_FROM="shop@tillgate.example")
    clock = ManualClock(datetime.fromisoformat(job["now"]))
    server = Server()  # that of the test: here it has an address alone
    async with mailing_to(server, settings, database, clock) as mailing:
        killer.left = job["at"]
        await Leaving(mailing).remind()


async def _run(job: dict[str, Any]) -> None:
    if job["apart"]:
        writing.repository.move_on = _move_on_apart
    await _remind(job, Killer(WRITES, job["of"]))


if __name__ == "__main__":
    run_jobs(_run)
