"""Two conversations with a service that is killed in their midst: every promise is kept.

Two servers of the merchant's listen meanwhile, one of them to each session's events in order. The
service alone is killed, so what they have taken stands against what happened.
"""

import itertools
import json
import random
from contextlib import nullcontext

import pytest

from tests.conftest import NOON
from tests.conversation.acts import Act
from tests.conversation.books import RealPayment
from tests.conversation.heard import check_all_is_heard
from tests.conversation.hearers import add_ear
from tests.conversation.killing import hold_with_kills
from tests.conversation.playing import take
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
_OF_SUBSCRIPTIONS = (
    *("renew", "dun", "change_card", "change_plan", "cancel_subscription", "reactivate"),
    *("act_there", "lose", "read_overdue", "deliver", "run_loop", "pass_time"),
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


_LOST = [Act("pass_time", 0), Act("act_there", 0, 3), Act("lose", 0)]


async def _killed_among_subscriptions(
    world: World, uri: str, dice: random.Random, steps: list[Act], without: str | None = None
) -> int:
    """Have four subscriptions, two at each provider, and kill the service; return the kills."""
    await begin_anew(world)
    for user, at in itertools.product((0, 1), (0, 1)):
        await take(world, Act("subscribe", user, at, 2))
    for act in (Act("pass_time", 0), Act("deliver"), Act("run_loop")):
        await take(world, act)
    return await hold_with_kills(uri, world, steps, dice, without)


@pytest.mark.parametrize(
    "chosen", [1, *(pytest.param(n, marks=pytest.mark.soak) for n in range(2, 12))]
)
async def test_a_service_that_is_killed_among_subscriptions_keeps_every_promise(
    world: World, mongo_uri: str, chosen: int
) -> None:
    """Each starts a server four times and more: ten of eleven are soak."""
    dice = random.Random(f"subscriptions {chosen}")  # noqa: S311 - repeatable on purpose
    acts = [Act(dice.choice(_OF_SUBSCRIPTIONS), *dice.choices(range(12), k=3)) for _ in range(12)]
    assert await _killed_among_subscriptions(world, mongo_uri, dice, [*acts, *_LOST]) >= 2
    known = [row["provider"] for row in await world.rows("subscriptions")]
    assert sorted(known) == ["razorpay", "razorpay", "stripe", "stripe"]


@pytest.mark.soak
@pytest.mark.parametrize("without", [None, "lost events are looked for"])
async def test_control_a_killed_service_that_looks_for_no_lost_event_breaks_one(
    world: World, mongo_uri: str, without: str | None
) -> None:
    """Soak: it starts a server some times. With the guard it keeps them all."""
    dice = random.Random("lost")  # noqa: S311 - repeatable on purpose
    broken = pytest.raises(AssertionError, match="a promise was broken") if without else None
    with broken or nullcontext():
        assert await _killed_among_subscriptions(world, mongo_uri, dice, _LOST * 4, without)


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
    world.ends["sub_1"], world.told_inactive["sub_1"] = 7, {"message"}
    world.unheard.add("sub_2")
    told = json.loads(json.dumps(handed_on(world)))
    for known in (world.foreign, world.ends, world.told_inactive, world.unheard):
        known.clear()
    restore(world, told)
    assert world.foreign["pi_1"].paid
    assert world.foreign == {"pi_1": paid}
    assert (world.ends, world.unheard) == ({"sub_1": 7}, {"sub_2"})
    assert world.told_inactive == {"sub_1": {"message"}}
