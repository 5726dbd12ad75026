"""The servers that are driven: how each is started, and what it is told."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from bench.machine import children_of
from service.storage.mongod import free_port

HERE = Path(__file__).parent
PEERS = HERE / "peers"
PEERS_PYTHON = HERE / ".venv" / "bin" / "python"

SECRET_KEY = "sk_bench_0123456789abcdef0123456789abcdef"
ADMIN_KEY = "ak_bench_fedcba98765432100f1e2d3c4b5a6978"
JOBS_KEY = "jk_bench_89abcdef76543210fedcba9801234567"
PEPPER = "pepper_bench_0123456789abcdef0123456789abcdef"
WEBHOOK_SECRET = "whsec_bench_0123456789abcdef"

_UVICORN = ("-m", "uvicorn", "app:app", "--loop", "uvloop", "--http", "httptools")


@dataclass(frozen=True, slots=True)
class Server:
    """One kind of server. `routes` are those that it has; `events_a_second` are made ready."""

    name: str
    title: str
    command: tuple[str, ...]
    folder: Path | None
    routes: frozenset[str]
    events_a_second: int


_ALL = frozenset({"create", "read", "webhook"})

TILLGATE = Server(
    "tillgate",
    "Tillgate",
    (sys.executable, "-c", "from service.cli.main import main; main()", "serve"),
    None,
    _ALL,
    5000,
)
FANOUT = Server(
    "fanout",
    "Tillgate, three subscribers",
    (sys.executable, "-m", "bench.fanout_server", "serve"),
    None,
    _ALL,
    5000,
)
HOOKED = Server(
    "hooked",
    "Tillgate, ten endpoints",
    (sys.executable, "-m", "bench.hooked_server", "serve"),
    None,
    _ALL,
    5000,
)
COUNTED = replace(TILLGATE, name="counted", title="Tillgate, the job of figures running")
EXPRESS = Server(
    "express", "Express + Mongoose", ("node", "server.js"), PEERS / "express", _ALL, 2500
)
FASTIFY = Server(
    "fastify", "Fastify + native driver", ("node", "server.js"), PEERS / "fastify", _ALL, 3000
)
FASTAPI = Server(
    "fastapi",
    "FastAPI + Beanie",
    (str(PEERS_PYTHON), *_UVICORN, "--no-access-log"),
    PEERS / "fastapi_beanie",
    _ALL,
    2000,
)
BARE = Server(
    "bare",
    "bare Litestar + PyMongo",
    (str(PEERS_PYTHON), *_UVICORN, "--no-access-log"),
    PEERS / "litestar_bare",
    frozenset({"create", "read"}),
    0,
)
SERVERS = (TILLGATE, EXPRESS, FASTIFY, FASTAPI, BARE)


def _environment(server: Server, uri: str, database: str, port: int) -> dict[str, str]:
    """Return what a server reads from its environment: for Tillgate all that production needs."""
    known = {
        "PATH": os.environ["PATH"],
        "API_SECRET_KEYS": SECRET_KEY,
        "STRIPE_WEBHOOK_SECRET": WEBHOOK_SECRET,
        "MONGODB_DATABASE": database,
    }
    if server in {TILLGATE, FANOUT, HOOKED, COUNTED}:
        return known | {
            "MONGODB_URI": uri,
            "ENVIRONMENT": "production",
            "PUBLIC_URL": "https://pay.example.com",
            "TRUSTED_PROXIES": "10.0.0.0/8",
            "CORS_ORIGINS": "https://shop.example.com",
            "API_PUBLISHABLE_KEYS": "pk_bench_13579bdf02468ace13579bdf8ace0246",
            "API_ADMIN_KEYS": ADMIN_KEY,
            "API_JOBS_KEYS": JOBS_KEY,
            "PII_PEPPER": PEPPER,
            "STRIPE_SECRET_KEY": "sk_test_bench_0123456789",
            "TEST_MODE_PROVIDERS": "stripe",
            # The highest that is accepted: every request is counted, and none is refused, since it
            # takes more than 10,000 a second for a minute.
            "RATE_LIMIT_PER_KEY": "600000",
            "RATE_LIMIT_PER_ADDRESS": "600000",
        }
    concerns = "w=majority&journal=true&readConcernLevel=majority"
    return known | {
        "MONGODB_URI": f"{uri}&{concerns}",
        "NODE_ENV": "production",
        "PORT": str(port),
    }


@contextmanager
def serving(
    server: Server, uri: str, database: str, *, workers: int = 1
) -> Iterator[tuple[int, int]]:
    """Run a server for as long as the block lasts; give its port and its process id."""
    port = free_port()
    command = [*server.command]
    environment = _environment(server, uri, database, port)
    if command[0] == "node":
        environment["WORKERS"] = str(workers)
    else:
        command += ["--port", str(port)] + (["--workers", str(workers)] if workers > 1 else [])
    process = subprocess.Popen(
        command, env=environment, cwd=server.folder, stdout=subprocess.DEVNULL
    )
    try:
        _wait_until_ready(server, port, process)
        yield port, process.pid
    finally:
        _stop(process)


def _wait_until_ready(server: Server, port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(300):
        if process.poll() is not None:
            raise RuntimeError(f"{server.title} did not start")
        try:
            if httpx.get(f"http://127.0.0.1:{port}/health/ready", trust_env=False).is_success:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError(f"{server.title} is not ready after 30 s")


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        for pid in children_of(process.pid):
            os.kill(pid, 9)
        process.kill()
        process.wait()


def headers(key: str = SECRET_KEY) -> Mapping[str, str]:
    """Return the headers of a call with a key."""
    return {"Authorization": f"Bearer {key}"}
