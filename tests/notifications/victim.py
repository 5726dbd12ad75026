"""A process that sends what is due to endpoints, and is killed at it; see test_kills.py.

It runs on the loop of production. Reads one JSON job: `{"uri", "database", "now"}`.
"""

import json
import math
import sys
from datetime import datetime

import uvloop

from service.core.batches import Until
from service.core.clock import ManualClock
from service.notifications.endpoints.sending.client import Client
from service.notifications.endpoints.sending.sender import Sender
from service.parts import build_endpoints
from service.storage.database import connect
from service.storage.documents import bind
from service.stored import DOCUMENTS
from tests.support.settings import make_settings


async def _send(job: dict[str, str]) -> None:
    client = connect(job["uri"])
    await bind(client[job["database"]], DOCUMENTS)
    services = build_endpoints(make_settings(), ManualClock(datetime.fromisoformat(job["now"])))
    await Sender(services, Client(services.addresses), Until(math.inf)).work_off()


if __name__ == "__main__":
    uvloop.run(_send(json.loads(sys.stdin.read())))
