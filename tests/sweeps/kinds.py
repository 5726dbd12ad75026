"""The lists that can be swept: how one row of each is made, and changed by some process's clock."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from msgspec import Struct

from service.payments.payments import repository as payments
from service.payments.refunds import repository as refunds
from service.sessions import repository as sessions
from service.storage.transaction import Transaction
from tests.payments.history.rows import pay, refund
from tests.support.api import SECRET, Api


class Kind(Struct, frozen=True):
    """A list. `make` makes a row by its name; `change` sets its `updatedAt` in a transaction."""

    path: str
    rows: str
    name: str
    make: Callable[[Api, str], Awaitable[object]]
    change: Callable[[str, datetime, Transaction], Awaitable[object]]

    async def page(self, api: Api, key: str = SECRET, **params: Any) -> dict[str, Any]:
        """Return an answer of the list."""
        answer = await api.call("GET", self.path, key, params=params)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def sweep(self, api: Api, since: str, **params: Any) -> tuple[dict[str, str], str]:
        """Follow all pages; return when each row was updated, and where the next sweep begins."""
        seen: dict[str, str] = {}
        while True:
            page = await self.page(api, updatedSince=since, **params)
            seen |= {one[self.name]: one["updatedAt"] for one in page[self.rows]}
            if page["nextCursor"] is None:
                return seen, page["nextUpdatedSince"]
            assert page["nextUpdatedSince"] is None
            params["cursor"] = page["nextCursor"]


async def _open(api: Api, name: str) -> None:
    await api.open(sessionId=name)


async def _pay(_: Api, name: str) -> None:
    await pay(name)


async def _refund(_: Api, name: str) -> None:
    await refund(await pay(f"pi_{name}"), name)


async def _change_session(name: str, at: datetime, tx: Transaction) -> None:
    session = await sessions.find_within(tx, "default", name)
    assert session is not None
    await sessions.change(session, {"$set": {"updatedAt": at}}, tx)


async def _change_payment(name: str, at: datetime, tx: Transaction) -> None:
    payment = await payments.find("stripe", "default", name, tx)
    assert payment is not None
    await payments.change(payment, {"updatedAt": at}, tx)


async def _change_refund(name: str, at: datetime, tx: Transaction) -> None:
    found = await refunds.find("default", name, tx)
    assert found is not None
    await refunds.change(found, {"updatedAt": at}, None, tx)


KINDS = {
    "sessions": Kind("/api/payment-sessions", "sessions", "sessionId", _open, _change_session),
    "payments": Kind(
        "/api/payment/payment-history", "payments", "providerPaymentId", _pay, _change_payment
    ),
    "refunds": Kind("/api/refunds", "refunds", "refundId", _refund, _change_refund),
}
