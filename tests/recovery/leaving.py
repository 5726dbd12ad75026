"""Customers who begin to pay and leave, and what the job does about it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

from bson import Timestamp
from httpx import Response

from service.core.principal import Kind, Principal
from service.jobs.operations.run import run_job
from service.recovery.operations.remind import ReminderReport
from service.storage.database import Row
from tests.notifications.mail.mailing import CUSTOMER, Mailing
from tests.support.shop import Shop

OPERATOR = Principal(Kind.ADMIN, "default", "0" * 12, "somebody")
AGREED = {"mailConsent": True}
POLICY = "/recovery/policy"


@dataclass(frozen=True, slots=True)
class Leaving:
    """The shop, and what happens to those who leave."""

    mailing: Mailing

    @property
    def shop(self) -> Shop:
        """Return the shop."""
        return self.mailing.shop

    async def policy(self, **fields: Any) -> dict[str, Any]:
        """Set how the merchant's customers are reminded: at any hour, unless it is said."""
        body = {"quietFrom": 0, "quietUntil": 0} | fields
        answer = await self.shop.admin("PUT", POLICY, json=body)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["recovery"]
        return found

    async def begin(self, **fields: Any) -> dict[str, Any]:
        """Begin a checkout for a plan, as somebody who agreed to be written to."""
        return await self.mailing.checkout(
            **({"metadata": AGREED, "provider": "upi"} | INR | fields)
        )

    async def pass_time(self, **by: float) -> None:
        """Move the clock, and with it the database's times of what was changed before."""
        await self.age()
        self.shop.pass_time(**by)

    async def age(self) -> None:
        """Have the database's times be those of the test's clock, which it knows nothing of."""
        sessions = self.shop.database["sessions"]
        async for row in sessions.find({}, {"updatedAt": 1}):
            at = Timestamp(int(row["updatedAt"].timestamp()), 1)
            await sessions.update_one({"_id": row["_id"]}, {"$set": {"writtenAt": at}})

    async def remind(self) -> ReminderReport:
        """Run the job, and let mail go out."""
        report = await self.run()
        await self.mailing.settle()
        return report

    async def run(self) -> ReminderReport:
        """Run the job alone."""
        report = await run_job("reminders", self.shop.api.container.job_table, OPERATOR)
        assert isinstance(report, ReminderReport)
        return report

    def mails(self, to: str = CUSTOMER) -> list[EmailMessage]:
        """Return the mails that came."""
        return self.mailing.server.to(to)

    async def recovery(self, session_id: str) -> Row | None:
        """Return what is known of a session that was left."""
        return await self.shop.database["recoveries"].find_one({"_id": f"default:{session_id}"})

    async def reminders(self) -> list[Row]:
        """Return the messages of reminders."""
        return await self.shop.messages("recovery.reminder")

    async def link(self, number: int = -1) -> str:
        """Return the path of a reminder's link."""
        told = (await self.reminders())[number]["payload"]
        parts = urlsplit(str(told["link"]))
        return f"{parts.path}?{parts.query}"

    async def follow(self, path: str) -> Response:
        """Open a link as a browser does."""
        return await self.shop.api.call("GET", path, None)

    async def press(self, path: str, amount: int) -> Response:
        """Press the button of its page."""
        return await self.shop.api.call("POST", path, None, data={"amount": str(amount)})

    def now(self) -> datetime:
        """Return the shop's time."""
        return self.shop.clock.now()


INR = {"currency": "INR", "amount": 50000}
A_DAY = timedelta(days=1)
