"""Answers are computed once, kept until something changes, and never worth waiting for Redis."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
import structlog

from service.analytics.operations import caching
from service.analytics.operations.caching import HOURLY, Cache, Question
from service.analytics.repository import answers, versions
from service.analytics.repository.answers import Answers, Counted, Key, MemoryAnswers
from service.analytics.repository.shared_answers import RedisAnswers
from service.core.clock import ManualClock
from service.storage import redis
from service.storage.database import NOW_WRITTEN, Database, earlier
from service.storage.documents import bound_client
from service.storage.redis import redis_at as client_of
from tests.payments.history.rows import pay
from tests.support.api import ADMIN
from tests.support.limits import genuine
from tests.support.ports import held_port
from tests.support.profiled import profiled
from tests.support.redis import redis_at
from tests.support.shop import Shop

pytestmark = pytest.mark.usefixtures("database")

PEPPER = "pepper-of-these-tests-0123456789"


class Asker:
    """A process that asks one question, and counts how often it computed the answer."""

    def __init__(self, kept: Answers, clock: ManualClock, merchant: str = "default") -> None:
        """Keep answers there."""
        self.cache, self.computed = Cache(kept, clock), 0
        self.may, self.began = asyncio.Event(), asyncio.Event()
        self.may.set()
        self.question = Question((merchant, "/figures"), HOURLY, self._compute)

    async def _compute(self) -> bytes:
        self.computed += 1
        self.began.set()
        await self.may.wait()
        return f"answer {self.computed}".encode()

    async def ask(self) -> bytes:
        """Ask it."""
        return (await self.cache.answer(self.question)).body


@pytest.fixture
def port() -> Iterator[int]:
    """A port at which Redis is there, or away."""
    with held_port() as found:
        yield found


@asynccontextmanager
async def processes(port: int, clock: ManualClock, count: int = 2) -> AsyncIterator[list[Asker]]:
    """Some processes that keep their answers in one Redis."""
    clients = [client_of(f"redis://127.0.0.1:{port}/0") for _ in range(count)]
    found = [Asker(RedisAnswers(one, PEPPER, clock), clock) for one in clients]
    yield found
    for one in found:
        await one.cache.answers.close()


async def test_what_one_process_has_computed_all_are_shown(port: int, clock: ManualClock) -> None:
    async with redis_at(port), processes(port, clock) as (one, two):
        assert await one.ask() == await two.ask() == b"answer 1"
        assert (one.computed, two.computed) == (1, 0)
        assert await two.cache.answers.counted() == Counted(hits=1, misses=1)
        await pay("pi_1")
        assert (await two.ask(), two.computed) == (b"answer 1", 1)
        clock.advance(HOURLY)
        await one.ask()
        assert one.computed == 2
        # Control: processes that keep theirs in memory compute it each for itself.
        alone = [Asker(MemoryAnswers(), clock), Asker(MemoryAnswers(), clock)]
        assert [(await each.ask(), each.computed)[1] for each in alone] == [1, 1]


async def test_those_who_ask_at_once_wait_for_one_computing_whichever_process_they_ask(
    port: int, clock: ManualClock
) -> None:
    async with redis_at(port), processes(port, clock) as (one, two):
        one.may.clear()
        first = [asyncio.create_task(one.ask()) for _ in range(3)]
        await one.began.wait()
        others = [asyncio.create_task(two.ask()) for _ in range(3)]
        while (await two.cache.answers.counted() or Counted(0, 0)).misses < 6:
            assert not two.computed
        one.may.set()
        assert {*await asyncio.gather(*first, *others)} == {b"answer 1"}
        assert (one.computed, two.computed) == (1, 0)


async def test_who_may_compute_when_another_just_has_shows_what_that_kept(
    port: int, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with redis_at(port), processes(port, clock) as (one, two):
        claim = two.cache.answers.claim

        async def claim_late(key: Key) -> bool:
            await one.ask()
            return await claim(key)

        monkeypatch.setattr(two.cache.answers, "claim", claim_late)
        assert (await two.ask(), one.computed, two.computed) == (b"answer 1", 1, 0)


async def test_a_process_that_dies_while_it_computes_is_not_waited_for(
    port: int, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert caching.MOST_LOOKS * caching.LOOK_EVERY_S == 5
    monkeypatch.setattr(caching, "LOOK_EVERY_S", 0)
    async with redis_at(port), processes(port, clock) as (dead, alive):
        assert await dead.cache.answers.claim(dead.question.key)
        assert (await alive.ask(), alive.computed) == (b"answer 1", 1)
        # What another process has claimed stays its own.
        assert not await alive.cache.answers.claim(alive.question.key)


async def test_a_redis_that_is_away_or_hangs_costs_no_answer(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert genuine(redis, "WITHIN_S") == 0.25
    monkeypatch.setattr(redis, "WITHIN_S", 0.02)
    connected = 0

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connected
        connected += 1
        await reader.read()
        writer.close()

    async with await asyncio.start_server(hang, "127.0.0.1") as server:
        at = server.sockets[0].getsockname()[1]
        async with processes(at, clock, 1) as (asker,):
            with structlog.testing.capture_logs() as logs:
                assert [await asker.ask(), await asker.ask()] == [b"answer 1", b"answer 2"]
            assert connected == 1  # then it is left alone
            assert [entry["log_level"] for entry in logs] == ["warning"]
            assert await asker.cache.answers.counted() is None
            clock.advance(timedelta(seconds=6))
            await asker.ask()
            assert connected > 1


async def test_what_can_not_be_read_is_computed(port: int, clock: ManualClock) -> None:
    async with redis_at(port), processes(port, clock, 1) as (asker,):
        await asker.ask()
        by_hand = client_of(f"redis://127.0.0.1:{port}/0")
        [name] = [key async for key in by_hand.scan_iter() if b"counted" not in key]
        sealed = await by_hand.get(name)
        assert sealed is not None
        assert b"answer" not in sealed
        assert b"default" not in name
        for forged in (b"", b"garbage", sealed[:-4], sealed[::-1]):
            await by_hand.set(name, forged)
            before = asker.computed
            await asker.ask()
            assert asker.computed == before + 1
        [counted] = [key async for key in by_hand.scan_iter() if b"counted" in key]
        await by_hand.hset(counted, {"hits": "garbage"})
        assert await asker.cache.answers.counted() is None
        for key in (name, counted):  # of another type altogether
            await by_hand.delete([key])
            await by_hand.lpush(key, ["garbage"])
        assert (await asker.ask(), await asker.cache.answers.counted()) == (b"answer 6", None)
        clock.advance(timedelta(seconds=6))
        await by_hand.delete([name, counted])
        await asker.ask()
        # What was kept for one merchant is none of another's.
        other = Asker(asker.cache.answers, clock, "another")
        await other.ask()
        kept = await by_hand.get(name)
        assert kept is not None
        for key in [key async for key in by_hand.scan_iter() if b"counted" not in key]:
            await by_hand.set(key, kept)
        assert (await other.ask(), other.computed) == (b"answer 2", 2)
        by_hand.connection_pool.disconnect()


async def test_what_is_committed_late_is_noticed(database: Database, clock: ManualClock) -> None:
    paid = [await pay(f"pi_{n}") for n in range(2)]
    asker = Asker(MemoryAnswers(), clock)
    async with bound_client().start_session() as late:
        await late.start_transaction()
        fields = {"$set": {"amount": 1}, **NOW_WRITTEN}
        await database["payments"].update_one({"_id": paid[0]["_id"]}, fields, session=late)
        await database["payments"].update_one({"_id": paid[1]["_id"]}, fields)
        before = await versions.latest("default")
        assert [await asker.ask(), await asker.ask()] == [b"answer 1"] * 2
        await late.commit_transaction()
    assert await asker.ask() == b"answer 2"
    # Control: by the latest change alone it would not be.
    assert await versions.latest("default") == before


@pytest.mark.parametrize(("very_much", "examined"), [(2, 2), (1_000, 3)])
async def test_where_very_much_changes_its_neighbours_are_not_added_up_and_no_commit_is_missed(
    database: Database,
    clock: ManualClock,
    very_much: int,
    examined: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The control looks at all of them with each question, and keeps its answer."""
    monkeypatch.setattr(versions, "VERY_MUCH", very_much)
    for number in range(3):
        await pay(f"pi_{number}")
    asker = Asker(MemoryAnswers(), clock)
    async with profiled(database) as done:
        assert await asker.ask() == b"answer 1"
    looks = [one for one in done if "keysExamined" in one]
    assert max(one["keysExamined"] for one in looks) == examined
    assert await asker.ask() == (b"answer 2" if very_much == 2 else b"answer 1")
    assert await asker.ask() == (b"answer 2" if very_much == 2 else b"answer 1")  # once a second
    monkeypatch.setattr(caching, "COMMITTED_WITHIN_S", -1)  # nothing more may be committed
    clock.advance(timedelta(seconds=1))
    settled = await asker.ask()
    clock.advance(timedelta(seconds=2))
    assert await asker.ask() == settled


async def test_very_much_that_was_changed_a_while_ago_is_added_up_since_nothing_more_may_come(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control was changed just now: what comes next is later in any case."""
    monkeypatch.setattr(versions, "VERY_MUCH", 2)
    for number in range(3):
        await pay(f"pi_{number}")
    at = (await versions.latest("default")).at
    assert (await versions.weight_before("default", at, 3600))[0] is None
    before = earlier(at, 3600)
    await database["payments"].update_many({}, {"$set": {"writtenAt": before}})
    assert (await versions.latest("default")).at == before
    assert (await versions.weight_before("default", before, 5))[0] is not None


async def test_while_all_changes_an_answer_is_computed_once_a_second(clock: ManualClock) -> None:
    asker = Asker(MemoryAnswers(), clock)
    assert await asker.ask() == b"answer 1"
    for number, expected in enumerate((2, 2, 2)):
        await pay(f"pi_{number}")
        assert await asker.ask() == f"answer {expected}".encode()
    clock.advance(timedelta(seconds=1))
    assert await asker.ask() == b"answer 3"


async def test_what_was_asked_for_lately_is_computed_ahead_where_something_has_changed(
    clock: ManualClock,
) -> None:
    asker, other = (Asker(MemoryAnswers(), clock, name) for name in ("default", "another"))
    asker.cache = other.cache
    await asker.ask()
    await other.ask()
    assert await asker.cache.warm() == 0
    await pay("pi_1")
    assert await asker.cache.warm() == 1
    assert (asker.computed, other.computed) == (2, 1)
    assert (await asker.ask(), asker.computed) == (b"answer 2", 2)
    # What is over and has not changed is not computed before somebody asks.
    clock.advance(HOURLY)
    assert await asker.cache.warm() == 0
    # Nobody has asked for it since.
    clock.advance(timedelta(minutes=26))
    await pay("pi_2")
    assert await asker.cache.warm() == 0


async def test_one_of_all_processes_computes_an_answer_ahead(port: int, clock: ManualClock) -> None:
    async with redis_at(port), processes(port, clock) as (one, two):
        await one.ask()
        await two.ask()
        await pay("pi_1")
        assert sum(await asyncio.gather(one.cache.warm(), two.cache.warm())) >= 1
        assert one.computed + two.computed == 2


async def test_memory_holds_so_much_and_the_latest(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "MOST_BYTES", 20)
    kept = MemoryAnswers()
    askers = [Asker(kept, clock, f"m-{n}") for n in range(3)]
    for _ in range(2):
        for asker in askers:
            await asker.ask()
    assert [asker.computed for asker in askers] == [2, 2, 2]
    assert (await askers[2].ask(), askers[2].computed) == (b"answer 2", 2)
    monkeypatch.setattr(answers, "LARGEST", 3)
    await kept.forget()
    assert [await askers[0].ask(), await askers[0].ask()] == [b"answer 3", b"answer 4"]


async def _asked_beside(clock: ManualClock, many: int) -> bool:
    """Ask many questions of one merchant at once, and one of another; return if that is answered.

    None of the former ends before.
    """
    cache = Cache(MemoryAnswers(), clock)
    gate, began = asyncio.Event(), asyncio.Event()

    async def held() -> bytes:
        began.set()
        await gate.wait()
        return b"held"

    async def at_once() -> bytes:
        return b"answered"

    asked = [
        asyncio.create_task(cache.answer(Question(("greedy", str(n)), HOURLY, held)))
        for n in range(many)
    ]
    await began.wait()
    other = asyncio.create_task(cache.answer(Question(("default", "one"), HOURLY, at_once)))
    for _ in range(300):  # each a turn of the loop, or a look at the database
        await versions.latest("default")
        if other.done():
            break
    answered = other.done()
    gate.set()
    await asyncio.gather(*asked, other)
    return answered


async def test_whatever_one_merchant_asks_another_is_answered(clock: ManualClock) -> None:
    assert caching.MOST_OF_ONE < caching.AT_ONCE
    assert await _asked_beside(clock, 40)


async def test_control_where_one_may_ask_as_many_as_all_the_other_waits(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(caching, "MOST_OF_ONE", caching.AT_ONCE)
    assert not await _asked_beside(clock, 40)


async def test_a_question_is_one_in_whatever_way_it_is_written(shop: Shop) -> None:
    """Else whoever may ask could have the same computed, and kept, as often as they like."""
    computed = 0
    cache = shop.api.container.figures.cache
    compute = cache._compute

    async def counted(question: Question, version: answers.Version) -> answers.Answer:
        nonlocal computed
        computed += 1
        return await compute(question, version)

    path = "/api/v1/analytics/failures"
    written = ("days=7&timezone=UTC", "timezone=UTC&days=7", "days=%37&timezone=UTC&&&")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(cache, "_compute", counted)
        for one in written:
            answer = await shop.api.call("GET", f"{path}?{one}", ADMIN)
            assert answer.status_code == 200, answer.text
        assert computed == 1
        await shop.api.call("GET", f"{path}?days=8&timezone=UTC", ADMIN)  # the control
        assert computed == 2
