"""A bare Litestar + PyMongo handler: no keys, limits, history or logs. The floor for one caller."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from litestar import Litestar, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct
from pymongo import AsyncMongoClient

sessions: Any


@asynccontextmanager
async def lifespan(_: Litestar) -> AsyncIterator[None]:
    """Connect."""
    global sessions
    client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(
        os.environ["MONGODB_URI"], tz_aware=True
    )
    sessions = client[os.environ["MONGODB_DATABASE"]]["sessions"]
    yield
    await client.close()


class NewSession(Struct, rename="camel", forbid_unknown_fields=True):
    """What opens a session."""

    session_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,40}$")]
    user_id: str
    event_id: str
    amount: Annotated[int, Meta(ge=0)]
    provider: str
    currency: str = "USD"


@get("/health/ready")
async def ready() -> dict[str, str]:
    """Tell that the service is up."""
    return {"status": "ready"}


@post("/api/payment-sessions")
async def create(data: JSONBody[NewSession]) -> dict[str, Any]:
    """Open a session."""
    now = datetime.now(UTC)
    row = {
        "merchantId": "default",
        "sessionId": data.session_id,
        "kind": "payment",
        "userId": data.user_id,
        "eventId": data.event_id,
        "amount": data.amount,
        "currency": data.currency,
        "provider": data.provider,
        "status": "pending",
        "createdAt": now,
        "updatedAt": now,
        "expiresAt": now + timedelta(minutes=30),
    }
    await sessions.insert_one(row)
    del row["_id"]
    return {"session": row}


@get("/api/payment-sessions/{session_id:str}")
async def read(session_id: FromPath[str]) -> dict[str, Any]:
    """Read a session."""
    # The database's own time of a change is no value of JSON's.
    left_out = {"_id": 0, "writtenAt": 0}
    row = await sessions.find_one({"merchantId": "default", "sessionId": session_id}, left_out)
    if row is None:
        raise NotFoundException(session_id)
    return {"session": row}


app = Litestar([ready, create, read], lifespan=[lifespan], openapi_config=None)
