"""Open, read and complete sessions on one `tillgate serve` process, and print the figures."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import uvloop

from bench.load import Measured, measure, request
from service.sandbox.events.sale import Outcome, Sale
from service.sandbox.events.stripe import stripe_event
from service.storage.embedded import embedded_database
from service.storage.mongod import free_port

OPERATIONS = int(os.environ.get("BENCH_OPERATIONS", "5000"))
KEY = "sk_bench_0123456789abcdef"
SECRET = "whsec_bench_0123456789abcdef"
HEADERS = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
TILLGATE = Path(sys.executable).with_name("tillgate")


def main() -> None:
    """Measure on an embedded database, with the client on the same machine."""
    with tempfile.TemporaryDirectory(prefix="tillgate-bench-") as directory:
        with embedded_database(Path(directory)) as uri, serving(uri, directory) as port:
            runs = uvloop.run(_measure_all(port))
    print(f"{'':10} {'op/s':>8} {'p50 ms':>8} {'p99 ms':>8}")
    for name, run in runs.items():
        print(f"{name:10} {run.per_second:8.0f} {run.p50_ms:8.1f} {run.p99_ms:8.1f}")
    print(f"{OPERATIONS} operations each, 64 connections, one process, journaled majority writes")


@contextmanager
def serving(uri: str, directory: str) -> Iterator[int]:
    """Run one server process for as long as the block lasts; give its port."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        # In development the lab records every call.
        "ENVIRONMENT": "production",
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "MONGODB_URI": uri,
        "API_SECRET_KEYS": KEY,
        "API_ADMIN_KEYS": "ak_bench_0123456789abcdef",
        "API_JOBS_KEYS": "jk_bench_0123456789abcdef",
        "PII_PEPPER": "pepper_bench_0123456789",
        "STRIPE_SECRET_KEY": "sk_test_bench_0123456789",
        "STRIPE_WEBHOOK_SECRET": SECRET,
    }
    options = {"env": environment, "cwd": directory, "stdout": subprocess.DEVNULL}
    subprocess.run([TILLGATE, "indexes", "apply"], check=True, **options)
    process = subprocess.Popen([TILLGATE, "serve", "--port", str(port)], **options)
    try:
        _wait_until_ready(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(40)


async def _measure_all(port: int) -> dict[str, Measured]:
    ids = [f"bench-{number}" for number in range(OPERATIONS)]
    webhooks = [_webhook(session_id) for session_id in ids]
    reads = [request("GET", f"/api/payment-sessions/{one}", HEADERS) for one in ids]
    return {
        "create": await measure(port, [_create(session_id) for session_id in ids], 201),
        "read": await measure(port, reads, 200),
        "webhook": await measure(port, webhooks, 200),
    }


def _create(session_id: str) -> bytes:
    body = {
        "sessionId": session_id,
        "userId": f"user-{session_id}",
        "eventId": "event_456",
        "amount": 2999,
        "currency": "USD",
        "provider": "stripe",
    }
    return request("POST", "/api/payment-sessions", HEADERS, json.dumps(body).encode())


def _webhook(session_id: str) -> bytes:
    sale = Sale(session_id, 2999, "USD", datetime.now(UTC))
    event = stripe_event(sale, Outcome.SUCCEEDED, SECRET)
    return request("POST", "/api/webhooks/stripe", event.headers, event.body)


def _wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if process.poll() is not None:
            raise RuntimeError("the server did not start")
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health/ready", trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the server is not ready after 20 s")


if __name__ == "__main__":
    main()
