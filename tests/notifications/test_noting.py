"""What the tries of one round say of their endpoint, together; a 410 is the last word."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from service.notifications.endpoints.repository.deliveries import Claimed
from service.notifications.endpoints.sending.noting import note_all
from service.notifications.endpoints.sending.trying import Tried
from tests.notifications.receivers import receiving
from tests.notifications.telling import endpoint, services_of
from tests.support.shop import Shop

GONE: Mapping[str, Any] = {"status": 410, "error": "It answered 410."}
FAILED: Mapping[str, Any] = {"status": 500, "error": "It answered 500."}
TOOK: Mapping[str, Any] = {"status": 200}
CANCELED: Mapping[str, Any] = {"canceled": True}


@pytest.mark.parametrize(
    ("round_", "reason", "fails"),
    [
        ((GONE,), "gone", False),
        ((GONE, FAILED), "gone", False),
        ((GONE, TOOK), "gone", False),
        ((FAILED, GONE), "gone", False),
        ((FAILED,), None, True),
        ((FAILED, TOOK), None, False),
        ((TOOK, FAILED), None, False),
        ((TOOK,), None, False),
        ((FAILED, CANCELED), None, True),
        ((CANCELED,), None, False),
    ],
)
async def test_a_round_says_one_thing_of_an_endpoint(
    shop: Shop, round_: Sequence[Mapping[str, Any]], reason: str | None, fails: bool
) -> None:
    async with receiving() as receiver:
        told = await endpoint(shop, receiver.url())
    services, now = services_of(shop), shop.clock.now()
    await services.endpoints.refresh(0)
    claimed = Claimed("d", "default", told.endpoint.id, "evt_1", "{}", None, 0, "c", now)
    await note_all(services, [Tried(claimed, now, 1, **how) for how in round_])
    row = await shop.database["webhook_endpoints"].find_one()
    assert row is not None
    assert (row["disabled"] or {}).get("reason") == reason
    assert (row["failingSince"] is not None) is fails
