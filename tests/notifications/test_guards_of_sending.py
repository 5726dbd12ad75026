"""What the sender relies on where things go wrong: each test fails without its one guard."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from service.core.errors import Unavailable
from service.notifications.endpoints.operations.changing import Wish, change_endpoint, rotate_secret
from service.notifications.endpoints.repository import deliveries
from service.notifications.endpoints.repository.deliveries import Claimed, Kept
from service.notifications.endpoints.sending import lines as waiting
from service.notifications.endpoints.sending.lines import AT_ONCE_EACH, AT_ONCE_FAILING, Lines
from service.notifications.endpoints.sending.trying import Tried, kept_of
from service.notifications.endpoints.states import LONGEST_WAIT, WAITS, DeliveryStatus
from tests.conftest import NOON
from tests.notifications.receivers import receiving
from tests.notifications.telling import OPERATOR, endpoint, sender_of, sent, services_of, tell
from tests.support.shop import Shop


def _claimed(n: int) -> Claimed:
    return Claimed(f"{n}", "m", "we_1", f"evt_{n}", "{}", None, 0, "claim", NOON)


def test_what_has_waited_for_too_long_is_left_to_whoever_takes_it_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = Lines()
    lines.add([_claimed(0), _claimed(1)])
    workers = list(lines.idle_workers())
    monkeypatch.setattr(waiting, "FRESH_S", -1.0)
    assert [lines.next(one) for one in workers] == [None, None]
    assert lines.size == 0
    lines.add([_claimed(2)])
    assert list(lines.idle_workers()) == ["we_1"], "those that ended are counted no more"


def test_one_that_takes_something_again_is_sent_to_as_all_others_are() -> None:
    lines = Lines()
    lines.add([_claimed(0)])
    (worker,) = lines.idle_workers()
    lines.next(worker)
    lines.failed("we_1", NOON)
    assert lines.next(worker) is None
    assert len(lines.add(_claimed(n) for n in range(1, 10))) == 9 - AT_ONCE_FAILING
    assert len(list(lines.idle_workers())) == AT_ONCE_FAILING
    assert lines.next("we_1") == _claimed(1), "two go on trying"
    lines.took("we_1")
    lines.add(_claimed(n) for n in range(10, 30))
    assert len(list(lines.idle_workers())) == AT_ONCE_EACH - AT_ONCE_FAILING


def test_of_those_under_way_when_it_fails_all_but_two_end_though_something_waits() -> None:
    lines = Lines()
    lines.add(_claimed(n) for n in range(AT_ONCE_EACH))
    workers = list(lines.idle_workers())
    for worker in workers:
        lines.next(worker)
    lines.failed("we_1", NOON)
    lines._failing.clear()
    lines.add(_claimed(n) for n in range(8, 20))
    lines._failing["we_1"] = NOON
    ended = [lines.next(worker) is None for worker in workers]
    assert ended == [True] * (AT_ONCE_EACH - AT_ONCE_FAILING) + [False] * AT_ONCE_FAILING


def test_all_that_waits_is_left_at_the_end_and_counts_no_more() -> None:
    lines = Lines()
    lines.add(_claimed(n) for n in range(3))
    assert [one.id for one in lines.leave_all()] == ["0", "1", "2"]
    assert (lines.size, lines.leave_all()) == (0, [])


async def test_how_it_went_is_kept_later_where_the_database_did_not_take_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep, refused = deliveries.keep, []

    async def refuses_once(kept: Sequence[Kept], clock: Any) -> None:
        if not refused:
            refused.append(len(kept))
            raise Unavailable("not now")
        await keep(kept, clock)

    monkeypatch.setattr(deliveries, "keep", refuses_once)
    async with receiving() as receiver:
        await endpoint(shop, receiver.url())
        await tell(shop)
        sender = sender_of(shop)
        with pytest.raises(Unavailable):
            await sender.work_off()
        (row,) = await sent(shop)
        assert (row["status"], row["tries"]) == ("delivered", 1)
        assert await sender.work_off() == 0
    assert len(receiver.got) == 1


async def test_a_process_that_has_sent_before_signs_with_what_was_changed_since(shop: Shop) -> None:
    async with receiving() as receiver:
        told = await endpoint(shop, receiver.url())
        sender = sender_of(shop)
        await tell(shop, "1")
        await sender.work_off()
        await rotate_secret(services_of(shop), told.endpoint.id, OPERATOR)
        await tell(shop, "2")
        await sender.work_off()
    signatures = [len(one.headers["webhook-signature"].split(" ")) for one in receiver.got]
    assert signatures == [1, 2]


async def test_what_was_taken_before_its_endpoint_was_disabled_is_not_sent(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was claimed; the row of who disabled it is read no more, and stays as it is."""
    claim = deliveries.claim

    async def and_is_disabled(*given: Any) -> Sequence[Claimed]:
        found = await claim(*given)
        if found:
            off = Wish(enabled=False)
            await change_endpoint(services_of(shop), found[0].endpoint_id, off, OPERATOR)
            await services_of(shop).endpoints.refresh(0)
        return found

    monkeypatch.setattr(deliveries, "claim", and_is_disabled)
    async with receiving() as receiver:
        await endpoint(shop, receiver.url())
        await tell(shop)
        assert await sender_of(shop).work_off() == 0
    (row,) = await sent(shop)
    assert (row["status"], row["attempts"], receiver.got) == ("canceled", [], [])


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        (None, WAITS[0] * 0.9, WAITS[0]),
        (timedelta(minutes=1), timedelta(minutes=1), timedelta(minutes=1)),
        (LONGEST_WAIT * 3, LONGEST_WAIT, LONGEST_WAIT),
    ],
)
def test_a_receiver_puts_off_by_more_than_our_own_wait_and_not_for_ever(
    asked: timedelta | None, least: timedelta, most: timedelta
) -> None:
    kept = kept_of(Tried(_claimed(0), NOON, 1, status=503, error="no", put_off=asked))
    assert kept.status is DeliveryStatus.PENDING
    assert kept.wait is not None
    assert least <= kept.wait <= most
