"""Batched load: one query for many, of what stood when each of them asked, or later."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from pymongo import AsyncMongoClient, MongoClient, monitoring
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.read_concern import ReadConcern

from service.core.errors import Unavailable
from service.storage.database import Client, Row
from service.storage.group_commit.loads import BatchedLoad, Key, primary_of
from service.storage.group_commit.queue import Limits
from tests.storage.failing import failing
from tests.storage.group_commit.conftest import Words

Rows = AsyncCollection[Row]
NAMES = [f"n{number:02}" for number in range(20)]


@pytest.fixture
async def stored(rows: Rows, words: Words) -> Rows:
    """Twenty rows in each of two shops."""
    await rows.insert_many([{"shop": shop, "name": name} for shop in "ab" for name in NAMES])
    words.sent.clear()
    return rows


@pytest.fixture
def loads(stored: Rows) -> BatchedLoad:
    """Loads of any number at once."""
    return BatchedLoad(lambda: stored, ("shop", "name"), Limits(items=100, lanes=1))


async def _names(loads: BatchedLoad, *keys: tuple[str, str]) -> list[Any]:
    found = await asyncio.gather(*(loads.load(*key) for key in keys), return_exceptions=True)
    return [(one["shop"], one["name"]) if isinstance(one, dict) else one for one in found]


async def test_a_lone_load_is_one_query(loads: BatchedLoad, words: Words) -> None:
    assert await _names(loads, ("a", "n03")) == [("a", "n03")]
    assert words.count("find") == 1


async def test_loads_at_once_are_one_query(loads: BatchedLoad, words: Words) -> None:
    keys = [("a", name) for name in NAMES]
    assert await _names(loads, *keys) == keys
    assert words.count("find") == 1


async def test_everybody_gets_the_row_of_their_own_shop(loads: BatchedLoad, words: Words) -> None:
    keys = [(shop, name) for name in NAMES for shop in "ab"]
    assert await _names(loads, *keys) == keys
    assert words.count("find") == 2


async def test_the_same_key_asked_twice_is_answered_twice(loads: BatchedLoad) -> None:
    assert await _names(loads, *[("a", "n01")] * 5) == [("a", "n01")] * 5


async def test_an_unknown_key_is_none_for_its_caller_alone(loads: BatchedLoad) -> None:
    keys = [("a", "n01"), ("a", "nobody"), ("c", "n01"), ("b", "n02")]
    assert await _names(loads, *keys) == [("a", "n01"), None, None, ("b", "n02")]
    assert await _names(loads, ("a", "nobody")) == [None]


@pytest.mark.parametrize("key", ["$ne", ".", "", "n01\x00", '{"$gt": ""}'])
async def test_a_key_is_a_text_and_never_an_operator(loads: BatchedLoad, key: str) -> None:
    assert await _names(loads, ("a", key)) == [None]
    assert await _names(loads, ("a", key), ("a", "n01")) == [None, ("a", "n01")]


async def test_a_key_that_can_not_be_encoded_fails_only_its_caller(loads: BatchedLoad) -> None:
    wrong, right = await _names(loads, ("a", "\ud800"), ("a", "n01"))
    assert isinstance(wrong, UnicodeEncodeError)
    assert right == ("a", "n01")


async def _asked_during_a_query(loads: BatchedLoad, stored: Rows, words: Words) -> bool:
    """Read a row that is changed while the query of others is under way; is the change seen?"""
    before = asyncio.create_task(loads.load("a", "n01"))
    await words.next("find")
    await stored.update_one({"shop": "a", "name": "n01"}, {"$set": {"changed": True}})
    after = await loads.load("a", "n01")
    await before
    return after is not None and "changed" in after


async def test_who_asks_after_a_write_sees_it(
    loads: BatchedLoad, stored: Rows, words: Words
) -> None:
    assert await _asked_during_a_query(loads, stored, words)


async def test_control_a_query_that_began_before_the_call_may_not_see_it(
    loads: BatchedLoad, stored: Rows, words: Words, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[tuple[str, str], Any] = {}

    async def shared(first: str, second: str) -> Row | None:
        key = (first, second)
        asked[key] = asked.get(key) or asyncio.create_task(loads.queue.submit(key))
        found: Row | None = await asked[key]
        return found

    monkeypatch.setattr(loads, "load", shared)
    assert not await _asked_during_a_query(loads, stored, words)


class _BehindTheTimes(monitoring.CommandListener):
    """Lets a row be committed between a query that missed it and whatever is asked next.

    To who asks it is the same as a new primary that does not know of it yet.
    """

    def __init__(self, uri: str) -> None:
        self._uri, self.concerns = uri, list[str]()

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name == "find":
            self.concerns.append(event.command["readConcern"]["level"])

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        if event.command_name == "find" and len(self.concerns) == 1:
            with MongoClient[Row](self._uri) as by_hand:
                by_hand["tillgate_groups"]["rows"].insert_one({"shop": "a", "name": "late"})

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        raise AssertionError(event.failure)


@pytest.fixture
async def behind(mongo_uri: str, stored: Rows) -> AsyncIterator[tuple[BatchedLoad, list[str]]]:
    """Loads of a client whose first query is behind the times, and the concerns that it named."""
    listener = _BehindTheTimes(mongo_uri)
    async with AsyncMongoClient[Row](
        mongo_uri, readConcernLevel="majority", event_listeners=[listener]
    ) as client:
        rows = client["tillgate_groups"]["rows"]
        limits = Limits(items=100, lanes=1)
        yield BatchedLoad(lambda: rows, ("shop", "name"), limits), listener.concerns


async def test_a_row_is_missing_only_once_a_linearizable_read_has_not_found_it(
    behind: tuple[BatchedLoad, list[str]],
) -> None:
    loads, concerns = behind
    assert await _names(loads, ("a", "n01"), ("a", "late")) == [("a", "n01"), ("a", "late")]
    assert concerns == ["majority", "linearizable"]
    assert await _names(loads, ("a", "late"), ("a", "nobody")) == [("a", "late"), None]
    assert concerns[2:] == ["majority"]  # this primary's majority reads are behind no more


async def test_each_primary_is_doubted_once_and_one_that_nobody_knows_never(
    loads: BatchedLoad, words: Words, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = []
    for elected in (None, "first", "first", "second", "second", "first"):
        monkeypatch.setattr(
            "service.storage.group_commit.loads.primary_of", lambda _, by=elected: by
        )
        words.sent.clear()
        assert await _names(loads, ("a", "nobody")) == [None]
        queries.append(words.count("find"))
    assert queries == [1, 2, 1, 2, 1, 2]


async def test_the_primary_is_named_with_its_election(own_client: Client, stored: Rows) -> None:
    found = primary_of(stored)
    assert found is not None
    hello = await own_client.admin.command("hello")
    assert found == (await own_client.address, hello["electionId"])


async def test_control_a_majority_read_that_is_behind_misses_what_was_acknowledged(
    behind: tuple[BatchedLoad, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    loads, _ = behind
    together = loads._together

    async def once(keys: Sequence[Key], collection: AsyncCollection[Row]) -> dict[Key, Row]:
        certain = collection.read_concern.level == "linearizable"
        return {} if certain else await together(keys, collection)

    monkeypatch.setattr(loads, "_together", once)
    assert await _names(loads, ("a", "late")) == [None]


async def test_many_read_what_they_have_just_written(loads: BatchedLoad, stored: Rows) -> None:
    async def write_and_read(number: int) -> bool:
        for step in range(5):
            name = f"w{number}-{step}"
            await stored.insert_one({"shop": "a", "name": name})
            if await loads.load("a", name) is None:
                return False
        return True

    assert all(await asyncio.gather(*(write_and_read(number) for number in range(12))))


async def test_a_query_that_fails_is_done_again_alone_and_nobody_hears_of_it(
    loads: BatchedLoad, own_client: Client, words: Words
) -> None:
    keys = [("a", "n01"), ("a", "n02"), ("a", "nobody")]
    async with failing(own_client, ["find"], mode={"times": 1}, errorCode=8):
        assert await _names(loads, *keys) == [("a", "n01"), ("a", "n02"), None]
    assert words.count("find") == 1 + 3 + 1  # whom nobody knows is looked for with certainty


async def test_rows_that_are_too_large_for_one_answer_are_each_read_alone(
    loads: BatchedLoad, stored: Rows, words: Words, own_client: Client
) -> None:
    names = [f"large{n}" for n in range(9)]
    await stored.insert_many([{"shop": "a", "name": name, "pad": "x" * 2**21} for name in names])
    words.sent.clear()
    keys = [("a", name) for name in names]
    assert await _names(loads, *keys) == keys
    assert words.count("find") == 1 + 9
    idle: list[Row] = [{"$currentOp": {"idleCursors": True}}, {"$match": {"type": "idleCursor"}}]
    admin = own_client.get_database("admin", read_concern=ReadConcern("local"))
    cursors = await (await admin.aggregate(idle)).to_list()
    assert [one for one in cursors if one["ns"].endswith(".rows")] == []


@pytest.mark.usefixtures("impatient")
async def test_a_database_that_goes_on_failing_is_unavailable_to_each(
    loads: BatchedLoad, own_client: Client
) -> None:
    async with failing(own_client, ["find"], closeConnection=True):
        told = await _names(loads, ("a", "n01"), ("a", "n02"))
    assert [type(one) for one in told] == [Unavailable, Unavailable]
    assert told[0] is not told[1]
