"""Subscriptions in a conversation, and what a missing guard does."""

import itertools
from collections.abc import Mapping, Sequence

import pytest

from tests.conversation.acts import Act
from tests.conversation.guards import GUARDS
from tests.conversation.playing import Broken, play
from tests.conversation.world import World

TOLD = [Act("pass_time", 0), Act("deliver"), Act("run_loop")]
# At Stripe and at Razorpay: begun, paid, and read.
BEGUN = [[Act("subscribe", 0, at, 2), *TOLD] for at in (0, 1)]
# By the server, 0; at Razorpay nothing is taken back.
STORIES: Mapping[str, tuple[Sequence[Act], Sequence[str]]] = {
    "renewed": ([Act("renew", 0, 3)], ("active", "active")),
    "refused and paid": ([Act("dun", 0, 1, 1)], ("active", "active")),
    "refused to the end": ([Act("dun", 0, 3, 0)], ("canceled", "halted")),
    "another plan": ([Act("change_plan", 0, 0, 0), *TOLD, Act("renew")], ("active", "active")),
    "another plan twice": (
        [Act("change_plan", 0, 0, 1), *TOLD, Act("change_plan", 0, 1), Act("renew")],
        ("active", "active"),
    ),
    "canceled": ([Act("cancel_subscription", 0, 0, 2)], ("canceled", "canceled")),
    "to end": ([Act("cancel_subscription", 0, 0, 0), Act("renew")], ("canceled", "canceled")),
    "going on": (
        [Act("cancel_subscription", 0, 0, 0), Act("reactivate"), Act("renew")],
        ("active", "canceled"),
    ),
    "ended there": ([Act("act_there", 0, 3)], ("canceled", "canceled")),
    "changed there": ([Act("act_there", 0, 0), Act("renew")], ("active", "active")),
    "renewed unheard": ([Act("renew", 0, 3), Act("lose", 0)], ("active", "active")),
    "ended unheard": ([Act("act_there", 0, 3), Act("lose", 0)], ("canceled", "canceled")),
    "refused unheard": ([Act("dun", 0, 3, 0), Act("lose", 0)], ("canceled", "halted")),
    "cut off": ([Act("cut", 2), Act("renew"), *TOLD, Act("mend")], ("active", "active")),
}


PROVIDERS = ("stripe", "razorpay")
TOLD_HERE = {("another plan twice", 0), ("ended unheard", 0), ("refused to the end", 1)}


async def _play(world: World, story: str, at: int) -> None:
    acts, ends = STORIES[story]
    await play(world, [*BEGUN[at], *acts, *TOLD])
    reached = f"a subscription came to be {ends[at]}"
    assert reached in world.reached, f"{story}, {PROVIDERS[at]}: {world.reached}"


async def test_a_subscription_ends_as_its_provider_has_it(world: World) -> None:
    for story, at in sorted(TOLD_HERE):
        await _play(world, story, at)


@pytest.mark.soak
async def test_a_subscription_ends_so_in_all_stories(world: World) -> None:
    """A minute: each story has a conversation at each provider."""
    for story, at in itertools.product(STORIES, (0, 1)):
        await _play(world, story, at)


CROSSED = {
    # It is to end with its period there, which is told between the two readings.
    "numbered before it is read": ([Act("read_crosswise", 0, 2, 1)], "stands"),
    # It ends there; the older answer, of the greater number, comes last.
    "an end outranks": ([Act("read_crosswise", 0, 3, 0)], "told to be inactive 2 times"),
    "an invoice is one payment": ([Act("renew", 0, 0)], "of which no provider knows"),
    "lost events are looked for": ([Act("act_there", 0, 3), Act("lose", 0)], "stands"),
}


async def test_control_without_what_keeps_it_right_the_provider_has_it_otherwise(
    world: World,
) -> None:
    for guard, (acts, broken) in CROSSED.items():
        steps = [*BEGUN[0], *acts, *TOLD]
        await play(world, steps)
        with GUARDS[guard](), pytest.raises(Broken, match=broken):
            await play(world, steps)
