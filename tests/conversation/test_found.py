"""What conversations have found, each with what had been missing taken out again."""

from collections.abc import Collection, Sequence
from datetime import datetime

import pytest

from service.core.clock import EARLIEST
from service.core.paging import Cursor
from service.effects import ownership as own
from service.notifications.endpoints.repository import sent
from service.outbox.documents import OutboxMessage
from service.outbox.operations.messages import KEEP_FOR
from service.sessions.checkouts import lock
from service.sessions.documents import Session
from service.sessions.operations.moving import giving_up
from service.sessions.operations.opening.attempt_id import attempt_id
from tests.conftest import NOON
from tests.conversation.acts import Act
from tests.conversation.playing import Broken, play, take
from tests.conversation.promises import check
from tests.conversation.world import EVENT, PRICE, SECRET, World, begin_anew

# A browser opens an order at Razorpay, which nobody can close, and goes. Its session is deleted.
_GONE = [Act("open_checkout", 2, 5, 0), Act("outlive", 0, 0, 0)]
_PAID_LATE = [Act("pay_late", 0, 0, 0), Act("deliver")]
_TAKEN_ANEW = [*_GONE, Act("open_anew", 0, 3, 5), *_PAID_LATE]


def _of_the_id(session: Session, n: int, pepper: str) -> str:
    """Name an attempt by the session's id, as it was."""
    return attempt_id(session.model_copy(update={"created_at": NOON}), n, pepper)


async def test_what_is_paid_for_an_earlier_session_of_an_id_completes_no_later_one(
    world: World,
) -> None:
    await play(world, _TAKEN_ANEW)
    assert "money of an earlier session of the same id" in world.reached
    [session] = await world.sessions()
    assert [one["paymentId"] for one in session["decisions"]] == []
    assert session["review"]["reason"] == "foreign_checkout"


async def test_control_by_the_id_alone_it_does(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "attempt_id", _of_the_id)
    with pytest.raises(Broken, match="was completed by the payment of"):
        await play(world, _TAKEN_ANEW)


async def test_nor_one_that_has_no_checkout_yet(world: World) -> None:
    await _without_a_checkout(world)
    assert (await world.sessions())[0]["review"]["reason"] == "foreign_checkout"


async def test_control_one_without_a_checkout_takes_all_that_names_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own, "is_anothers", lambda *_: False)
    with pytest.raises(AssertionError, match="was completed by the payment of"):
        await _without_a_checkout(world)


async def _without_a_checkout(world: World) -> None:
    await begin_anew(world)
    for step in _GONE:
        await take(world, step)
    [gone] = world.opened
    body = {"sessionId": gone, "userId": "ada", "eventId": EVENT, "amount": PRICE}
    body |= {"currency": "INR", "paymentMethod": "razorpay"}
    answer = await world.call("POST", "/api/payment-sessions", SECRET, json=body)
    assert answer.status_code == 201, answer.text
    for step in _PAID_LATE:
        await take(world, step)
    await world.deliver_everything()
    await check(world)


# A link that can't be closed while money is held in it, and what is held fails after all.
_HELD_OUT = [
    *(Act("open_checkout", 0, 1, 0), Act("hold_again", 0, 1, 0), Act("cancel", 0, 1, 0)),
    *(Act("go_on", 0, 1, 0), Act("go_on", 0, 1, 0), Act("clean_up", 0, 1, 0)),
    Act("settle_by_hand", 0, 1, 0),
]


async def test_a_link_that_was_not_closed_because_money_was_held_is_closed_at_the_end(
    world: World,
) -> None:
    await play(world, _HELD_OUT)
    [session] = await world.sessions()
    assert session["status"] == "completed"


async def test_control_what_was_given_up_once_can_be_paid_after_the_end(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(giving_up, "_held_out", lambda *_: False)
    with pytest.raises(Broken, match="can be paid, and their sessions have ended"):
        await play(world, _HELD_OUT)


# What was told before an endpoint was added, and is kept for longer since it was told again.
_TOLD_AGAIN = [
    *(Act("open_checkout", 0, 11, 1), Act("outlive", 2, 7, 11), Act("add_ear", 0, 7, 5)),
    Act("redeliver", 1, 7, 8),
]


async def test_what_was_told_again_is_nothing_to_an_endpoint_that_was_added_later(
    world: World,
) -> None:
    await play(world, _TOLD_AGAIN)
    assert "a delivery that was done is made again" in world.reached


async def test_control_by_when_it_is_deleted_alone_it_was_written_after_that(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    written_since = sent.written_since

    async def by_its_deletion(
        whose: str, topics: Collection[str], since: datetime, *, cursor: Cursor | None, limit: int
    ) -> tuple[Sequence[OutboxMessage], Cursor | None]:
        place = cursor or Cursor(since + KEEP_FOR, whose)
        return await written_since(whose, topics, EARLIEST, cursor=place, limit=limit)

    monkeypatch.setattr(sent, "written_since", by_its_deletion)
    with pytest.raises(Broken, match="too much"):
        await play(world, _TOLD_AGAIN)
