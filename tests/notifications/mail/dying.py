"""A process that sends mail and is killed at a point of it: `python -m … URI DATABASE SMTP AT`."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from service.core.clock import SystemClock
from service.core.peppers import Pepper
from service.notifications.mail import repository
from service.notifications.mail.operations.services import MailServices
from service.notifications.mail.sending.send import send_due
from service.notifications.mail.settings import read_server
from service.storage.database import connect
from service.storage.documents import bind
from service.stored import DOCUMENTS

POINTS = ("claimed", "named", "noted", "taken", "nowhere")
"""Once it has the mail; once the server knows the receiver; once it is noted; once it is taken."""


def _killing(before: Callable[..., Awaitable[Any]] | None) -> Callable[..., Awaitable[Any]]:
    async def killed(*given: Any, **named: Any) -> None:
        if before is not None:
            await before(*given, **named)
        os.kill(os.getpid(), signal.SIGKILL)

    return killed


async def _run(uri: str, database: str, smtp: str, at: str) -> None:
    client = connect(uri)
    await bind(client[database], DOCUMENTS)
    if at == "claimed":
        repository.suppressed = _killing(None)  # type: ignore[assignment]
    if at == "named":
        repository.begin_handing_over = _killing(None)  # type: ignore[assignment]
    if at == "noted":
        repository.begin_handing_over = _killing(  # type: ignore[assignment]
            repository.begin_handing_over
        )
    if at == "taken":
        repository.keep = _killing(None)  # type: ignore[assignment]
    services = MailServices(
        clock=SystemClock(),
        server=read_server(smtp),
        sender="shop@tillgate.example",
        public_url="http://127.0.0.1",
        peppers=[Pepper("test", "a-pepper-of-more-than-16-characters")],
    )
    await send_due(services)
    await client.close()


if __name__ == "__main__":
    asyncio.run(_run(*sys.argv[1:5]))
