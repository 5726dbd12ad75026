"""Play a conversation, and hold the promises after each of its steps."""

import asyncio
from collections.abc import Sequence

from hypothesis import HealthCheck, settings

from tests.conversation.acts import Step, Together
from tests.conversation.heard import check_all_is_heard
from tests.conversation.money_back import (
    check_money_back,
    check_money_back_at_rest,
    check_no_refund_waits_for_ever,
)
from tests.conversation.operators import end_suspension
from tests.conversation.payers import begin_everywhere
from tests.conversation.promises import check, check_at_rest, check_no_session_waits_for_ever
from tests.conversation.renewals import check_subscriptions, check_subscriptions_at_rest
from tests.conversation.returners import check_reminders
from tests.conversation.world import World, begin_anew

A_FEW = settings(
    max_examples=10,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
"""How many conversations a file of `make test` holds."""


class Broken(AssertionError):
    """A promise that was broken, with all that had happened before."""


async def play(world: World, steps: Sequence[Step]) -> None:
    """Play a conversation to its end and beyond: all begin to pay, then the providers fall silent.

    Raises `Broken`.
    """
    await begin_anew(world)
    try:
        for step in steps:
            await take(world, step)
            await world.note()
            world.hearing.step += 1
            await check(world)
            await check_money_back(world)
            await check_reminders(world)
            await check_subscriptions(world)
        await check_at_rest(world)
        await check_money_back(world)
        await check_money_back_at_rest(world)
        await world.count_up()
        await end_suspension(world)
        await begin_everywhere(world)
        await check_no_session_waits_for_ever(world)
        await check_no_refund_waits_for_ever(world)
        await check_all_is_heard(world)
        await check_subscriptions_at_rest(world)
    except AssertionError as broken:
        story = "\n".join(world.story)
        raise Broken(f"{broken}\n{story}") from broken


async def take(world: World, step: Step) -> None:
    """Take one step of a conversation."""
    if isinstance(step, Together):
        await asyncio.gather(step.one.do(world), step.other.do(world))
    else:
        await step.do(world)
