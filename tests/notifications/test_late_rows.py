"""What turns up behind the front of what is due is found by a look at all of it."""

import asyncio
import math
from datetime import timedelta

import pytest

from service.core import lately
from service.core.batches import Until
from service.core.lately import Lately
from service.notifications.endpoints.sending.client import Client
from service.notifications.endpoints.sending.pace import Pace
from service.notifications.endpoints.sending.sender import LATE, Sender
from tests.notifications.receivers import receiving
from tests.notifications.telling import endpoint, services_of, tell
from tests.support.shop import Shop


async def _sent_of_two(shop: Shop, *, before: timedelta) -> int:
    """Have a serving process send one, then another that is due before it; return how many."""
    async with receiving() as receiver:
        await endpoint(shop, receiver.url())
        services = services_of(shop)
        client = Client(services.addresses)
        sender = Sender(services, client, Until(math.inf), Pace(lambda: (0, 0)))
        for key in ("1", "2"):
            await tell(shop, key)
            if key == "2":
                due = {"$set": {"nextAttemptAt": shop.clock.now() - before}}
                await shop.database["webhook_deliveries"].update_one({"status": "pending"}, due)
            await sender.look()
            await asyncio.gather(*sender.under_way.values())
        client.close()
    return len(receiver.got)


@pytest.mark.parametrize(
    ("every_s", "before", "sent"),
    [
        (math.inf, timedelta(0), 2),
        (math.inf, LATE - timedelta(seconds=1), 2),
        (math.inf, LATE + timedelta(seconds=1), 1),  # the control: it waits for a look at all
        (0.0, LATE + timedelta(seconds=1), 2),
    ],
)
async def test_what_is_due_a_little_before_the_last_is_sent_and_the_rest_by_a_look_at_all(
    shop: Shop, every_s: float, before: timedelta, sent: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lately, "LOOKS_AT_ALL_EVERY_S", every_s)
    assert await _sent_of_two(shop, before=before) == sent


def test_the_first_look_and_one_after_a_while_are_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    since = Lately[int](lambda at: at - 5)
    assert since.after() is None
    assert since.after() is None
    since.found(12)
    assert since.after() == 7
    monkeypatch.setattr(lately, "LOOKS_AT_ALL_EVERY_S", 0.0)
    assert since.after() is None
