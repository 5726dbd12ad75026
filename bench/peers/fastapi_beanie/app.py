"""FastAPI + Beanie + stripe: the payment-session service as their tutorials write it."""

import hmac
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any

import stripe
from beanie import init_beanie
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from models import HistoryEntry, OutboxMessage, Payment, PaymentSession, Provider, WebhookEvent
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel
from pymongo import AsyncMongoClient
from pymongo.errors import DuplicateKeyError

MERCHANT = "default"
KEEP = timedelta(days=90)
SECRET = os.environ["STRIPE_WEBHOOK_SECRET"]
KEYS = [sha256(key.encode()).hexdigest() for key in os.environ["API_SECRET_KEYS"].split(",")]

client: AsyncMongoClient[dict[str, Any]]


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Connect, and bind the documents; the bench makes the indexes, the same for all."""
    global client
    client = AsyncMongoClient(os.environ["MONGODB_URI"], tz_aware=True)
    await init_beanie(
        database=client[os.environ["MONGODB_DATABASE"]],
        document_models=[PaymentSession, WebhookEvent, Payment, OutboxMessage],
        skip_indexes=True,
    )
    yield
    await client.close()


app = FastAPI(lifespan=lifespan)


async def secret_key(authorization: Annotated[str, Header()] = "") -> None:
    """Let only known keys in."""
    shown = sha256(authorization.removeprefix("Bearer ").encode()).hexdigest()
    if not any(hmac.compare_digest(shown, key) for key in KEYS):
        raise HTTPException(401, "A known API key is needed")


class NewSession(BaseModel):
    """What opens a session."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid")

    session_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")
    user_id: str = Field(min_length=1, max_length=200)
    event_id: str = Field(min_length=1, max_length=100)
    amount: int = Field(ge=0)
    currency: str = Field("USD", pattern=r"^[A-Z]{3}$")
    quantity: int = Field(1, ge=1, le=1000)
    provider: Provider
    metadata: dict[str, Any] = Field(default_factory=dict)


def shown(session: PaymentSession) -> dict[str, PaymentSession]:
    """Show a session."""
    return {"session": session}


@app.get("/health/ready")
async def ready() -> dict[str, str]:
    """Tell that the service is up."""
    return {"status": "ready"}


@app.post("/api/payment-sessions", status_code=201, dependencies=[Depends(secret_key)])
async def create(body: NewSession) -> dict[str, PaymentSession]:
    """Open a session."""
    now = datetime.now(UTC)
    session = PaymentSession(
        **body.model_dump(),
        merchant_id=MERCHANT,
        history=[HistoryEntry(at=now, to="pending", by="sk")],
        created_at=now,
        updated_at=now,
        expires_at=now + timedelta(minutes=30),
    )
    try:
        await session.insert()
    except DuplicateKeyError as error:
        raise HTTPException(409, body.session_id) from error
    return shown(session)


@app.get("/api/payment-sessions/{session_id}", dependencies=[Depends(secret_key)])
async def read(session_id: str) -> dict[str, PaymentSession]:
    """Read a session."""
    session = await PaymentSession.find_one(
        PaymentSession.merchant_id == MERCHANT, PaymentSession.session_id == session_id
    )
    if session is None:
        raise HTTPException(404, session_id)
    return shown(session)


@app.post("/api/webhooks/stripe")
async def receive(request: Request) -> dict[str, object]:
    """Verify an event and apply it in one transaction."""
    raw = await request.body()
    try:
        event = stripe.Webhook.construct_event(  # type: ignore[no-untyped-call]
            raw, request.headers.get("stripe-signature", ""), SECRET
        ).to_dict()
    except (ValueError, stripe.SignatureVerificationError) as error:
        raise HTTPException(400, str(error)) from error
    try:
        async with client.start_session() as tx:
            outcome = await tx.with_transaction(lambda session: _apply(session, event, raw))
    except DuplicateKeyError:
        return {"received": True, "duplicate": True, "outcome": "duplicate"}
    return {"received": True, "duplicate": False, "outcome": outcome}


async def _apply(tx: Any, event: dict[str, Any], raw: bytes) -> str:
    checkout = event["data"]["object"]
    now = datetime.now(UTC)
    session = await PaymentSession.find_one(
        PaymentSession.merchant_id == MERCHANT,
        PaymentSession.session_id == checkout["metadata"]["sessionId"],
        {"status": {"$in": ["pending", "processing"]}, "amount": checkout["amount_total"]},
        {"currency": checkout["currency"].upper()},
        session=tx,
    )
    await _inbox_row(event, raw, session, now).insert(session=tx)
    if session is None:
        return "parked"
    session.history.append(
        HistoryEntry(at=now, from_="pending", to="completed", by="stripe", event_id=event["id"])
    )
    session.status, session.completed_at, session.updated_at = "completed", now, now
    session.provider_session_id = checkout["id"]
    session.provider_payment_id = checkout["payment_intent"]
    session.version += 1
    session.purge_at = now + KEEP
    await session.replace(session=tx)
    await _payment(event, session, now).insert(session=tx)
    await _message(session, now).insert(session=tx)
    return "processed"


def _inbox_row(
    event: dict[str, Any], raw: bytes, session: PaymentSession | None, now: datetime
) -> WebhookEvent:
    return WebhookEvent(
        id=f"stripe:own:test:{event['id']}",
        merchant_id=MERCHANT,
        provider="stripe",
        account="own",
        live=event["livemode"],
        event_id=event["id"],
        type=event["type"],
        status="processed" if session else "parked",
        session_id=session.session_id if session else None,
        payload=raw,
        occurred_at=datetime.fromtimestamp(event["created"], UTC),
        received_at=now,
        processed_at=now,
        purge_at=now + KEEP,
    )


def _payment(event: dict[str, Any], session: PaymentSession, now: datetime) -> Payment:
    checkout = event["data"]["object"]
    return Payment(
        merchant_id=MERCHANT,
        provider="stripe",
        account="own",
        live=event["livemode"],
        provider_payment_id=checkout["payment_intent"],
        provider_session_id=checkout["id"],
        session_id=session.session_id,
        user_id=session.user_id,
        amount=checkout["amount_total"],
        currency=checkout["currency"].upper(),
        status="succeeded",
        status_at=datetime.fromtimestamp(event["created"], UTC),
        metadata=checkout["metadata"],
        created_at=now,
        updated_at=now,
    )


def _message(session: PaymentSession, now: datetime) -> OutboxMessage:
    return OutboxMessage(
        id=f"session.completed:{MERCHANT}:{session.session_id}:{session.version}",
        merchant_id=MERCHANT,
        topic="session.completed",
        session_id=session.session_id,
        payload={
            "status": "completed",
            "amount": session.amount,
            "currency": session.currency,
        },
        created_at=now,
        next_attempt_at=now,
        purge_at=now + KEEP,
    )
