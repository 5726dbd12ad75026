"""The hot routes with ten webhook endpoints that hear each session, and the peers, in one run."""

import time
from typing import Any

import pymongo

from bench import hooks
from bench.database import Mongod
from bench.receiver import HEARS, receiving
from bench.scenarios.hot_routes import Plan, Told, measure_hot_routes
from bench.servers import EXPRESS, FASTIFY, HOOKED, TILLGATE, Server

ENDPOINTS = 10
MERCHANT = "default"


def measure_hooked(mongod: Mongod, tell: Told, *, rounds: int, seconds: int) -> dict[str, Any]:
    """Drive Tillgate with and without endpoints, and its peers, in interleaved rounds.

    What was not delivered by the end of a run is not waited for: it goes on beside the next one.
    """
    plan = Plan(rounds, seconds, (64,), servers=(HOOKED, TILLGATE, EXPRESS, FASTIFY))
    with receiving() as port:

        def subscribe(server: Server, database: str) -> None:
            if server is HOOKED:
                urls = [f"http://127.0.0.1:{port}{HEARS}"] * ENDPOINTS
                rows = hooks.endpoints_at(urls, [MERCHANT] * ENDPOINTS)
                hooks.put(mongod.uri, database, rows)

        runs = measure_hot_routes(mongod, tell, plan, subscribe)
        sent = _sent(mongod.uri)
    tell(f"hooked: {sent} events were delivered while the last round ran")
    return {"runs": runs, "sent": sent}


def _sent(uri: str) -> int:
    time.sleep(1)
    with pymongo.MongoClient[dict[str, Any]](uri) as client:
        rows = client[f"bench_{HOOKED.name}"].webhook_deliveries
        return rows.count_documents({"status": "delivered"})
