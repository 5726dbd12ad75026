"""What those who keep the service running do in a conversation, and what a missing guard does."""

import pytest

from tests.conversation.acts import Act
from tests.conversation.guards import GUARDS
from tests.conversation.keepers import NAMES
from tests.conversation.playing import Broken, play
from tests.conversation.world import World

_OPENED = [Act("open_checkout", 2, 5, 0), Act("pass_time", 3)]
_RUN = {
    "ran": [Act("run_by_hand", 0, 0), Act("run_by_hand", 0, 1), Act("clean_up")],
    "was begun": [Act("run_by_hand", 0, 2)],
}
"""By its routes, with either key; and by the button of the page."""


async def test_a_paused_job_is_run_by_nobody(world: World) -> None:
    assert NAMES[0] == "cleanup"
    await play(world, [*_OPENED, Act("pause_job", 0), *_RUN["ran"], *_RUN["was begun"]])
    assert "a paused job" in world.reached


@pytest.mark.parametrize("ran", _RUN)
async def test_control_where_nobody_looks_whether_it_is_paused_it_is(
    world: World, ran: str
) -> None:
    with GUARDS["paused"](), pytest.raises(Broken, match=f"cleanup {ran} while it was paused"):
        await play(world, [*_OPENED, Act("pause_job", 0), *_RUN[ran]])


_CLOSED = [Act("open_checkout", 0, 0, 0), Act("pass_time", 3), Act("clean_up"), Act("run_loop")]


async def test_a_checkout_that_was_closed_is_closed_again_and_nothing_else_happens(
    world: World,
) -> None:
    await play(world, [*_CLOSED, Act("redeliver", 0, 1), Act("redeliver", 0, 1)])
    assert "a delivery that was done is made again" in world.reached
    [row] = [one for one in await world.rows("deliveries") if one["attempts"] > 1]
    assert (row["subscriber"], row["status"], row["attempts"]) == ("close_checkout", "done", 3)


async def test_a_dead_letter_is_closed_once_its_provider_answers(world: World) -> None:
    silent = [Act("cut", 1), Act("run_loop"), Act("pass_time", 4), Act("run_loop")]
    steps = [*_CLOSED[:2], silent[0], Act("clean_up"), *silent[1:]]
    await play(world, [*steps, Act("mend"), Act("redeliver", 0, 1, 1)])
    assert "a delivery that was dead is made again" in world.reached
    rows = await world.rows("deliveries", subscriber="close_checkout")
    assert {row["status"] for row in rows} == {"done"}
