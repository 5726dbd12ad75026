"""Acts on how customers who left are reminded, and the entries that each must leave."""

from collections.abc import Awaitable, Callable
from typing import Any

from tests.support.shop import Shop

POLICY = "/recovery/policy"


async def _set(shop: Shop) -> None:
    answer = await shop.admin("PUT", POLICY, json={"heldOut": 5})
    assert answer.status_code == 200, answer.text


async def _pause(shop: Shop) -> None:
    await _set(shop)
    answer = await shop.admin("PATCH", POLICY, json={"paused": True})
    assert answer.status_code == 200, answer.text


OF_REMINDERS: dict[str, list[tuple[Callable[[Shop], Awaitable[Any]], set[str]]]] = {
    "AdminRecovery.set": [(_set, {"recovery.policy_set"})],
    "AdminRecovery.pause": [(_pause, {"recovery.policy_set", "recovery.paused"})],
}
