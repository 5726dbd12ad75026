"""One subscription of the sandbox's Stripe, and our row of it."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from httpx import Response

from service.inbox.operations.inbox import Arrival
from service.inbox.operations.receive import take_in
from service.storage.database import Database, Row
from tests.sandbox.lab import STRIPE_KEY, Lab
from tests.support.api import SECRET
from tests.support.shop import Shop
from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.playing import happen
from tillgate_sandbox.states import Happening
from tillgate_sandbox.stripe.render import derived_id

USER = "user_123"


@dataclass
class Living:
    """A subscription that was begun, with what is needed to look at it and to change it."""

    lab: Lab
    database: Database
    session_id: str
    checkout_id: str

    @property
    def id(self) -> str:
        """Return Stripe's id of it."""
        return derived_id(self._blank, "sub_1")

    @property
    def _blank(self) -> SandboxCheckout:
        blank: SandboxCheckout = SandboxCheckout.model_construct(id=self.checkout_id)
        return blank

    async def row(self) -> Row:
        """Return our row of it."""
        found = await self.database["subscriptions"].find_one({"providerSubscriptionId": self.id})
        assert found is not None
        return found

    async def arrive(self) -> None:
        """Deliver what is due, and do what the background loop does."""
        await self.lab.deliver_all()
        await self.lab.api.settle()

    async def try_again(self) -> None:
        """Do what the background loop does once all that waits is due."""
        past = self.lab.sandbox.clock.now() - timedelta(days=30)
        waiting = {"status": "pending"}
        await self.database["deliveries"].update_many(waiting, {"$set": {"nextAttemptAt": past}})
        await self.database["outbox"].update_many(waiting, {"$set": {"heldUntil": None}})
        await self.arrive()

    async def at_stripe(
        self, method: str = "POST", path: str = "", **fields: Any
    ) -> dict[str, Any]:
        """Ask Stripe for something, past the service; the subscription unless a path is given."""
        where = path or f"/v1/subscriptions/{self.id}"
        answer = await self.lab.api.call(
            method, f"/sandbox/stripe{where}", STRIPE_KEY, data=fields or None
        )
        assert answer.status_code == 200, answer.text
        answered: dict[str, Any] = answer.json()
        return answered

    async def pay_with(self, method: str) -> None:
        """Have Stripe try another payment method from now on."""
        await self.at_stripe(default_payment_method=method)
        await self.arrive()

    async def pass_days(self, days: float) -> None:
        """Move Stripe's clock, and let arrive what happens meanwhile."""
        await self.let_pass(days)
        await self.arrive()

    async def let_pass(self, days: float) -> None:
        """Move Stripe's clock."""
        clocks = "/v1/test_helpers/test_clocks"
        now = max(await self._moved_to(), int(self.lab.sandbox.clock.now().timestamp()))
        clock = await self.at_stripe(path=clocks, frozen_time=now)
        until = now + int(days * 86_400)
        await self.at_stripe(path=f"{clocks}/{clock['id']}/advance", frozen_time=until)

    async def _moved_to(self) -> int:
        row = await self.database["sandbox_clocks"].find_one({}, sort=[("frozenTime", -1)])
        return row["frozenTime"] if row else 0

    async def messages(self, topic: str) -> list[Row]:
        """Return messages of the outbox about it."""
        wanted = {"topic": topic, "payload.subscriptionId": self.id}
        return await self.database["outbox"].find(wanted).sort("createdAt", 1).to_list()

    async def ask(self, act: str, key: str = SECRET, **body: Any) -> Response:
        """Ask for a change of it."""
        sent = {"subscriptionId": self.id} | body
        return await self.lab.api.call("POST", f"/api/payment/{act}", key, json=sent)


async def begun(lab: Lab, database: Database, *, paid: bool = True, **fields: Any) -> Living:
    """Open a subscription at the sandbox's Stripe, and pay it unless told not to."""
    body: dict[str, Any] = {
        "userId": USER,
        "email": "ada@shop.example",
        "plan": "basic",
        "provider": "stripe",
        "amount": 999,
        "currency": "USD",
        "mode": "subscription",
    }
    answer = await lab.api.call("POST", "/api/payments/create-checkout", json=body | fields)
    assert answer.status_code == 201, answer.text
    opened = answer.json()
    living = Living(lab, database, opened["sessionId"], opened["providerSessionId"])
    if paid:
        await happen(await lab.checkout(living.checkout_id), Happening.PAID, lab.sandbox)
    return living


def found(subscription_id: str, status: str, **fields: Any) -> dict[str, Any]:
    """Return a subscription as Stripe answers with it."""
    return {
        "id": subscription_id,
        "object": "subscription",
        "status": status,
        "livemode": False,
        "created": 1_780_000_000,
        "start_date": 1_780_000_000,
        "metadata": {},
        "items": {"data": []},
        "ended_at": 1_790_000_000 if status == "canceled" else None,
    } | fields


async def handed_in(lab: Lab | Shop, answer: dict[str, Any], read: int) -> None:
    """Take an answer of Stripe's into the inbox, under the number of its reading."""
    inbox = lab.api.container.inbox
    provider: Any = inbox.providers["stripe"]
    event_id = f"fetch:{answer['id']}:{read}"
    payload = json.dumps({"subscription": answer, "invoices": []}).encode()
    event = provider.translate_stored(event_id, payload)
    await take_in(Arrival(event, "fetch"), inbox)


async def rows_of(database: Database) -> list[Row]:
    """Return all rows of subscriptions, without what tells of one order."""
    left_out = {"_id", "history", "createdAt", "updatedAt", "readAt"}
    rows = await database["subscriptions"].find({}).sort("providerSubscriptionId", 1).to_list()
    return [{name: row[name] for name in row if name not in left_out} for row in rows]


async def emptied_of(database: Database) -> None:
    """Forget all subscriptions, and what was told of them."""
    for name in ("subscriptions", "webhook_events", "outbox", "deliveries"):
        await database[name].delete_many({})
