"""Two processes whose clocks differ by ten minutes: what one holds the other does not take."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from service.outbox.operations.dispatch import dispatch_some
from service.storage.database import Database
from tests.leases.processes import Talking, talking_to
from tests.outbox.subscribing import Listener, subscriber, write
from tests.support.shop import Shop

OFF_S = 300  # each, to both sides
KINDS = ["lease", "delivery", "event"]


@asynccontextmanager
async def _skewed(uri: str, database: Database, *how: str) -> AsyncIterator[dict[str, Talking]]:
    given = "tests.leases.skewed", uri, database.name
    async with (
        talking_to(*given, f"-{OFF_S}", *how) as slow,
        talking_to(*given, f"{OFF_S}", *how) as fast,
    ):
        assert [await slow.heard(), await fast.heard()] == ["ready", "ready"]
        yield {"slow": slow, "fast": fast}


async def _something_due(shop: Shop) -> None:
    """A delivery and an event that are due by either clock."""
    long_ago = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)
    hears = replace(subscriber(Listener()), always=True)
    await write(shop)
    assert (await dispatch_some([hears], shop.clock)).messages == 1
    await shop.receive(shop.stripe_paid({"sessionId": "later", "amount": 1, "currency": "INR"}))
    due = {"$set": {"nextAttemptAt": long_ago}}
    for rows in ("webhook_events", "deliveries"):
        await shop.database[rows].update_one({}, due)


@pytest.mark.parametrize(("first", "second"), [("slow", "fast"), ("fast", "slow")])
async def test_what_one_process_holds_no_other_takes_whatever_its_clock_says(
    mongo_uri: str, shop: Shop, first: str, second: str
) -> None:
    await _something_due(shop)
    async with _skewed(mongo_uri, shop.database) as processes:
        taken = [await processes[first].asked(f"take {kind}") for kind in KINDS]
        tried = [await processes[second].asked(f"take {kind}") for kind in KINDS]
        assert (taken, tried) == (["taken"] * 3, ["held"] * 3)
        assert await processes[first].asked("keep lease") == "kept"


async def test_control_by_their_own_clocks_the_fast_one_takes_all_of_it(
    mongo_uri: str, shop: Shop
) -> None:
    await _something_due(shop)
    async with _skewed(mongo_uri, shop.database, "trusted") as processes:
        taken = [await processes["slow"].asked(f"take {kind}") for kind in KINDS]
        tried = [await processes["fast"].asked(f"take {kind}") for kind in KINDS]
        assert (taken, tried) == (["taken"] * 3, ["taken"] * 3)
        assert await processes["slow"].asked("keep lease") == "lost"
