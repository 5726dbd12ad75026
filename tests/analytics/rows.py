"""Rows as the service writes them, at random and put there at once."""

import random
from datetime import datetime, timedelta
from typing import Any

from service.intents.documents import PaymentIntent
from service.payments.payments.documents import Payment
from service.sessions.documents import Session
from service.storage.database import NOW_WRITTEN, Row
from tests.payments.history.rows import dispute, fail, pay, refund

PROVIDERS = ("stripe", "razorpay", "phonepe")
PLANS = ("gold", "silver", "a.dotted$plan", None)
CODES = ("card_declined", "bank_timeout", None)
COUNTRIES = ("DE", "IN", "US", None)
CURRENCIES = ("USD", "USD", "INR", "JPY")
ENDS = ("completed", "completed", "failed", "expired", "canceled", "pending", "processing")


async def opened(session_id: str, at: datetime, **fields: Any) -> Row:
    """Insert a session that was opened at a moment."""
    given: Row = {
        "sessionId": session_id,
        "merchantId": "default",
        "kind": "checkout",
        "userId": "ada",
        "amount": 1000,
        "currency": "USD",
        "provider": "stripe",
        "account": "default",
        "owner": session_id,
        "clientSecretHash": session_id,
        "secretSalt": "salt",
        "createHash": "hash",
        "createdAt": at,
        "updatedAt": at,
        "expiresAt": at + timedelta(hours=24),
    }
    row: Row = Session.new_row(given | fields)
    row.pop("_id", None)
    await Session.get_pymongo_collection().insert_one(row)
    return row


async def left(lead_id: str, at: datetime, **fields: Any) -> Row:
    """Insert a lead that was left at a moment."""
    given: Row = {
        "_id": lead_id,
        "merchantId": "default",
        "planName": "gold",
        "amount": "10",
        "amountMinor": 1000,
        "currency": "USD",
        "sessionId": f"journey-{lead_id}",
        "createdAt": at,
        "purgeAt": at + timedelta(days=365),
    }
    row: Row = PaymentIntent.new_row(given | fields)
    await PaymentIntent.get_pymongo_collection().insert_one(row)
    return row


async def follow(session: Row, lead: Row) -> None:
    """Let a session follow a lead: both say so."""
    await change("sessions", session, intentId=lead["_id"])
    leads = PaymentIntent.get_pymongo_collection()
    followed = {"$addToSet": {"followedBy": session["sessionId"]}, **NOW_WRITTEN}
    await leads.update_one({"_id": lead["_id"]}, followed)


async def change(collection: str, row: Row, **fields: Any) -> None:
    """Change a row as the service does: with the database's time."""
    collections = Payment.get_pymongo_collection().database
    await collections[collection].update_one({"_id": row["_id"]}, {"$set": fields, **NOW_WRITTEN})


async def one_sale(
    draw: random.Random, name: str, at: datetime, merchant: str = "default"
) -> dict[str, Row]:
    """Insert a session at random, with what was paid, tried, refunded and disputed of it."""
    currency, provider = draw.choice(CURRENCIES), draw.choice(PROVIDERS)
    plan, status = draw.choice(PLANS), draw.choice(ENDS)
    amount, user = draw.randrange(1, 100_000), f"user-{draw.randrange(40)}"
    common = {"merchantId": merchant, "currency": currency, "provider": provider}
    common |= {"amount": amount, "userId": user}
    ended = at + timedelta(milliseconds=draw.randrange(1, 10_000_000))
    moves = [{"at": ended, "from": "pending", "to": status, "by": "test"}]
    found = {
        "sessions": await opened(
            name,
            at,
            **common,
            plan=plan,
            eventId="event" if plan is None else None,
            status=status,
            attempts=draw.randrange(4),
            completedAt=ended if status == "completed" else None,
            history=moves if status not in {"pending", "processing"} else [],
        )
    }
    if status in {"completed", "failed"}:
        found |= await _paid(draw, name, ended, common, failed=status == "failed")
    return found


async def _paid(
    draw: random.Random, name: str, at: datetime, common: Row, *, failed: bool
) -> dict[str, Row]:
    country, code = draw.choice(COUNTRIES), draw.choice(CODES)
    paid = await pay(
        f"pi_{name}",
        **common,
        sessionId=name,
        createdAt=at,
        statusAt=at,
        firstAt=at,
        status="failed" if failed else "succeeded",
        failureCode=code if failed else None,
        details={"country": country} if country else {},
    )
    found = {"payments": paid}
    later = at + timedelta(hours=draw.randrange(1, 900))
    if not failed and draw.random() < 0.3:
        state = draw.choice(["succeeded", "failed", "processing"])
        moves = [{"at": later, "from": None, "to": state, "by": "test"}]
        part = draw.randrange(1, common["amount"] + 1)
        found["refunds"] = await refund(
            paid, f"re_{name}", later, amount=part, status=state, history=moves
        )
        await change("payments", paid, refunded=part if state == "succeeded" else 0)
    if not failed and draw.random() < 0.2:
        lost = draw.random() < 0.5
        found["disputes"] = await dispute(
            paid,
            f"dp_{name}",
            later,
            openedAt=later,
            closedAt=later + timedelta(days=30) if lost else None,
            status="lost" if lost else "needs_response",
            held=common["amount"] if lost else 0,
        )
        await change("payments", paid, held=common["amount"] if lost else 0)
    if draw.random() < 0.4:
        found["payment_attempts"] = await fail(
            paid, f"ch_{name}", at, failureCode=draw.choice(CODES), country=country
        )
    return found
