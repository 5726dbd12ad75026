"""The fast path and the plain path are the same to a caller, whatever happens at the same time."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pymongo.errors import BulkWriteError

from service.inbox import repository as inbox
from service.sessions import repository as sessions
from service.storage.database import Client
from service.storage.group_commit import stepping
from service.storage.group_commit import transactions as groups
from service.storage.group_commit.queue import GroupQueue
from tests.effects.stories import MANY_ASKS, RAZORPAY, STRIPE, Ending, Story, play
from tests.storage.failing import failing
from tests.support import limits
from tests.support.events import Delivery
from tests.support.shop import Shop

QUEUES: dict[str, GroupQueue[Any, Any]] = {
    "inserts": sessions.INSERTS.queue,
    "loads": sessions.LOADS.queue,
    "commits": inbox.COMMITS.queue,
}

_CONFLICT = {"errorCode": 112, "errorLabels": ["TransientTransactionError"]}
_UNSURE = {"writeConcernError": {"code": 64, "errmsg": "no majority yet"}}
_LOST = {"errorCode": 251, "errorLabels": ["TransientTransactionError"]}
Failure = tuple[list[str], dict[str, Any]]
FAILURES: list[Failure] = [
    (["insert"], _CONFLICT),
    (["update"], _CONFLICT),
    (["find"], _CONFLICT),
    (["aggregate"], _CONFLICT),
    (["insert", "update", "find", "findAndModify", "aggregate"], _CONFLICT),
    (["commitTransaction"], _LOST),
    (["insert", "commitTransaction"], _UNSURE),
    (["insert"], {"closeConnection": True}),
    (["commitTransaction"], {"closeConnection": True}),
    (["insert", "update", "find", "aggregate", "commitTransaction"], {"closeConnection": True}),
    (["abortTransaction", "update"], _CONFLICT),
]

STORIES = st.builds(
    Story,
    told=st.tuples(st.sampled_from(STRIPE), st.sampled_from(RAZORPAY), st.sampled_from(STRIPE)),
    ahead=st.integers(0, 2),
    copies=st.lists(st.integers(0, 20), max_size=6).map(tuple),
    asks=st.lists(st.integers(0, MANY_ASKS - 1), min_size=6, max_size=14).map(tuple),
    seed=st.integers(0, 1000),
)
# How many fail, or how many go well before all others fail.
MODES = st.one_of(
    st.builds(lambda n: {"times": n}, st.integers(1, 6)),
    st.builds(lambda n: {"skip": n}, st.integers(0, 30)),
)
BUSY = Story((STRIPE[0], RAZORPAY[0], STRIPE[2]), 1, tuple(range(12)), tuple(range(14)) * 2)


@pytest.fixture
def plainly() -> Iterator[Any]:
    """Switches between the fast path and the plain one, on which everything goes alone."""
    fast = {name: queue.limits for name, queue in QUEUES.items()}

    def switch(*, plain: bool) -> None:
        for name, queue in QUEUES.items():
            limits = fast[name]
            queue.limits = replace(limits, items=1, lanes=10_000) if plain else limits

    yield switch
    switch(plain=False)


@asynccontextmanager
async def hastily(failure: AbstractAsyncContextManager[None]) -> AsyncIterator[None]:
    """Fail, and wait for a fifth of the time only: what fails for ever does so sooner.

    Who comes again afterwards has all the time that there is, however busy the machine.
    """
    with limits.hastily():
        async with failure:
            yield


@pytest.fixture(scope="module")
def grouped() -> Iterator[dict[str, list[int]]]:
    """The sizes of the groups; at the end it is seen that there were any to speak of."""
    sizes: dict[str, list[int]] = {name: [] for name in QUEUES}
    with pytest.MonkeyPatch.context() as patch:
        for name, queue in QUEUES.items():
            patch.setattr(queue, "_carry", _counted(queue._carry, sizes[name]))
        yield sizes


def _counted(carry: Any, sizes: list[int]) -> Any:
    async def counted(entries: Any) -> None:
        sizes.append(len(entries))
        await carry(entries)

    return counted


def _same(one: Ending, other: Ending) -> None:
    for about in one.answers.keys() | other.answers.keys():
        mine, theirs = one.answers.get(about), other.answers.get(about)
        assert _settled(about, mine, one) == _settled(about, theirs, other), about
    for name in ("sessions", "payments", "webhook_events", "completed"):
        assert _known(one, name) == _known(other, name)


def _known(ending: Ending, name: str) -> dict[str, Any]:
    """Return the documents; who of those that asked for one id was first, the order decides."""
    documents: dict[str, Any] = ending.documents[name]
    if name != "sessions":
        return documents
    mine = {"amount", "metadata"}
    return {
        key: {field: value for field, value in row.items() if field not in mine}
        if key.startswith("new")
        else row
        for key, row in documents.items()
    }


def _settled(about: str, told: Any, ending: Ending) -> Any:
    """Return what was told about one thing, in words that no order and no lost answer changes."""
    if about.startswith("open new"):
        return _opened(about, told, ending)
    if about.startswith("event"):
        first = [words for words in told if words[1] != "parked" and not words[2]]
        assert len(first) <= 1, told  # nothing is done twice
        assert first or ending.repeated or told[0][1] == "parked", told
        return [(status, outcome if outcome == "parked" else "done") for status, outcome, _ in told]
    return told


def _opened(about: str, told: Any, ending: Ending) -> Any:
    """Who was first got it, with 201; the same again get it too, and others 409."""
    stands = ending.documents["sessions"][about.removeprefix("open ")]["amount"]
    fits = [words[0] for words in told if words[2] == stands]
    assert fits.count(201) == 1 or (ending.repeated and 201 not in fits), told
    assert set(fits) <= {200, 201}, told
    assert {words[0] for words in told if words[2] != stands} <= {409}, told
    return len(told)


def _search(many: int) -> settings:
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(max_examples=many, deadline=None, suppress_health_check=checks)


ONE, A_FEW, MANY = _search(1), _search(4), _search(60)


async def _both_ways(shop: Shop, plainly: Any, story: Story) -> None:
    plainly(plain=True)
    plain = await play(shop, story)
    plainly(plain=False)
    fast = await play(shop, story)
    assert plain.repeated == fast.repeated == 0
    _same(fast, plain)


@A_FEW
@example(story=BUSY)
@given(story=STORIES)
async def test_both_paths_give_the_same_answers_and_documents(
    shop: Shop, plainly: Any, grouped: dict[str, list[int]], story: Story
) -> None:
    await _both_ways(shop, plainly, story)


@pytest.mark.soak
@MANY
@given(story=STORIES)
async def test_both_paths_give_the_same_answers_and_documents_to_many(
    shop: Shop, plainly: Any, story: Story
) -> None:
    """Long: a search. A few of it are in `make test`."""
    await _both_ways(shop, plainly, story)


async def _both_ways_failing(
    shop: Shop, client: Client, plainly: Any, story: Story, failure: Failure, mode: dict[str, int]
) -> None:
    words, how = failure
    if "closeConnection" in how:  # the driver goes on trying for as long as it may
        mode = {"times": min(3, *mode.values())}
    plainly(plain=True)
    calm = await play(shop, story)
    plain = await play(shop, story, hastily(failing(client, words, mode=mode, **how)))
    plainly(plain=False)
    fast = await play(shop, story, hastily(failing(client, words, mode=mode, **how)))
    _same(plain, calm)
    _same(fast, calm)


@ONE
@example(story=BUSY, failure=FAILURES[9], mode={"times": 6})
@example(story=BUSY, failure=FAILURES[0], mode={"skip": 2})
@example(story=BUSY, failure=FAILURES[6], mode={"skip": 3})
@given(story=STORIES, failure=st.sampled_from(FAILURES), mode=MODES)
async def test_both_paths_lose_nothing_and_do_nothing_twice_when_any_word_fails(
    shop: Shop,
    client: Client,
    plainly: Any,
    grouped: dict[str, list[int]],
    story: Story,
    failure: Failure,
    mode: dict[str, int],
) -> None:
    await _both_ways_failing(shop, client, plainly, story, failure, mode)


@pytest.mark.soak
@MANY
@given(story=STORIES, failure=st.sampled_from(FAILURES), mode=MODES)
async def test_both_paths_lose_nothing_when_any_word_fails_in_many_stories(
    shop: Shop,
    client: Client,
    plainly: Any,
    story: Story,
    failure: Failure,
    mode: dict[str, int],
) -> None:
    """Long: a search of three plays each, some of which wait for a limit. A few are above."""
    await _both_ways_failing(shop, client, plainly, story, failure, mode)


async def test_the_fast_path_was_the_fast_path(
    shop: Shop, plainly: Any, grouped: dict[str, list[int]]
) -> None:
    """Without groups the tests above would prove nothing; and the plain path has none."""
    for sizes in grouped.values():
        sizes.clear()
    await play(shop, BUSY)
    assert all(max(sizes) > 3 for sizes in grouped.values()), grouped
    plainly(plain=True)
    for sizes in grouped.values():
        sizes.clear()
    await play(shop, BUSY)
    assert all(max(sizes) == 1 for sizes in grouped.values())


async def test_control_groups_whose_works_meet_are_found_out(
    shop: Shop, plainly: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def uncounted(tx: Any, writes: Any) -> None:
        for write in writes:
            with suppress(stepping.Mismatched):
                await stepping.write_all(tx, [write])

    # Each session's last two events change the same two rows, and insert no row twice: that alone
    # would give the group up.
    def declined_and_paid(shop: Shop, session: dict[str, Any], step: int) -> list[Delivery]:
        return STRIPE[0](shop, session, step)[:3]

    meeting = [Story((declined_and_paid,) * 3, ahead=1, seed=seed) for seed in range(6)]
    plainly(plain=True)
    plain = await play(shop, meeting[0])
    plainly(plain=False)
    for story in meeting:
        _same(await play(shop, story), plain)
    monkeypatch.setattr(stepping, "_claim", lambda *_: None)
    monkeypatch.setattr(groups, "write_all", uncounted)
    found = [await _found_out(shop, story, plain) for story in meeting]
    assert any(found)


async def _found_out(shop: Shop, story: Story, plain: Ending) -> bool:
    try:
        _same(await play(shop, story), plain)
    except AssertionError:
        return True
    return False


async def test_control_duplicates_that_are_swallowed_are_found_out(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    inserts = sessions.INSERTS

    async def swallowing(entries: Any) -> list[None]:
        collection = inserts._collection()
        try:
            await collection.insert_many([entry.item for entry in entries], ordered=False)
        except BulkWriteError:
            pass
        return [None] * len(entries)

    fine = await play(shop, BUSY)
    assert not await _found_out(shop, BUSY, fine)
    monkeypatch.setattr(inserts, "_together", swallowing)
    assert await _found_out(shop, BUSY, fine)
