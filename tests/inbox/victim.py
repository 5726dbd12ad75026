"""A service process that is killed at the n-th word to its database; see test_kills.py.

Reads one JSON job a line: `{"uri", "database", "at", "posts", "now"}`, where `posts` are objects of
`{"path", "headers", "body"}`, posted at once; `settings` are its own, where it has some. Each job
runs in a process of its own, forked after the imports: a whole start for each would take seconds.
"""

import asyncio
import base64
from datetime import datetime
from typing import Any

from httpx import ASGITransport, AsyncClient
from pymongo import monitoring

from service.app import create_app
from service.core.clock import ManualClock
from service.storage.database import connect
from service.storage.documents import bind
from service.stored import DOCUMENTS
from tests.support.killing import Killer, end, run_jobs
from tests.support.settings import make_settings


class _Killer(Killer):
    """Ends the process also once the last command was answered."""

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """End the process where nothing comes any more."""
        if self.left == 0 and event.command_name == "commitTransaction":
            end()


async def _serve(job: dict[str, Any]) -> None:
    killer = _Killer()
    client = connect(job["uri"])
    database = client[job["database"]]
    await bind(database, DOCUMENTS)
    clock = ManualClock(datetime.fromisoformat(job["now"]))
    settings = make_settings(**job.get("settings", {}))
    app = create_app(settings, database, clock=clock, loop=False)
    await app.state.container.endpoints.endpoints.refresh(0)  # as a server does once it looks
    async with AsyncClient(transport=ASGITransport(app), base_url="http://victim") as http:
        killer.left = job["at"]
        await asyncio.gather(*(_post(http, one) for one in job["posts"]))


async def _post(http: AsyncClient, one: dict[str, Any]) -> None:
    body = base64.b64decode(one["body"])
    await http.post(one["path"], content=body, headers=one["headers"])


if __name__ == "__main__":
    run_jobs(_serve)
