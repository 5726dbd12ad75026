"""Two conversations with a service that is killed in their midst: every promise is kept.

Two servers of the merchant's listen meanwhile, one of them to each session's events in order. The
service alone is killed, so what they have taken stands against what happened.
"""

import json
import random

import pytest

from tests.conftest import NOON
from tests.conversation.acts import Act
from tests.conversation.books import RealPayment
from tests.conversation.heard import check_all_is_heard
from tests.conversation.hearers import add_ear
from tests.conversation.killing import hold_with_kills
from tests.conversation.victim import handed_on, restore
from tests.conversation.world import World, begin_anew
from tillgate_sandbox.states import PaymentStatus

_NAMES = (
    "resume",
    "pay",
    "deliver",
    "act_at_page",
    "run_loop",
    "send_events",
    "cancel",
    "settle_by_hand",
)


@pytest.mark.parametrize("chosen", [1, pytest.param(2, marks=pytest.mark.soak)])
async def test_a_service_that_is_killed_in_a_conversation_keeps_every_promise(
    world: World, mongo_uri: str, chosen: int
) -> None:
    """Each starts a server four times: one of two is soak, which draws others besides."""
    await _hold(world, mongo_uri, chosen)
    assert all(ear.taken for ear in world.hearing.ears.values())
    assert "an endpoint has heard all by itself" in world.reached


@pytest.mark.soak
async def test_control_what_a_killed_service_says_under_another_id_is_heard(
    world: World, mongo_uri: str
) -> None:
    """Soak: it starts a server four times."""
    with pytest.raises(AssertionError, match=r"carries evt"):
        await _hold(world, mongo_uri, 1, without="ids")


async def _hold(world: World, uri: str, chosen: int, without: str | None = None) -> None:
    dice = random.Random(chosen)  # noqa: S311 - repeatable on purpose
    await begin_anew(world)
    for ordered in (0, 1):
        await add_ear(world, 0, ordered, 1)
    steps = [Act("open_checkout", 0, chosen, 0), Act("open_checkout", 1, chosen + 4, 0)]
    steps += [
        Act(dice.choice(_NAMES), dice.randrange(12), dice.randrange(12), dice.randrange(12))
        for _ in range(18)
    ]
    assert await hold_with_kills(uri, world, steps, dice, without) >= 3
    await check_all_is_heard(world)


def test_what_is_handed_on_from_a_killed_service_is_what_the_next_one_knows(world: World) -> None:
    paid = RealPayment("pi_1", "stripe", "s-1", 1000, "INR", PaymentStatus.SUCCEEDED, NOON)
    world.foreign["pi_1"] = paid
    told = json.loads(json.dumps(handed_on(world)))
    world.foreign.clear()
    restore(world, told)
    assert world.foreign["pi_1"].paid
    assert world.foreign == {"pi_1": paid}
