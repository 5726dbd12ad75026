"""The merchant's own servers hear each thing once, whatever becomes of them; controls hear it."""

import pytest

from tests.conversation.acts import Act
from tests.conversation.guards import GUARDS
from tests.conversation.playing import Broken, play
from tests.conversation.world import World

_PAID = [Act("pay"), Act("deliver"), Act("run_loop")]
_HEARS = [Act("add_ear", 0, 0, 1), Act("open_checkout", 0, 0, 0), *_PAID]
# The first of a session's events fails, and what comes after it is due at once.
_IN_ORDER = [
    *(Act("add_ear", 0, 1, 1), Act("open_checkout", 0, 0, 0), Act("break_ear", 0, 1)),
    *(Act("pass_time", 3), Act("clean_up"), Act("send_events", 1)),
    *(Act("pay_late", 0, 0, 0), Act("deliver"), Act("break_ear", 0, 0), Act("send_events", 1)),
]
_BROKEN = {
    "fails": [Act("break_ear", 0, 1), Act("send_events", 1)],
    "falls silent": [Act("break_ear", 0, 2), Act("send_events", 1), Act("break_ear", 0, 1)],
}


async def test_one_that_always_hears_has_heard_all(world: World) -> None:
    await play(world, [*_HEARS, Act("send_events", 1)])
    [ear] = world.hearing.ears.values()
    types = [event["type"] for event in ear.taken.values()]
    assert types.count("session.completed") == types.count("payment.succeeded") == 1
    assert "an endpoint has heard all by itself" in world.reached


@pytest.mark.parametrize("how", _BROKEN)
async def test_one_that_fails_or_falls_silent_hears_it_later_and_once(
    world: World, how: str
) -> None:
    await play(world, [*_HEARS, *_BROKEN[how], Act("hush")])
    assert "an endpoint has heard all by itself" in world.reached
    rows = await world.rows("webhook_deliveries")
    assert max(row["tries"] for row in rows) > 1


@pytest.mark.parametrize("off", [Act("switch_ear", 0, 0), Act("break_ear", 0, 5)])
async def test_one_that_was_disabled_is_sent_what_it_missed(world: World, off: Act) -> None:
    steps = [_HEARS[0], off, Act("open_session"), Act("cancel"), Act("send_events", 1)]
    await play(world, [*steps, *_HEARS[1:], Act("send_events", 1), Act("resend")])
    [ear] = world.hearing.ears.values()
    assert ear.was_off
    assert any(event["type"] == "session.completed" for event in ear.taken.values())


async def test_those_of_a_session_come_one_after_the_other_where_that_is_asked_for(
    world: World,
) -> None:
    await play(world, _IN_ORDER)
    [ear] = world.hearing.ears.values()
    types = [one["type"] for one in ear.taken.values() if one["type"].startswith("session.")]
    assert types[:2] == ["session.expired", "session.completed"]


@pytest.mark.parametrize(
    ("guard", "words"),
    [
        ("lost", "not heard"),
        ("believed", "not heard"),
        ("ids", "carries evt"),
        ("order", "was heard as"),
    ],
)
async def test_control_without_what_keeps_it_so_that_is_heard(
    world: World, guard: str, words: str
) -> None:
    with GUARDS[guard](), pytest.raises(Broken, match=words):
        await play(world, _IN_ORDER)
