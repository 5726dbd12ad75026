"""Two years of three merchants in three zones, drawn from a seed and put there at once."""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pymongo
from rich.progress import Progress

from service.core.ids import digest
from service.merchants.documents import Merchant
from service.payments.attempts.documents import Attempt
from service.payments.disputes.documents import Dispute
from service.payments.payments.documents import Payment
from service.payments.refunds.documents import Refund
from service.sessions.documents import Session

ZONES = {"default": "Europe/Berlin", "everest": "Asia/Kathmandu", "hudson": "America/New_York"}
SHARES = {"default": 0.5, "everest": 0.3, "hudson": 0.2}
YEARS = timedelta(days=730)
CURRENCIES = ("EUR", "USD", "INR")
_PROVIDERS, _COUNTRIES = ("stripe", "razorpay", "phonepe"), ("DE", "IN", "US", "NP", None)
_CODES = ("card_declined", "bank_timeout", "insufficient_funds", None)
_ENDS = ("completed", "failed", "expired", "canceled")
_CHUNKS = 40
_BATCH = 1_000
_OF_SESSIONS = 1.8
"""How many sessions and payments there are for each session."""

Row = dict[str, Any]
Rows = Iterator[tuple[str, Row]]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some sessions of a merchant, opened within a time, and what became of them until now."""

    merchant: str
    seed: str
    count: int
    since: datetime
    until: datetime
    now: datetime


def chunks_of(rows: int, now: datetime, seed: int) -> list[Chunk]:
    """Return all there is to make for so many sessions and payments."""
    found = []
    for merchant, share in SHARES.items():
        count, part = int(rows * share / _OF_SESSIONS / _CHUNKS), YEARS / _CHUNKS
        for number in range(_CHUNKS):
            since = now - YEARS + number * part
            found.append(
                Chunk(merchant, f"{seed}:{merchant}:{number}", count, since, since + part, now)
            )
    return sorted(found, key=lambda one: one.since)


def fill(uri: str, database: str, chunks: Sequence[Chunk]) -> int:
    """Put chunks into an empty database by two processes; return how many sessions and payments.

    Indexes are for the caller to make afterwards: so that is three times as fast.
    """
    made = 0
    with Progress() as progress, ProcessPoolExecutor(2) as pool:
        bar = progress.add_task("sessions", total=sum(one.count for one in chunks))
        futures = {pool.submit(put, uri, database, one): one for one in chunks}
        for done in as_completed(futures):
            made += done.result()
            progress.advance(bar, futures[done].count)
    return made


def put(uri: str, database: str, chunk: Chunk) -> int:
    """Put one chunk there; return how many sessions and payments it has."""
    waiting: dict[str, list[Row]] = defaultdict(list)
    made = 0
    with pymongo.MongoClient[Row](uri, w=1) as client:
        for name, row in sales(chunk):
            waiting[name].append(row)
            made += name in {"sessions", "payments"}
            if len(waiting[name]) == _BATCH:
                client[database][name].insert_many(waiting.pop(name), ordered=False)
        for name, rows in waiting.items():
            client[database][name].insert_many(rows, ordered=False)
    return made


def merchants(now: datetime) -> list[Row]:
    """Return the merchants, each with its zone."""
    return [
        Merchant(id=name, name=name, zone=zone, created_at=now, updated_at=now).to_row()
        for name, zone in ZONES.items()
    ]


def sales(chunk: Chunk) -> Rows:
    """Yield rows with the names of their collections, in the order of the sessions' times."""
    draw = random.Random(chunk.seed)
    step = (chunk.until - chunk.since) / max(chunk.count, 1)
    blank = _session(chunk)
    for number in range(chunk.count):
        at = chunk.since + (number + draw.random()) * step
        yield from _sale(chunk, draw, f"{chunk.seed}:{number}", at, blank)


def _session(chunk: Chunk) -> Row:
    given: Row = {
        **{"merchantId": chunk.merchant, "sessionId": "", "kind": "checkout", "userId": ""},
        **{"amount": 0, "currency": "", "provider": "", "account": "default", "owner": "key"},
        **{"clientSecretHash": digest("secret"), "secretSalt": "salt", "createHash": "hash"},
        **{"createdAt": chunk.now, "updatedAt": chunk.now, "expiresAt": chunk.now},
    }
    row: Row = Session.new_row(given)
    row.pop("_id", None)
    return row


def _sale(chunk: Chunk, draw: random.Random, name: str, at: datetime, blank: Row) -> Rows:
    status = draw.choices(_ENDS, (74, 6, 14, 6))[0]
    ended = at + timedelta(milliseconds=int(draw.lognormvariate(11, 1)))
    common = {
        "provider": draw.choices(_PROVIDERS, (60, 30, 10))[0],
        "currency": draw.choices(CURRENCIES, (70, 20, 10))[0],
        "amount": draw.randrange(100, 50_000),
        "userId": f"user-{draw.randrange(200_000)}",
    }
    plan = f"plan-{min(int(draw.expovariate(0.2)), 29)}"
    own = {"sessionId": name, "plan": plan, "status": status, "owner": name}
    times = {"createdAt": at, "updatedAt": ended, "expiresAt": at + timedelta(days=1)}
    done = {
        "completedAt": ended if status == "completed" else None,
        "attempts": 1 + (draw.random() < 0.1),
        "history": [{"at": ended, "from": "pending", "to": status, "by": "bench"}],
    }
    yield "sessions", {**blank, **common, **own, **times, **done}
    if status in {"completed", "failed"}:
        yield from _paid(chunk, draw, name, ended, common, failed=status == "failed")


def _paid(
    chunk: Chunk, draw: random.Random, name: str, at: datetime, common: Row, *, failed: bool
) -> Rows:
    ids = common | {"merchantId": chunk.merchant, "account": "default", "sessionId": name}
    ids["providerPaymentId"] = f"pi_{name}"
    times = {"createdAt": at, "updatedAt": at}
    code, country = draw.choice(_CODES), draw.choice(_COUNTRIES)
    given = {"status": "failed" if failed else "succeeded", "statusAt": at, "firstAt": at}
    given |= {"metadata": {}, "failureCode": code if failed else None}
    given["details"] = {"country": country} if country else {}
    yield "payments", _made(Payment, ids | times | given)
    if failed or draw.random() < 0.05:
        tried = {"attemptId": f"ch_{name}", "status": "failed", "madeAt": at, "failureCode": code}
        yield "payment_attempts", _made(Attempt, ids | times | tried)
    later = at + timedelta(hours=draw.randrange(1, 900))
    ids["paymentId"] = name
    if not failed and later + timedelta(days=30) < chunk.now:
        yield from _back(draw, name, later, ids)


def _back(draw: random.Random, name: str, at: datetime, ids: Row) -> Rows:
    times = {"createdAt": at, "updatedAt": at}
    if draw.random() < 0.04:
        moves = [{"at": at, "from": None, "to": "succeeded", "by": "bench"}]
        given = {"refundId": f"re_{name}", "status": "succeeded", "source": "merchant"}
        amount = draw.randrange(1, ids["amount"] + 1)
        yield "refunds", _made(Refund, ids | times | given | {"amount": amount, "history": moves})
    if draw.random() < 0.01:
        lost = draw.random() < 0.5
        given = {"providerDisputeId": f"dp_{name}", "openedAt": at}
        given["status"] = "lost" if lost else "needs_response"
        closed = {"closedAt": at + timedelta(days=20) if lost else None}
        held = {"held": ids["amount"] if lost else 0}
        yield "disputes", _made(Dispute, ids | times | given | closed | held)


def _made(document: Any, given: Row) -> Row:
    row: Row = document.new_row(given)
    row.pop("_id", None)
    return row


def now_to_the_hour() -> datetime:
    """Return when the present hour began: all ends there."""
    return datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
