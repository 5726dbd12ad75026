"""A provider that hangs holds up nothing but its own, and never the end of the server."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace

from service.background import background
from service.core.batches import Until
from service.core.clock import ManualClock
from service.core.lanes import Lane, lanes_of
from service.core.principal import Kind, Principal
from service.jobs.operations.job import Table
from service.jobs.operations.run import run_job
from service.leases import loops
from service.outbox import repository as outbox
from service.outbox.documents import Delivery, OutboxMessage
from service.outbox.operations import deliver as delivering
from service.outbox.operations.deliver import LEASE
from service.outbox.operations.messages import message
from service.outbox.operations.subscribers import Subscriber
from service.providers.stripe import adapter
from service.retention.operations.report import Jobs
from service.storage.database import Database, Row
from service.storage.plain import NO_TRANSACTION
from service.wiring import job_table
from tests.outbox.subscribing import deliver, deliveries
from tests.providers.http_fake import FakeApi, fake_api
from tests.support.patience import IN_TIME
from tests.support.settings import make_settings
from tests.support.shop import Shop, completions, open_shop


@dataclass
class Hanging:
    """A provider that takes calls and never answers."""

    base: str = ""
    calls: int = 0
    called: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.calls += 1
        self.called.set()
        await reader.read()  # until the caller gives up
        writer.close()


@asynccontextmanager
async def hanging() -> AsyncIterator[Hanging]:
    """Run one on a free port of loopback."""
    fake = Hanging()
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.base = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield fake
    server.close()


@pytest_asyncio.fixture
async def stripe() -> AsyncIterator[Hanging]:
    """Stripe, which hangs."""
    async with hanging() as fake:
        yield fake


@pytest_asyncio.fixture
async def razorpay() -> AsyncIterator[FakeApi]:
    """Razorpay, which answers."""
    async with fake_api() as fake:
        fake.answer("POST", "/v1/payments/pay_1/capture", {"id": "pay_1", "status": "captured"})
        yield fake


@pytest_asyncio.fixture
async def shop(
    stripe: Hanging, razorpay: FakeApi, database: Database, clock: ManualClock
) -> AsyncIterator[Shop]:
    """A shop that talks to both."""
    settings = make_settings(STRIPE_API_BASE=stripe.base, RAZORPAY_API_BASE=razorpay.base)
    async with open_shop(settings, database, clock) as opened:
        yield opened


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call to Stripe is given up after a quarter of a second instead of two."""
    monkeypatch.setattr(adapter, "CALL_SECONDS", 0.25)


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No call to Stripe is given up while a test runs; at its end it is let go."""
    monkeypatch.setattr(adapter, "CALL_SECONDS", 600.0)
    monkeypatch.setattr(loops, "LET_GO_AFTER_S", 0.1)


async def _closings(shop: Shop, count: int = 40) -> None:
    """Messages that ask Stripe to close checkouts, due before everything else."""
    rows = [
        message(
            "provider.close_checkout",
            str(n),
            merchant_id="default",
            session_id=f"s-{n}",
            payload={"provider": "stripe", "ref": f"cs_test_{n}"},
            now=shop.clock.now() - timedelta(minutes=1),
        )
        for n in range(count)
    ]
    await outbox.add_once(rows, NO_TRANSACTION)


async def _held(shop: Shop) -> None:
    """A payment at Razorpay that is held, and waits for its capture."""
    session = await shop.api.open(paymentMethod="razorpay")
    told = shop.razorpay("payment.authorized", session, status="authorized", id="pay_1")
    assert (await shop.api.told(told))["outcome"] == "processed"


async def _until(done: Any) -> None:
    async with asyncio.timeout(IN_TIME):
        while not await done():  # noqa: ASYNC110 - it happens at a server
            await asyncio.sleep(0.02)


async def _captured(shop: Shop) -> bool:
    rows = await deliveries(shop, topic="provider.capture")
    return [row["status"] for row in rows] == ["done"]


async def _closes(shop: Shop) -> Sequence[Row]:
    return await deliveries(shop, topic="provider.close_checkout")


async def _given_up_at(shop: Shop) -> int:
    """Count the closings whose call is over."""
    return sum(row["error"] is not None for row in await _closes(shop))


async def test_a_capture_does_not_wait_behind_the_closings_of_another_provider(
    shop: Shop, stripe: Hanging, patient: None
) -> None:
    await _closings(shop)
    await _held(shop)
    async with background(shop.api.container.jobs):
        await stripe.called.wait()
        await _until(lambda: _captured(shop))
        assert await _given_up_at(shop) == 0  # Stripe is still at its first one


def _in_one_lane(shop: Shop) -> Jobs:
    """Return the jobs of a server that has one subscriber for all, without destinations."""
    jobs = shop.api.container.jobs
    by_topic = {topic: one.handle for one in jobs.subscribers for topic in one.topics}

    async def handle(delivery: Delivery, message: OutboxMessage) -> None:
        await by_topic[message.topic](delivery, message)

    only = Subscriber("all", frozenset(by_topic), handle, always=True)
    return replace(jobs, subscribers=(only,), stopping=asyncio.Event())


async def test_control_without_lanes_it_waits_behind_them_all(
    shop: Shop, stripe: Hanging, hasty: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _closings(shop)
    await _held(shop)
    async with background(_in_one_lane(shop)):
        await _until(lambda: _at_least_one_given_up(shop))
        assert not await _captured(shop)


async def _at_least_one_given_up(shop: Shop) -> bool:
    return await _given_up_at(shop) >= 1


async def test_a_waiting_event_does_not_wait_for_the_outbox_of_its_own_provider(
    shop: Shop, stripe: Hanging, patient: None
) -> None:
    session = {"sessionId": "later", "amount": 1000, "currency": "USD"}
    assert (await shop.api.told(shop.stripe_paid(session)))["outcome"] == "parked"
    await shop.api.open(sessionId="later", currency="USD")
    shop.pass_time(seconds=2)
    await _closings(shop)
    async with background(shop.api.container.jobs):
        await stripe.called.wait()

        async def completed() -> bool:
            return completions(await shop.session("later")) == 1

        await _until(completed)
        assert await _given_up_at(shop) == 0


async def test_a_stop_ends_between_two_of_forty_closings(
    shop: Shop, stripe: Hanging, hasty: None
) -> None:
    await _closings(shop)
    async with asyncio.timeout(IN_TIME), background(shop.api.container.jobs):
        await stripe.called.wait()
    calls = stripe.calls
    rows = await _closes(shop)
    tried = [row for row in rows if row["attempts"]]
    assert len(tried) == 1  # the one that was under way, to its own limit
    assert tried[0]["error"] is not None
    assert calls <= 3  # with the official library's repetitions
    assert {row["status"] for row in rows} == {"pending"}


async def test_control_without_the_look_at_the_stop_the_next_ones_are_begun(
    shop: Shop, stripe: Hanging, hasty: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Until, "over", False)
    await _closings(shop)
    async with background(shop.api.container.jobs):
        await stripe.called.wait()
    rows = await _closes(shop)
    assert len([row for row in rows if row["attempts"]]) > 1


async def test_what_does_not_end_by_itself_is_let_go_and_its_lease_gives_it_back(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loops, "LET_GO_AFTER_S", 0.2)
    begun = asyncio.Event()

    async def for_ever(*_: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    await _closings(shop, 1)
    closes = Subscriber("closes", frozenset({"provider.close_checkout"}), for_ever, always=True)
    jobs = replace(shop.api.container.jobs, subscribers=(closes,))
    async with asyncio.timeout(IN_TIME), background(jobs):
        await begun.wait()
    [row] = await _closes(shop)
    assert (row["status"], row["error"]) == ("pending", None)
    shop.clock.advance(LEASE)

    async def at_once(*_: object) -> None: ...

    assert await deliver(shop.clock, replace(closes, handle=at_once)) == 1


OPERATOR = Principal(Kind.ADMIN, "default", "0" * 12, "somebody")


def _table(shop: Shop) -> Table:
    """Return the jobs of a process of their own."""
    container = shop.api.container
    return job_table(
        container.jobs,
        container.refunding,
        container.subscribing,
        container.intents,
        container.mail,
        container.recovering,
    )


async def test_a_job_that_is_told_to_stop_ends_between_two_rows(
    shop: Shop, stripe: Hanging, hasty: None
) -> None:
    await _closings(shop)
    jobs = shop.api.container.jobs
    running = asyncio.create_task(
        run_job(
            "cleanup",
            _table(shop),
            OPERATOR,
        )
    )
    await stripe.called.wait()
    jobs.stopping.set()
    async with asyncio.timeout(IN_TIME):
        report = await running
    assert report.delivered == 0
    rows = await _closes(shop)
    assert len([row for row in rows if row["attempts"]]) == 1
    assert (
        await run_job(
            "cleanup",
            _table(shop),
            OPERATOR,
        )
    ).skipped is False  # its lease was given back


async def test_a_job_captures_at_one_provider_while_another_hangs(
    shop: Shop, stripe: Hanging, razorpay: FakeApi, hasty: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivering, "AT_ONCE", 1)
    await _closings(shop)
    await _held(shop)
    report = await run_job("outbox", shop.api.container.job_table, OPERATOR)
    assert report.delivered == 1
    assert await _captured(shop)
    assert await _given_up_at(shop) == 1


def test_each_row_is_in_one_lane() -> None:
    lanes = lanes_of({"stripe", "razorpay"})
    assert [lane.wanted("provider") for lane in lanes] == [
        {"provider": "razorpay"},
        {"provider": "stripe"},
        {"provider": {"$nin": ["razorpay", "stripe"]}},
    ]
    assert Lane().wanted("provider") == {}
    assert Until(float("inf")).over is False
