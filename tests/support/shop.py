"""A shop on a clock that stands still: what providers post to it, and the documents that follow."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest_asyncio
from httpx import ASGITransport, AsyncClient, Response

from service.core.clock import ManualClock
from service.inbox.operations.inbox import Receipt
from service.inbox.operations.receive import receive_webhook
from service.settings import Settings
from service.storage.database import Database, Row
from tests.support.api import ADMIN, JOBS, Api
from tests.support.built import application
from tests.support.events import (
    Delivery,
    razorpay_event,
    razorpay_payment,
    stripe_checkout,
    stripe_event,
)

# Random per session, or what may differ by the order of arrival.
LEFT_OUT = {"_id", "history", "version", "updatedAt", "writtenAt", "late"} | {
    "clientSecretHash",
    "secretSalt",
    "createHash",
}


@dataclass(frozen=True, slots=True)
class Shop:
    """The application over HTTP, its clock and its database."""

    api: Api
    clock: ManualClock
    database: Database

    def unix(self, after: int = 0) -> int:
        """Return the clock's time, some seconds later, as providers write it."""
        return int(self.clock.now().timestamp()) + after

    def pass_time(self, **by: float) -> None:
        """Move the clock."""
        self.clock.advance(timedelta(**by))

    def stripe(self, kind: str, found: dict[str, Any], after: int = 0, **more: Any) -> Delivery:
        """Make an event of Stripe's that happened some seconds after now."""
        return stripe_event(kind, found, created=self.unix(after), signed_at=self.unix(), **more)

    def stripe_paid(self, session: dict[str, Any], **fields: Any) -> Delivery:
        """Make the event that says that a session was paid."""
        return self.stripe("checkout.session.completed", stripe_checkout(session, **fields))

    def razorpay(
        self, kind: str, session: dict[str, Any], after: int = 0, **fields: Any
    ) -> Delivery:
        """Make an event about a payment of Razorpay's."""
        payment = razorpay_payment(session, **fields)
        return razorpay_event(kind, {"payment": payment}, created=self.unix(after))

    async def receive(self, delivery: Delivery) -> Receipt:
        """Take a delivery without the way over HTTP."""
        return await receive_webhook(
            delivery.provider, delivery.headers, delivery.body, self.api.container.inbox
        )

    async def session(self, session_id: str) -> Row:
        """Return a session as it is stored."""
        row = await self.database["sessions"].find_one({"sessionId": session_id})
        assert row is not None
        return row

    async def payments(self, **wanted: Any) -> list[Row]:
        """Return rows of the ledger."""
        return await self.database["payments"].find(wanted).sort("providerPaymentId", 1).to_list()

    async def events(self, **wanted: Any) -> list[Row]:
        """Return rows of the inbox."""
        return await self.database["webhook_events"].find(wanted).sort("_id", 1).to_list()

    async def messages(self, topic: str) -> list[Row]:
        """Return messages of the outbox."""
        return await self.database["outbox"].find({"topic": topic}).sort("_id", 1).to_list()

    async def deliveries(self, topic: str) -> list[Row]:
        """Return deliveries of messages."""
        return await self.database["deliveries"].find({"topic": topic}).sort("_id", 1).to_list()

    async def outcome(self, session_id: str) -> str:
        """Return all that must be equal in any order: the session and its payments, in one text."""
        rows = [await self.session(session_id), *await self.payments(sessionId=session_id)]
        named = [row["eventId"] for row in rows[1:]]
        events = {row["_id"]: row for row in await self.events(_id={"$in": named})}
        kept = [kept_of(row, events) for row in rows]
        return json.dumps(kept, default=str, sort_keys=True, indent=1).replace(session_id, "ID")

    async def admin(self, method: str, path: str, **options: Any) -> Response:
        """Call a route as an administrator."""
        return await self.api.call(method, f"/api/admin{path}", ADMIN, **options)

    async def clean_up(self, **body: Any) -> dict[str, Any]:
        """Run the cleanup job."""
        answer = await self.api.call("POST", "/api/cleanup-sessions", JOBS, json=body)
        assert answer.status_code == 200, answer.text
        report: dict[str, Any] = answer.json()
        return report


def kept_of(row: Row, events: Mapping[str, Row]) -> Row:
    """Return what of a session's or a payment's row must be equal in any order.

    The event that a payment's status comes from has a random id: instead, when it happened, and
    whether it is about that payment.
    """
    kept = {name: value for name, value in row.items() if name not in LEFT_OUT}
    if "statusAt" in row and row["eventId"] is not None:
        told = events.get(row["eventId"], {"occurredAt": None, "facts": []})
        about = [fact.get("payment", {}).get("providerPaymentId") for fact in told["facts"]]
        kept["eventId"] = [told["occurredAt"], row["providerPaymentId"] in about]
    return kept


@asynccontextmanager
async def open_shop(
    settings: Settings, database: Database, clock: ManualClock
) -> AsyncIterator[Shop]:
    """Open a shop; its background loop is run by hand."""
    async with application(settings, database, clock) as app:
        transport = ASGITransport(app, raise_app_exceptions=False)
        async with AsyncClient(transport=transport, base_url="http://testserver") as http:
            yield Shop(Api(http, app.state.container), clock, database)


@pytest_asyncio.fixture
async def shop(settings: Settings, database: Database, clock: ManualClock) -> AsyncIterator[Shop]:
    """The shop of a development server."""
    async with open_shop(settings, database, clock) as opened:
        yield opened


async def a_few_at_once(work: Iterable[Any], most: int = 6) -> list[Any]:
    """Await all, some of them at a time."""
    free = asyncio.Semaphore(most)

    async def one(coroutine: Any) -> Any:
        async with free:
            return await coroutine

    return list(await asyncio.gather(*(one(coroutine) for coroutine in work)))


def completions(session: Row) -> int:
    """Count how often a session was completed."""
    return sum(move["to"] == "completed" for move in session["history"])
