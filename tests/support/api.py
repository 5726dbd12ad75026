"""The application as its callers see it."""

import secrets
from dataclasses import dataclass
from typing import Any

from httpx import AsyncClient, Response

from service.inbox.operations.replay import retry_waiting
from service.outbox.operations.post import Post
from service.sessions.documents import Session
from service.wiring import Container
from tests.support.events import Delivery
from tests.support.settings import ADMIN, JOBS, PUBLISHABLE, SECRET


@dataclass(frozen=True, slots=True)
class Api:
    """Calls with each kind of key, and what the background loop would do."""

    http: AsyncClient
    container: Container

    async def call(
        self, method: str, path: str, key: str | None = SECRET, **options: Any
    ) -> Response:
        """Call a route with a key."""
        headers = options.pop("headers", {})
        if key is not None:
            headers = {"Authorization": f"Bearer {key}", **headers}
        return await self.http.request(method, path, headers=headers, **options)

    async def open(self, key: str = SECRET, **fields: Any) -> dict[str, Any]:
        """Open a payment session and give it."""
        body = {
            "sessionId": f"s-{secrets.token_hex(6)}",
            "userId": "user_123",
            "eventId": "event_456",
            "amount": 1000,
            "currency": "INR",
            "quantity": 1,
            "paymentMethod": "stripe",
        } | fields
        answer = await self.call("POST", "/api/payment-sessions", key, json=body)
        assert answer.status_code == 201, answer.text
        session: dict[str, Any] = answer.json()["session"]
        if session["provider"] == "razorpay" and not session["providerSessionId"]:
            await self.tie(session)
        return session

    async def tie(self, session: dict[str, Any]) -> None:
        """Tie Razorpay's order and link of a session to it, as an event that names it would.

        An event of a payment names nothing but its order: its notes are a browser's.
        """
        sid = session["sessionId"]
        ids = {"$each": [f"order_{sid}", f"plink_{sid}"]}
        await Session.get_pymongo_collection().update_one(
            {"merchantId": "default", "sessionId": sid}, {"$addToSet": {"checkoutIds": ids}}
        )

    async def read(self, session_id: str, key: str = SECRET) -> dict[str, Any]:
        """Read a session."""
        answer = await self.call("GET", f"/api/payment-sessions/{session_id}", key)
        assert answer.status_code == 200, answer.text
        session: dict[str, Any] = answer.json()["session"]
        return session

    async def deliver(self, delivery: Delivery) -> Response:
        """Post a webhook."""
        return await self.http.post(
            delivery.path, content=delivery.body, headers=dict(delivery.headers)
        )

    async def told(self, delivery: Delivery) -> dict[str, Any]:
        """Post a webhook that must be taken, and return the answer."""
        answer = await self.deliver(delivery)
        assert answer.status_code == 200, answer.text
        received: dict[str, Any] = answer.json()
        return received

    async def settle(self) -> None:
        """Do what the background loop does in a round."""
        await retry_waiting(self.container.inbox)
        await Post(self.container.jobs.subscribers, self.container.clock).work_off()


__all__ = ["ADMIN", "JOBS", "PUBLISHABLE", "SECRET", "Api"]
