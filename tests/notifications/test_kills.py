"""Processes that are killed while they send: nothing is lost, and nothing is another event."""

import asyncio
import json
import signal
import sys
from collections import Counter
from pathlib import Path

from tests.notifications.receivers import Got, Receiver, Stream, answers, receiving
from tests.notifications.telling import endpoint, send, sent, tell
from tests.support.patience import IN_TIME
from tests.support.shop import Shop

EVENTS = 1_000
ROOT = Path(__file__).parents[2]


async def _killed(shop: Shop, uri: str, receiver: Receiver, after: int) -> int:
    """Run a process that sends, and kill it once it has sent some; return how much that was."""
    enough = asyncio.Event()
    answer = answers()

    async def counted(got: Got, writer: Stream) -> None:
        if len(receiver.got) >= after:
            enough.set()
            await asyncio.Event().wait()  # so that it dies with answers that it waits for
        await answer(got, writer)

    receiver.behaves = counted
    job = {"uri": uri, "database": shop.database.name, "now": shop.clock.now().isoformat()}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.notifications.victim"),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(job).encode())
    process.stdin.close()
    async with asyncio.timeout(IN_TIME):
        await enough.wait()
        process.send_signal(signal.SIGKILL)
        await process.wait()
    receiver.behaves = answer
    return len(receiver.got)


async def test_a_thousand_events_arrive_once_each_at_a_receiver_that_checks_ids(
    shop: Shop, mongo_uri: str
) -> None:
    """The receiver takes an id once, as the docs say: so it has each event, and none twice."""
    async with receiving() as receiver:
        await endpoint(shop, receiver.url())
        await tell(shop, *(f"{n:04}" for n in range(EVENTS)))
        before = await _killed(shop, mongo_uri, receiver, EVENTS // 3)
        assert before < EVENTS
        assert await send(shop) <= EVENTS, "what it had taken is its own until its lease ends"
        shop.pass_time(minutes=1)
        await send(shop)
    rows = await sent(shop)
    taken = Counter(row["eventId"] for row in rows if row["status"] == "delivered")
    assert len(taken) == EVENTS
    assert set(receiver.times()) == set(taken)
    assert sum(receiver.times().values()) > EVENTS, "some came twice, under their one id"
    bodies = {got.id: got.body for got in receiver.got}
    assert all(got.body == bodies[got.id] for got in receiver.got)


async def test_control_what_nobody_sends_again_is_lost(shop: Shop, mongo_uri: str) -> None:
    async with receiving() as receiver:
        await endpoint(shop, receiver.url())
        await tell(shop, *(f"{n:04}" for n in range(EVENTS // 4)))
        await _killed(shop, mongo_uri, receiver, EVENTS // 20)
        await send(shop)
    rows = await sent(shop)
    assert any(row["status"] == "pending" for row in rows)
