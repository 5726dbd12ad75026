"""The process killed between any two writes, the connection cut: the provider's retry completes."""

import asyncio
import base64
import json
import sys
from typing import Any

import pytest

from service.inbox import repository as inbox
from service.storage.database import Client
from service.storage.plain import NO_TRANSACTION
from tests.storage.failing import failing
from tests.support.events import Delivery
from tests.support.limits import hastily
from tests.support.shop import Shop, completions

# Of one event: inbox row, session, payment read; payment, session, outbox, inbox row written;
# committed.
WORDS = 8


# The same for five at once, which are one group: all is read by one query.
AT_ONCE = 5
WORDS_OF_A_GROUP = 6

Job = tuple[int, list[Delivery]]


async def _killed(shop: Shop, uri: str, jobs: list[Job]) -> list[int]:
    """Post deliveries to their own service, killed before its n-th word; return the signals."""
    lines = [
        json.dumps(
            {
                "uri": uri,
                "database": shop.database.name,
                "at": at,
                "posts": [_post(one) for one in deliveries],
                "now": shop.clock.now().isoformat(),
            }
        )
        for at, deliveries in jobs
    ]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.inbox.victim"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    told, _ = await process.communicate("\n".join(lines).encode())
    said = told.decode().splitlines()  # the victims' log is in between
    return [-int(line.split()[1]) for line in said if line.startswith("over ")]


def _post(delivery: Delivery) -> dict[str, Any]:
    body = base64.b64encode(delivery.body).decode()
    return {"path": delivery.path, "headers": dict(delivery.headers), "body": body}


async def test_kill_between_any_two_writes_and_the_retry_completes_once(
    shop: Shop, client: Client, mongo_uri: str
) -> None:
    sessions = [await shop.api.open() for _ in range(WORDS + 2)]
    deliveries = [shop.stripe_paid(one) for one in sessions]
    signals = await _killed(shop, mongo_uri, [(at, [one]) for at, one in enumerate(deliveries)])
    assert signals == [9] * (WORDS + 1) + [0]

    half_done = [one for one in sessions if (await shop.session(one["sessionId"]))["version"] != 1]
    assert half_done == sessions[WORDS:]  # only what was committed shows
    assert len(await shop.events()) == len(await shop.payments()) == 2
    # What mongod does itself once a transaction has stood for transactionLifetimeLimitSeconds.
    await client.admin.command({"killAllSessions": []})

    answers = [await shop.api.told(delivery) for delivery in deliveries]
    assert [one["duplicate"] for one in answers] == [False] * WORDS + [True] * 2
    outcomes = {await shop.outcome(one["sessionId"]) for one in sessions}
    assert len(outcomes) == 1
    for one in sessions:
        assert completions(await shop.session(one["sessionId"])) == 1
    assert len(await shop.messages("session.completed")) == len(sessions)
    assert len(await shop.events(status="processed")) == len(sessions)


async def test_kill_between_any_two_writes_of_a_group_and_each_retry_completes_once(
    shop: Shop, client: Client, mongo_uri: str
) -> None:
    jobs: list[Job] = []
    for at in range(WORDS_OF_A_GROUP + 2):
        sessions = [await shop.api.open() for _ in range(AT_ONCE)]
        jobs.append((at, [shop.stripe_paid(one) for one in sessions]))
    signals = await _killed(shop, mongo_uri, jobs)
    # They were one group: no more words than for one event, and not five times as many.
    assert signals == [9] * (WORDS_OF_A_GROUP + 1) + [0]

    # All of a group or nothing of it: those killed before the commit left nothing.
    assert len(await shop.events()) == len(await shop.payments()) == 2 * AT_ONCE
    assert len(await shop.messages("session.completed")) == 2 * AT_ONCE
    await client.admin.command({"killAllSessions": []})

    retries = [one for _, deliveries in jobs for one in deliveries]
    answers = await asyncio.gather(*(shop.api.told(one) for one in retries))
    told = [one["duplicate"] for one in answers]
    assert told == [False] * (WORDS_OF_A_GROUP * AT_ONCE) + [True] * (2 * AT_ONCE)
    rows = await shop.database["sessions"].find({}).to_list()
    assert [completions(row) for row in rows] == [1] * len(retries)
    assert len({await shop.outcome(row["sessionId"]) for row in rows}) == 1
    assert len(await shop.messages("session.completed")) == len(retries)
    assert len(await shop.events(status="processed")) == len(retries)


@pytest.mark.parametrize("command", ["find", "findAndModify", "commitTransaction"])
async def test_a_cut_connection_is_503_and_the_retry_completes_once(
    shop: Shop, client: Client, command: str
) -> None:
    session = await shop.api.open()
    paid = shop.stripe_paid(session)
    async with failing(client, [command], closeConnection=True):
        with hastily():
            answer = await shop.api.deliver(paid)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert (await shop.session(session["sessionId"]))["status"] == "pending"
    assert await shop.events() == []

    assert (await shop.api.told(paid))["outcome"] == "processed"
    assert completions(await shop.session(session["sessionId"])) == 1
    assert len(await shop.messages("session.completed")) == 1


@pytest.mark.parametrize("cuts", [1, 2, 3])
async def test_a_commit_that_is_cut_a_few_times_is_finished(
    shop: Shop, client: Client, cuts: int
) -> None:
    session = await shop.api.open()
    how = {"mode": {"times": cuts}, "closeConnection": True}
    async with failing(client, ["commitTransaction"], **how):
        assert (await shop.api.told(shop.stripe_paid(session)))["outcome"] == "processed"
    assert completions(await shop.session(session["sessionId"])) == 1


async def test_a_commit_that_no_majority_has_seen_is_503_and_its_copy_a_duplicate(
    shop: Shop, client: Client
) -> None:
    session = await shop.api.open()
    paid = shop.stripe_paid(session)
    unsure = {"code": 64, "errmsg": "waiting for replication timed out"}
    async with failing(client, ["commitTransaction"], writeConcernError=unsure):
        with hastily():
            answer = await shop.api.deliver(paid)
    assert answer.status_code == 503
    assert (await shop.api.told(paid))["duplicate"] is True
    assert completions(await shop.session(session["sessionId"])) == 1


async def test_control_without_the_transaction_a_cut_leaves_half_the_writes(
    shop: Shop, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def one_by_one(work: Any, size: int) -> Any:
        return await work(NO_TRANSACTION)

    monkeypatch.setattr(inbox, "commit", one_by_one)
    session = await shop.api.open()
    async with failing(client, ["update"], errorCode=8):  # the outbox comes after the session
        await shop.api.deliver(shop.stripe_paid(session))
    assert (await shop.session(session["sessionId"]))["status"] == "completed"
    assert await shop.messages("session.completed") == []
