"""Reading along: a reader waits at the oplog of a lone member, while calls come one by one."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from service.app import create_app
from service.storage.database import Client, Database, Row
from service.storage.group_commit import reading_along as module
from service.storage.group_commit.reading_along import reading_along
from tests.storage.failing import failing
from tests.storage.group_commit.conftest import Words
from tests.support.patience import IN_TIME
from tests.support.settings import make_settings

_LOOKS = 8


class Carried:
    """Stands for a queue: from one look to the next it carries one group of `size`."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.groups = 0
        self._items = 0
        self.looked = asyncio.Event()

    @property
    def items(self) -> int:
        """Count on; it is asked once a look."""
        self.groups += 1
        self._items += self.size
        if self.groups >= _LOOKS:
            self.looked.set()
        return self._items


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK_EVERY_S", 0.02)
    _rest_for(monkeypatch, 0.0)


def _rest_for(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    monkeypatch.setattr(module, "_FIRST_REST_S", seconds)
    monkeypatch.setattr(module, "_LONGEST_REST_S", seconds)


def _read(own_client: Client, *queues: Any) -> Any:
    return reading_along(own_client["tillgate_groups"], queues)


async def _until_readers(client: Client, count: int) -> None:
    """Wait until mongod has so many readers under way."""
    wanted: Row = {"currentOp": 1, "$all": True, "ns": "tillgate_groups.nothing"}
    async with asyncio.timeout(IN_TIME):
        while len((await client.admin.command(wanted))["inprog"]) != count:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_reader_waits_at_the_oplog_of_a_lone_member(
    own_client: Client, words: Words
) -> None:
    async with _read(own_client):
        await words.next("getMore")
    (stages,) = (command["pipeline"] for word, command in words.sent if word == "aggregate")
    assert "$changeStream" in stages[0]


async def test_it_ends_with_the_block(own_client: Client) -> None:
    for _ in range(5):
        async with asyncio.timeout(IN_TIME), _read(own_client):
            await _until_readers(own_client, 1)
        await _until_readers(own_client, 0)
        assert "reading-along" not in [task.get_name() for task in asyncio.all_tasks()]


async def test_it_ends_also_while_it_waits_to_come_back(
    own_client: Client, words: Words, monkeypatch: pytest.MonkeyPatch
) -> None:
    _rest_for(monkeypatch, 60.0)
    async with failing(own_client, ["aggregate"], errorCode=13), asyncio.timeout(IN_TIME):
        async with _read(own_client):
            await words.next("aggregate")
    assert "reading-along" not in [task.get_name() for task in asyncio.all_tasks()]


async def test_it_rests_while_calls_come_in_groups_and_reads_again_afterwards(
    own_client: Client, words: Words
) -> None:
    groups = Carried(size=3)
    async with _read(own_client, groups), asyncio.timeout(IN_TIME):
        await groups.looked.wait()
        assert words.count("getMore") == 1
        groups.size = 1
        await words.next("getMore")


async def test_control_it_goes_on_reading_while_calls_come_one_by_one(
    own_client: Client, words: Words
) -> None:
    lone = Carried(size=1)
    async with _read(own_client, lone), asyncio.timeout(IN_TIME):
        await lone.looked.wait()
    assert words.count("getMore") > 1


async def test_a_reader_that_is_refused_says_so_and_comes_back(
    own_client: Client, words: Words
) -> None:
    with capture_logs() as logs:
        async with failing(own_client, ["aggregate"], mode={"times": 1}, errorCode=13):
            async with _read(own_client), asyncio.timeout(IN_TIME):
                await words.next("getMore")
    assert [line["log_level"] for line in logs if "not reading along" in line["event"]] == [
        "warning"
    ]


async def test_it_rests_for_a_second_first_then_longer_and_never_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.undo()
    rests = module._Rests()
    drawn = [rests.next() for _ in range(40)]
    for number, rest in enumerate(drawn):
        assert min(2**number, 60) / 2 <= rest <= min(2**number, 60)
    assert len(set(drawn)) > 20  # not all processes at once
    rests.went_well()
    assert rests.next() <= 1


async def test_a_set_with_secondaries_needs_no_reader(own_client: Client, words: Words) -> None:
    class Three:
        """Tells what a primary of three members tells."""

        async def command(self, _: str) -> Row:
            return {"hosts": ["a:1", "b:1"], "arbiters": ["c:1"]}

    class Database:
        client = type("Client", (), {"admin": Three()})

    database: Any = Database
    async with reading_along(database, ()):
        assert "reading-along" not in [task.get_name() for task in asyncio.all_tasks()]
    assert words.sent == []


@pytest.mark.parametrize(("environment", "reads"), [("development", True), ("production", False)])
async def test_a_server_reads_along_in_development_only(
    database: Database, environment: str, *, reads: bool
) -> None:
    settings = make_settings(ENVIRONMENT=environment, PUBLIC_URL="https://shop.example")
    async with create_app(settings, database).lifespan():
        names = {task.get_name() for task in asyncio.all_tasks()}
    assert "watchdog" in names
    assert ("reading-along" in names) is reads
