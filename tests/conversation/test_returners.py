"""Those who leave and come back in a conversation, and what a missing guard does."""

import pytest

from tests.conversation.acts import Act
from tests.conversation.guards import GUARDS
from tests.conversation.playing import Broken, play
from tests.conversation.world import World

HOURS = Act("pass_time", 2)
# A server opens it for a user with an address, at Stripe.
LEFT = [Act("open_checkout", 0, 0, 0), Act("agree", 0, 0), HOURS]


async def test_who_left_is_reminded_comes_back_and_pays(world: World) -> None:
    back = [Act("remind"), Act("come_back", 0), Act("pay", 0), Act("deliver"), Act("run_loop")]
    await play(world, [*LEFT, *back, HOURS, Act("remind")])
    assert {"a reminder's link was followed", "a reminder's button was pressed"} <= world.reached
    [session] = await world.sessions()
    [left] = await world.rows("recoveries")
    assert (session["status"], left["status"]) == ("completed", "paid")
    assert len(await world.rows("outbox", topic="recovery.reminder")) == 1


PAID = [*LEFT, Act("remind"), Act("pay", 0), Act("deliver"), Act("run_loop"), HOURS, HOURS]


async def test_control_where_nobody_looks_whether_somebody_paid_they_are_reminded(
    world: World,
) -> None:
    again = [*PAID, HOURS, HOURS, Act("remind")]
    await play(world, again)
    with GUARDS["reminded who paid"](), pytest.raises(Broken, match="was reminded of at"):
        await play(world, again)


async def test_control_where_any_address_is_believed_a_user_has_others_written_to(
    world: World,
) -> None:
    by_a_user = [Act("open_checkout", 4, 0, 0), *LEFT[1:], Act("remind")]
    await play(world, by_a_user)
    with GUARDS["reminded at anybody's address"](), pytest.raises(Broken, match="has no proof"):
        await play(world, by_a_user)


async def test_control_where_nobody_counts_they_are_reminded_again_and_again(
    world: World,
) -> None:
    often = [*LEFT, *[one for _ in range(5) for one in (Act("remind"), HOURS)]]
    await play(world, often)
    with GUARDS["reminded too often"](), pytest.raises(Broken, match="was reminded of"):
        await play(world, often)


async def test_control_where_nobody_counts_all_that_a_customer_began_there_is_a_fourth(
    world: World,
) -> None:
    thrice = [*LEFT, *[one for _ in range(12) for one in (Act("remind"), HOURS)]]
    anew = [*thrice, *LEFT, Act("remind")]
    await play(world, anew)
    assert len(await world.rows("outbox", topic="recovery.reminder")) == 3
    with GUARDS["reminded of each thing"](), pytest.raises(Broken, match="reminders in a week"):
        await play(world, anew)
