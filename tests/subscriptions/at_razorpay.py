"""One subscription of the sandbox's Razorpay, and our row of it."""

from typing import Any

from service.storage.database import Database, Row
from tests.sandbox.lab import GENERATED, Lab
from tests.subscriptions.living import USER
from tests.support.api import SECRET
from tillgate_sandbox.playing import happen
from tillgate_sandbox.states import Happening


class Subscribed:
    """One subscription at Razorpay, and our row of it."""

    def __init__(self, lab: Lab, database: Database, opened: dict[str, Any]) -> None:
        """Keep what was opened."""
        self.lab, self.database = lab, database
        self.session_id, self.id = opened["sessionId"], opened["providerSessionId"]

    async def row(self) -> Row:
        """Return our row."""
        found = await self.database["subscriptions"].find_one({"providerSubscriptionId": self.id})
        assert found is not None
        return found

    async def arrive(self) -> None:
        """Deliver what is due, and do what the background loop does."""
        await self.lab.deliver_all()
        await self.lab.api.settle()

    async def ask(self, act: str, **body: Any) -> Any:
        """Ask for a change of it."""
        sent = {"subscriptionId": self.id} | body
        return await self.lab.api.call("POST", f"/api/payment/{act}", SECRET, json=sent)

    async def advance(self, days: int, **given: Any) -> None:
        """Let days pass since it began, and let arrive what happens meanwhile."""
        await self.live(days, **given)
        await self.arrive()

    async def live(self, days: int, **given: Any) -> None:
        """Let days pass since it began."""
        started = int((await self.row())["startedAt"].timestamp())
        secret = self.lab.sandbox.settings.providers["razorpay"].key_secret
        answer = await self.lab.api.http.post(
            f"/sandbox/razorpay/v1/subscriptions/{self.id}/advance",
            json={"until": started + days * 86_400, **given},
            auth=(GENERATED["RAZORPAY_KEY_ID"], secret),
        )
        assert answer.status_code == 200, answer.text

    async def lose(self, *types: str) -> None:
        """Have webhooks that are on their way never come."""
        wanted = {"type": {"$in": [*types]}, "status": "pending"}
        await self.database["sandbox_deliveries"].delete_many(wanted)

    async def events(self, type_: str) -> list[Row]:
        """Return the rows of the inbox of a type."""
        return await self.database["webhook_events"].find({"type": type_}).to_list()


async def begun_there(lab: Lab, database: Database) -> Subscribed:
    body = {"userId": USER, "email": "ada@shop.example", "plan": "basic", "provider": "razorpay"}
    body |= {"amount": 79900, "currency": "INR", "mode": "subscription"}  # type: ignore[dict-item]
    answer = await lab.api.call("POST", "/api/payments/create-checkout", json=body)
    assert answer.status_code == 201, answer.text
    return Subscribed(lab, database, answer.json())


async def paid_there(lab: Lab, database: Database) -> Subscribed:
    subscribed = await begun_there(lab, database)
    await happen(await lab.checkout(subscribed.id), Happening.PAID, lab.sandbox)
    await subscribed.arrive()
    return subscribed
