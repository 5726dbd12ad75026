"""What is done with refunds in these tests, and what must always hold of them."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from httpx import Response

from service.bookkeeping.operations.check import check_ledger
from service.core.batches import Until
from service.storage.database import Row
from tests.refunds.books import Books
from tests.sessions.asking import token_of
from tests.support.api import ADMIN, SECRET
from tests.support.shop import Shop

Json = dict[str, Any]
USER = "user_123"
LIMIT = 5000


@dataclass(frozen=True)
class Money:
    """A shop, and its provider's books."""

    shop: Shop
    books: Books

    async def paid(self, amount: int = 1000, **fields: Any) -> str:
        """Open a session and have it paid; return its payment's id at Stripe."""
        session = await self.shop.api.open(amount=amount, **fields)
        await self.shop.api.told(self.shop.stripe_paid(session))
        return f"pi_{session['sessionId']}"

    async def by_hand(self, amount: int = 1000) -> str:
        """Open a session and complete it by hand; return its payment's id."""
        session = await self.shop.api.open(amount=amount, paymentMethod="upi")
        body = {"sessionId": session["sessionId"], "status": "completed", "reason": "on the bank"}
        answer = await self.shop.api.call("PUT", "/api/payment-sessions", json=body)
        assert answer.status_code == 200, answer.text
        return f"hand:default:{session['sessionId']}"

    async def refund(self, payment: str, key: str = SECRET, **body: Any) -> Response:
        """Refund a payment at once."""
        headers = body.pop("headers", {})
        return await self.shop.api.call(
            "POST",
            f"/api/payments/{payment}/refunds",
            key,
            json={"reason": "the seat broke"} | body,
            headers=headers,
        )

    async def request(self, key: str | None = None, **body: Any) -> Response:
        """Request a refund, as the customer unless another key is given."""
        headers = body.pop("headers", {})
        return await self.shop.api.call(
            "POST",
            "/api/payment/request-refund",
            key or token_of(USER, self.shop.clock),
            json={"reason": "I can't come"} | body,
            headers=headers,
        )

    async def process(self, refund_id: str, action: str, key: str = ADMIN, **body: Any) -> Response:
        """Approve or deny a refund."""
        sent = {"refundId": refund_id, "action": action} | body
        return await self.shop.api.call("POST", "/api/payment/admin/process-refund", key, json=sent)

    async def deliver(self) -> None:
        """Do what the background loop does once everything that waits is due."""
        self.shop.pass_time(seconds=11)
        await self.shop.api.settle()
        past = {"$set": {"nextAttemptAt": self.shop.clock.now() - timedelta(days=30)}}
        await self.shop.database["deliveries"].update_many({"status": "pending"}, past)
        await self.shop.api.settle()

    async def payment(self, payment: str) -> Row:
        """Return a payment's row."""
        row = await self.shop.database["payments"].find_one({"providerPaymentId": payment})
        assert row is not None
        return row

    async def refunds(self, **wanted: Any) -> list[Row]:
        """Return rows of refunds."""
        return await self.shop.database["refunds"].find(wanted).sort("createdAt", 1).to_list()

    async def the_refund(self) -> Row:
        """Return the only refund."""
        (row,) = await self.refunds()
        return row

    async def sums(self, payment: str) -> tuple[int, int]:
        """Return what is refunded and what is reserved of a payment."""
        row = await self.payment(payment)
        return row["refunded"], row["reserved"]

    async def agrees(self) -> None:
        """Check that payments and refunds say the same."""
        found = await check_ledger(Until(float("inf")))
        assert found.faults == []


def made(answer: Response, status: int = 201) -> Json:
    """Return the refund of an answer."""
    assert answer.status_code == status, answer.text
    refund: Json = answer.json()["refund"]
    return refund


def refused(answer: Response) -> tuple[int, str]:
    """Return the status and the code of a refusal, which says why in words."""
    problem = answer.json()
    assert len(problem["detail"]) > 20, problem
    return answer.status_code, problem["error"]
