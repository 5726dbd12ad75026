"""Deliveries to webhook endpoints from one process: `python -m bench.deliveries`.

A thousand endpoints at a local receiver, and then the same with one that hangs and one that answers
500: how many a second, how much of a processor each takes, and how late the others are.
"""

import asyncio
import json
import math
import multiprocessing
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import uvloop

from bench.database import make_empty, mongod
from service.core.batches import Until
from service.core.clock import SystemClock
from service.notifications.endpoints.documents import WebhookDelivery, WebhookEndpoint
from service.notifications.endpoints.operations.bodies import VERSION
from service.notifications.endpoints.operations.fan_out import delivery_row
from service.notifications.endpoints.operations.sealing import new_secret
from service.notifications.endpoints.operations.services import EndpointServices
from service.notifications.endpoints.sending.client import Client
from service.notifications.endpoints.sending.sender import Sender
from service.outbox.documents import OutboxMessage
from service.outbox.operations.messages import message
from service.parts import build_endpoints
from service.storage.database import connect
from service.storage.documents import bind
from service.stored import DOCUMENTS
from tests.support.settings import make_settings

ENDPOINTS, EACH = 1_000, 10
DATABASE = "bench_deliveries"
_PATHS = {0: "/hangs", 1: "/fails"}


class Receiver(asyncio.Protocol):
    """Answers at once, but for two paths."""

    def connection_made(self, transport: Any) -> None:
        """Begin."""
        self._transport, self._read = transport, b""

    def data_received(self, data: bytes) -> None:
        """Answer each whole request."""
        self._read += data
        while (end := self._read.find(b"\r\n\r\n")) >= 0:
            head = self._read[:end]
            length = int(head.rpartition(b"content-length: ")[2].partition(b"\r\n")[0])
            if len(self._read) < end + 4 + length:
                return
            self._read = self._read[end + 4 + length :]
            if head.startswith(b"POST /hangs"):
                continue
            status = b"500 No" if head.startswith(b"POST /fails") else b"200 OK"
            self._transport.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 2\r\n\r\nok")


def receive(told: Any) -> None:
    """Serve in a process of its own, and tell the port."""

    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(Receiver, "127.0.0.1", 0)
        told.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(serve())


async def measure(uri: str, port: int, *, disturbed: bool) -> dict[str, float]:
    """Send all that is due and return the figures, of the endpoints that answer as they should."""
    client = connect(uri)
    await bind(client[DATABASE], DOCUMENTS)
    services = build_endpoints(make_settings(), SystemClock())
    await _fill(services, port, disturbed=disturbed)
    await services.endpoints.refresh(0)
    sender = Sender(services, Client(services.addresses), Until(math.inf))
    used, began = time.process_time(), time.monotonic()
    at = services.clock.now()
    tries = await sender.work_off()
    used, took = time.process_time() - used, time.monotonic() - began
    found = WebhookDelivery.get_pymongo_collection().find({"status": "delivered"})
    times = sorted((one["attempts"][0]["at"] - at).total_seconds() for one in await found.to_list())
    await client.close()
    last = times[-1]
    return {
        "tries": tries,
        "a_second": round(len(times) / last),
        "us_each": round(used / tries * 1e6),
        "p99_s": round(times[len(times) * 99 // 100], 2),
        "all_s": round(took, 1),
    }


async def _fill(services: EndpointServices, port: int, *, disturbed: bool) -> None:
    now = services.clock.now() - timedelta(minutes=1)
    endpoints, rows = [], []
    for number in range(ENDPOINTS):
        path = _PATHS.get(number, "/hook") if disturbed else "/hook"
        name = f"we_{number}"
        secret = {"sealed": services.sealer.seal(name, new_secret()), "createdAt": now}
        given: Any = {"merchantId": f"m{number}", "url": f"http://127.0.0.1:{port}{path}"}
        given |= {"_id": name, "events": ["*"], "version": VERSION}
        times = dict.fromkeys(("activeFrom", "createdAt", "updatedAt", "changedAt"), now)
        endpoints.append(WebhookEndpoint.model_validate(given | {"secrets": [secret]} | times))
    payload: Any = {"status": "completed", "amount": 4999, "currency": "EUR"}
    for each in range(EACH):
        for one in endpoints:
            made = message(
                "session.completed",
                f"{one.id}:{each}",
                merchant_id=one.merchant_id,
                session_id=f"s-{each}",
                payload=payload,
                now=now,
            )
            told = OutboxMessage.model_validate(made)
            rows.append(delivery_row(told, one, json.dumps(payload), now))
    await WebhookEndpoint.get_pymongo_collection().insert_many([one.to_row() for one in endpoints])
    await WebhookDelivery.get_pymongo_collection().insert_many(rows)


def main() -> None:
    """Measure both, and print the figures."""
    told: Any = multiprocessing.Queue()
    receiver = multiprocessing.Process(target=receive, args=(told,), daemon=True)
    receiver.start()
    port = told.get()
    with tempfile.TemporaryDirectory() as folder, mongod(Path(folder)) as server:
        for disturbed in (False, True):
            make_empty(server.uri, DATABASE)
            found = uvloop.run(measure(server.uri, port, disturbed=disturbed))
            sys.stdout.write(json.dumps({"disturbed": disturbed} | found) + "\n")
    receiver.terminate()


if __name__ == "__main__":
    main()
