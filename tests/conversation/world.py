"""Everybody who takes part in a conversation, and what they have in their hands."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from httpx import Response

from service.core.clock import ManualClock
from service.core.principal import DEFAULT_MERCHANT, Kind, Principal
from service.jobs.operations.pausing import resume_job
from service.storage.database import Database, Row
from service.stored import DOCUMENTS
from tests.conversation.books import RealPayment, payments_in
from tests.conversation.ears import Hearing, forget_endpoints
from tests.conversation.memberships import renewals_in
from tests.conversation.wires import Wires, listened_to
from tests.notifications.receivers import receiving
from tests.sandbox.lab import Lab, running_lab
from tests.sessions.asking import put_coupon, put_price, token_of
from tests.support.api import ADMIN, JOBS, PUBLISHABLE, SECRET
from tests.support.emptied import emptied
from tillgate_sandbox import repository as sandbox
from tillgate_sandbox.documents import SandboxCheckout
from tillgate_sandbox.settling import settle_due
from tillgate_sandbox.stored import SANDBOX_DOCUMENTS

PLAN, EVENT = "gold", "concert"
PRICE = 1000
FREE = "WHOLE"
OPERATOR = Principal(Kind.ADMIN, DEFAULT_MERCHANT, key_id="cli", name="cli:ada")


class ServerFailed(AssertionError):
    """The service answered with a 5xx that no cut wire explains."""


@dataclass(slots=True)
class World:
    """The running lab, and who holds which session, secret and review.

    `opened` are the sessions that were ever opened, by id: their client secrets where a caller has
    one. `openers` says who opened which: a browser, a server, a user of that name. `prices` are
    those that the catalog may have now: several while one is changed. `foreign` are payments for
    something else. `suspended`: the merchant surely is, whose keys then open nothing;
    `resumptions` is odd while that is being ended. `paused` are the jobs that surely are, and
    `jobs_resumed` is odd while that is being ended. `ends` says from which second on a subscription
    that was canceled is charged no more; `restarts` is odd while one is told to go on. `unheard`
    are those of which an event was lost, `told_inactive` the messages that one is inactive.
    `hearing` are the merchant's servers. `story` is what happened, in words, for whoever reads a
    failure; `reached` are the rare states that this conversation came through, `tally` counts what
    all of them came to.
    """

    lab: Lab
    database: Database
    clock: ManualClock
    wires: Wires
    opened: dict[str, str | None] = field(default_factory=dict)
    openers: dict[str, str] = field(default_factory=dict)
    prices: dict[str, list[int]] = field(default_factory=dict)
    purged: set[str] = field(default_factory=set)
    foreign: dict[str, RealPayment] = field(default_factory=dict)
    suspended: bool = False
    resumptions: int = 0
    paused: set[str] = field(default_factory=set)
    jobs_resumed: int = 0
    ends: dict[str, int] = field(default_factory=dict)
    restarts: int = 0
    unheard: set[str] = field(default_factory=set)
    told_inactive: dict[str, set[str]] = field(default_factory=dict)
    hearing: Hearing = field(default_factory=Hearing)
    story: list[str] = field(default_factory=list)
    reached: set[str] = field(default_factory=set)
    tally: Counter[str] = field(default_factory=Counter)

    async def call(
        self, method: str, path: str, key: str | None = SECRET, **options: Any
    ) -> Response:
        """Call a route. A 5xx is a fault, unless a provider was cut off while it was called.

        So is an answer to a key or token of a merchant that was suspended before and still is.
        """
        cuts, suspended = self.wires.cuts, self.suspended
        answer = await self.lab.api.call(method, path, key, **options)
        self.story.append(f"  {method} {path} {options.get('json', '')} -> {answer.status_code}")
        excused = self.wires.cuts > cuts and answer.status_code in {502, 503, 504}
        if answer.status_code >= 500 and not excused:
            raise ServerFailed(f"{method} {path}: {answer.status_code} {answer.text}")
        refused = answer.status_code == 403
        if suspended and self.suspended and key not in {None, ADMIN, JOBS}:
            assert refused, f"{method} {path} was answered to a suspended merchant: {answer.text}"
        return answer

    async def admin(self, method: str, path: str, **options: Any) -> Response:
        """Call a route as an administrator."""
        return await self.call(method, f"/api/admin{path}", ADMIN, **options)

    async def clean_up(self) -> None:
        """Run the clean-up, as the CronJob does."""
        await self.run_job("cleanup", "/api/cleanup-sessions", JOBS)

    async def post_entries(self) -> None:
        """Post the entries of what has changed, as the CronJob does."""
        await self.run_job("entries", "/api/jobs/entries", JOBS)

    async def run_job(self, name: str, path: str, key: str) -> None:
        """Run a job by a route; one that was paused before and still is does nothing."""
        await self.note()
        paused = name in self.paused
        answer = await self.call("POST", path, key, json={})
        if paused and name in self.paused and answer.status_code == 200:
            assert answer.json()["skipped"], f"{name} ran while it was paused: {answer.text}"

    async def note(self) -> None:
        """Note what there is to hear by now, before a job deletes anything of it."""
        if self.hearing.receiver is None:
            return
        self.hearing.note_moves(await self.sessions())
        if self.hearing.ears:
            for name, key in (("payment", "providerPaymentId"), ("refund", "refundId")):
                self.hearing.note_standing(name, key, await self.rows(f"{name}s"))
            off = await self.rows("webhook_endpoints", disabled={"$ne": None})
            self.hearing.note_off({row["_id"] for row in off})

    async def resume_jobs(self) -> None:
        """Let all jobs run again."""
        self.paused.clear()
        self.jobs_resumed += 1
        table = self.lab.api.container.job_table
        for name in table.jobs:
            await resume_job(name, table, OPERATOR)
        self.jobs_resumed += 1

    def token(self, user: str) -> str:
        """Sign a user's token."""
        return token_of(user, self.clock)

    def proof(self, session_id: str) -> dict[str, str]:
        """Return the header with the client secret of a session, if anybody has it."""
        secret = self.opened.get(session_id)
        return {"X-Client-Secret": secret} if secret else {}

    def forget(self, session_id: str) -> None:
        """Forget a session that was deleted: its id is another one's now."""
        self.purged.discard(session_id)
        self.opened.pop(session_id, None)
        self.openers.pop(session_id, None)
        self.reached.add("an id was opened anew")

    def pass_time(self, by: timedelta) -> None:
        """Move everybody's clock."""
        self.clock.advance(by)

    async def rows(self, collection: str, **wanted: Any) -> list[Row]:
        """Return the rows of a collection in the order of their writing, as a repetition has it."""
        return await self.database[collection].find(wanted).sort("$natural", 1).to_list()

    async def sessions(self) -> list[Row]:
        """Return all sessions as they are stored, the oldest first."""
        return await self.rows("sessions")

    async def checkouts(self) -> list[SandboxCheckout]:
        """Return every checkout that was ever opened at a provider, the oldest first."""
        rows = await self.rows("sandbox_checkouts")
        return [SandboxCheckout.model_validate(row) for row in rows]

    async def payments(self) -> dict[str, RealPayment]:
        """Return every payment in any provider's books, by the key that our ledger has for it."""
        checkouts = await self.checkouts()
        return payments_in(checkouts) | renewals_in(checkouts) | self.foreign

    async def count_up(self) -> None:
        """Add what this conversation came to: an oracle that nothing happens before is none."""
        self.tally.update(f"session {row['status']}" for row in await self.sessions())
        self.tally.update(
            f"review {row['reason']}" for row in await self.rows("webhook_events", status="review")
        )
        self.tally.update(
            f"decided {row['decision'] is not None}"
            for row in await self.rows("webhook_events", status="review")
        )
        for back in ("refund", "dispute"):
            rows = await self.rows(f"{back}s")
            self.tally.update(f"{back} {row['status']}" for row in rows)
        subscriptions = await self.rows("subscriptions")
        self.tally.update(f"subscription {row['status']}" for row in subscriptions)
        self.tally["entries"] += len(await self.rows("entries"))
        self.tally.update(f"payment {row['status']}" for row in await self.rows("payments"))
        self.tally.update(f"reached: {what}" for what in self.reached)
        self.tally["captured by us"] += sum(one.done for one in self.wires.captured)
        self.tally["calls that met a cut"] += self.wires.cuts

    async def deliver_everything(self) -> None:
        """Deliver and let the loop run until nothing is on its way; the clock moves along."""
        for _ in range(60):
            await self.lab.deliver()
            await self.lab.api.settle()
            times = (await sandbox.next_due_at(), await sandbox.next_refund_at())
            due_at = min((at for at in times if at is not None), default=None)
            if due_at is None:
                return
            self.clock.advance(max(due_at - self.clock.now(), timedelta(milliseconds=1)))
            await settle_due(self.lab.sandbox)

    async def let_the_outbox_end(self) -> None:
        """Let messages and waiting events be tried until their first waits are over."""
        for _ in range(6):
            self.clock.advance(timedelta(minutes=3))
            await self.lab.api.settle()
            await self.deliver_everything()


@asynccontextmanager
async def conversation(
    database: Database, clock: ManualClock, *, emptied: bool = True, hears: bool = True
) -> AsyncIterator[World]:
    """Serve a lab that many conversations are held in, one after the other."""
    async with (
        running_lab(database, clock, emptied=emptied) as lab,
        conversation_in(lab, database, clock, hears=hears) as world,
    ):
        yield world


@asynccontextmanager
async def conversation_in(
    lab: Lab, database: Database, clock: ManualClock, *, hears: bool = True
) -> AsyncIterator[World]:
    """Hold conversations in a lab that is served already.

    Unless the merchant `hears`, it has no server of its own.
    """
    hearing, wires = Hearing(), Wires(database)
    async with receiving(hearing.answer) as receiver:
        hearing.receiver = receiver if hears else None
        with listened_to(lab.app, wires):
            yield World(lab, database, clock, wires, hearing=hearing)


async def begin_anew(world: World) -> None:
    """Forget all that was said, and put the prices up."""
    await emptied(world.database, {*DOCUMENTS, *SANDBOX_DOCUMENTS})
    world.wires.cut, world.wires.cuts = None, 0
    world.wires.captured.clear()
    world.opened.clear()
    world.openers.clear()
    world.prices = {PLAN: [PRICE], EVENT: [PRICE]}
    world.purged.clear()
    world.suspended, world.resumptions = False, 0
    world.paused.clear()
    world.jobs_resumed = 0
    world.ends.clear()
    world.restarts = 0
    world.unheard.clear()
    world.told_inactive.clear()
    world.lab.api.container.merchants.forget(DEFAULT_MERCHANT)
    world.foreign.clear()
    world.hearing.begin_anew()
    forget_endpoints(world.lab.api.container.endpoints.endpoints)
    world.story.clear()
    world.reached.clear()
    for item in (PLAN, EVENT):
        await put_price(world.lab.api, item, PRICE, "INR")
    await put_coupon(world.lab.api, FREE, basisPoints=10_000)


__all__ = ["ADMIN", "EVENT", "FREE", "JOBS", "PLAN", "PRICE", "PUBLISHABLE", "SECRET", "World"]
