"""Deliveries go slowly while requests come in crowds, and as fast as they can otherwise."""

import asyncio
import math
import time
from itertools import count

import pytest
from msgspec.structs import replace

from service.core import rush
from service.core.batches import Until
from service.core.errors import Unavailable
from service.core.news import WRITTEN
from service.core.rush import CROWD
from service.notifications.endpoints.operations.backlog import ENOUGH, Backlog
from service.notifications.endpoints.repository import deliveries
from service.notifications.endpoints.sending import pace as pacing
from service.notifications.endpoints.sending.client import Client
from service.notifications.endpoints.sending.pace import FEWEST, MOST, WORK_A_ROW_S, Pace
from service.notifications.endpoints.sending.sender import Sender
from service.outbox.operations.post import Post
from tests.notifications.receivers import receiving
from tests.notifications.telling import endpoint, fan_out, sent, services_of, tell, write
from tests.support.profiled import profiled
from tests.support.shop import Shop

IN_TIME = 20
_EACH = 2 * FEWEST // 8 + 1


class Requests:
    """What the hot routes have carried: so many come together whenever somebody looks."""

    def __init__(self, together: int) -> None:
        self._together, self._groups = together, 0

    def __call__(self) -> tuple[int, int]:
        self._groups += 1
        return self._groups, self._groups * self._together


@pytest.mark.parametrize(("together", "busy"), [(CROWD, True), (CROWD - 1, False), (0, False)])
def test_a_process_is_busy_while_requests_come_in_crowds(together: int, busy: bool) -> None:
    pace = Pace(Requests(together))
    pace.look()
    assert pace.is_busy is busy
    assert (pace.step(400) <= MOST) is busy
    assert pace.step(7) == 7


@pytest.mark.parametrize(("calm_after_s", "busy"), [(math.inf, True), (0.0, False)])
def test_it_is_busy_until_no_crowd_has_come_for_a_while(
    calm_after_s: float, busy: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two looks there may just be no group: it went at full speed then."""
    carried = [(1, 8), (2, 40), (2, 40), (3, 41)]
    pace = Pace(lambda: carried.pop(0))
    pace.look()
    assert pace.is_busy
    monkeypatch.setattr(rush, "CALM_AFTER_S", calm_after_s)
    pace.look()
    assert pace.is_busy is busy
    pace.look()
    assert pace.is_busy is busy


@pytest.mark.parametrize(("work_s", "step"), [(1e-12, MOST), (math.inf, FEWEST)])
def test_who_computes_much_between_two_looks_may_begin_more(
    work_s: float, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "WORK_A_ROW_S", work_s)
    pace = Pace(Requests(CROWD))
    pace.look()
    assert pace.step(400) == step


async def test_a_busy_process_computes_for_others_before_more_deliveries_begin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pacing, "LONGEST_A_ROW_S", float(IN_TIME))
    pace, others = Pace(Requests(CROWD)), asyncio.create_task(_computes())
    pace.look()
    used = time.process_time()
    async with asyncio.timeout(IN_TIME):
        await pace.rest(asyncio.Event())
    others.cancel()
    assert time.process_time() - used >= 0.9 * FEWEST * WORK_A_ROW_S


async def test_the_rest_ends_with_the_process_and_where_nothing_computes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pace, stopping = Pace(Requests(CROWD)), asyncio.Event()
    pace.look()
    async with asyncio.timeout(IN_TIME):
        await pace.rest(stopping)
        monkeypatch.setattr(pacing, "LONGEST_A_ROW_S", math.inf)
        monkeypatch.setattr(pacing, "WORK_A_ROW_S", math.inf)
        stopping.set()
        await pace.rest(stopping)


@pytest.mark.parametrize(("together", "claims"), [(CROWD, 3), (0, 1)])
async def test_a_busy_sender_takes_a_few_at_a_time_and_sends_all(
    shop: Shop, together: int, claims: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred and more in steps; the control, for whom nothing is done beside, at once."""
    monkeypatch.setattr(pacing, "MOST", FEWEST)
    async with receiving() as receiver:
        for _ in range(8):
            await endpoint(shop, receiver.url())
        await tell(shop, *map(str, range(_EACH)))
        await fan_out(shop)
        services = services_of(shop)
        client = Client(services.addresses)
        pace = Pace(Requests(together))
        async with profiled(shop.database) as done:
            sent = await Sender(services, client, Until(math.inf), pace).work_off()
        client.close()
    asked = [one for one in done if one["op"] == "query" and "webhook_deliveries" in one["ns"]]
    taken = [one for one in asked if one["nreturned"]]  # how often it looks in vain is time's
    assert sent == len(receiver.got) == 8 * _EACH
    assert len(taken) == claims


class Noted(Backlog):
    """Keeps all that was noted."""

    def __init__(self) -> None:
        super().__init__()
        self.noted: list[bool] = []

    def note(self, *, busy: bool, more: bool) -> None:
        super().note(busy=busy, more=more)
        self.noted.append(self.is_enough)


@pytest.mark.parametrize(("together", "behind"), [(CROWD, True), (0, False)])
async def test_a_sender_is_behind_while_crowds_come_and_more_is_due_than_may_begin(
    shop: Shop, together: int, behind: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pacing, "MOST", FEWEST)
    backlog = Noted()
    async with receiving() as receiver:
        for _ in range(8):
            await endpoint(shop, receiver.url())
        await tell(shop, *map(str, range(_EACH)))
        services = replace(services_of(shop), backlog=backlog)
        client = Client(services.addresses)
        pace = Pace(Requests(together))
        await Sender(services, client, Until(math.inf), pace).work_off()
        client.close()
    assert (True in backlog.noted) is behind
    assert not backlog.is_enough


async def test_a_sender_that_gets_no_answer_keeps_nobody_waiting(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(*_: object) -> None:
        raise Unavailable("The database does not answer.")

    monkeypatch.setattr(deliveries, "claim", silent)
    services = replace(services_of(shop), backlog=Backlog())
    services.backlog.note(busy=True, more=True)
    client = Client(services.addresses)
    with pytest.raises(Unavailable):
        await Sender(services, client, Until(math.inf)).work_off()
    client.close()
    assert not services.backlog.is_enough


@pytest.mark.parametrize("made", [0, ENOUGH])
async def test_who_waits_is_woken_once_the_sender_has_caught_up(made: int) -> None:
    backlog = Backlog()
    with WRITTEN.subscribed({"session.completed"}) as news:
        backlog.note(busy=False, more=False)
        backlog.note(busy=True, more=not made)
        backlog.add(made)
        assert backlog.is_enough
        assert not news.is_set()
        backlog.note(busy=True, more=False)
        assert not backlog.is_enough
        assert news.is_set()


def test_it_is_behind_until_all_that_is_due_was_begun_with_also_once_the_crowd_is_gone() -> None:
    backlog = Backlog()
    found = [(True, True), (False, True), (True, True), (False, False), (False, True)]
    seen = []
    for busy, more in found:
        backlog.note(busy=busy, more=more)
        seen.append(backlog.is_enough)
    assert seen == [True, True, True, False, False]


@pytest.mark.parametrize("busy", [True, False])
def test_while_crowds_come_so_much_is_made_before_the_sender_looks_again(busy: bool) -> None:
    backlog = Backlog()
    backlog.note(busy=busy, more=False)
    backlog.add(ENOUGH - 1)
    assert not backlog.is_enough
    backlog.add(1)
    assert backlog.is_enough is busy


async def _made_by_a_look(shop: Shop, *, behind: bool) -> int:
    """Return how many deliveries a serving process makes of an event that is dispatched."""
    services, jobs = services_of(shop), shop.api.container.jobs
    services.backlog.note(busy=behind, more=behind)
    for _ in range(3):  # it is dispatched, handed on, and nothing is left
        post = Post(jobs.subscribers, shop.clock)  # anew: a busy one would rest in between
        await post.look()
        await asyncio.gather(*post.under_way.values())
    return len(await sent(shop))


async def test_nothing_more_is_made_while_the_sender_is_behind_and_all_of_it_afterwards(
    shop: Shop,
) -> None:
    async with receiving() as receiver:
        await endpoint(shop, receiver.url())
    await write(shop, "1")
    assert await _made_by_a_look(shop, behind=True) == 0
    assert await _made_by_a_look(shop, behind=False) == 1


async def test_a_job_that_works_off_what_is_due_waits_for_no_sender(shop: Shop) -> None:
    async with receiving() as receiver:
        await endpoint(shop, receiver.url())
    services_of(shop).backlog.note(busy=True, more=True)
    await tell(shop)
    assert len(await sent(shop)) == 1


async def _computes() -> None:
    for _ in count():
        await asyncio.sleep(0)
