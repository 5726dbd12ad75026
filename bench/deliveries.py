"""One process that sends what is due to webhook endpoints, and says what it took.

`python -m bench.deliveries URI DATABASE`; `bench/scenarios/deliveries.py` fills the database.
"""

import asyncio
import json
import math
import os
import sys
import time

import uvloop

from bench.machine import resident_mb
from bench.servers import PEPPER
from service.core.batches import Until
from service.core.clock import SystemClock
from service.notifications.endpoints.sending.client import Client
from service.notifications.endpoints.sending.sender import Sender
from service.parts import build_endpoints
from service.storage.database import connect
from service.storage.documents import bind
from service.stored import DOCUMENTS
from tests.support.settings import make_settings

_LOOK_EVERY_S = 0.25


async def deliver(uri: str, database: str) -> None:
    """Send all that is due, on the loop of production."""
    client = connect(uri)
    await bind(client[database], DOCUMENTS)
    services = build_endpoints(make_settings(PII_PEPPER=PEPPER), SystemClock())
    await services.endpoints.refresh(0)
    sender = Sender(services, Client(services.addresses), Until(math.inf))
    used, began = time.process_time(), services.clock.now()
    samples: list[float] = []
    looking = asyncio.create_task(_look_at_memory(samples))
    tries = await sender.work_off()
    looking.cancel()
    said = {
        "began": began.isoformat(),
        "tries": tries,
        "cpu_s": time.process_time() - used,
        "half_mb": samples[len(samples) // 2],
        "after_mb": resident_mb(os.getpid()),
    }
    sys.stdout.write(json.dumps(said) + "\n")
    await client.close()


async def _look_at_memory(samples: list[float]) -> None:
    while True:
        samples.append(resident_mb(os.getpid()))
        await asyncio.sleep(_LOOK_EVERY_S)


if __name__ == "__main__":
    uvloop.run(deliver(*sys.argv[1:]))
