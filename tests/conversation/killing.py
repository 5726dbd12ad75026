"""Hold a conversation with a service that is killed again and again, each time at another word."""

import asyncio
import json
import random
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from tests.conversation.acts import Act, Step
from tests.conversation.memberships import subscriptions_in
from tests.conversation.victim import as_json, handed_on
from tests.conversation.world import World


async def hold_with_kills(
    uri: str,
    world: World,
    steps: Sequence[Step],
    dice: random.Random,
    without: str | None = None,
) -> int:
    """Hold a conversation to its end, killing the service in every few steps; return the kills.

    The step in whose midst it was killed is over: whoever called got no answer. The merchant's
    servers are those of `world`, and outlive each kill; so its clock stands at the end of all.
    Raises `AssertionError` with what the last service said, if a promise was broken.
    """
    now, database, known = world.clock.now(), world.database.name, handed_on(world)
    async with _victims() as victims:
        left = list(steps)
        state: dict[str, Any] = {"now": now.isoformat(), "without": without, **known}
        kills = 0
        while True:
            kill = [dice.randrange(4), dice.randrange(12)] if left else None
            job = {**state, "uri": uri, "database": database, "steps": as_json(left), "kill": kill}
            code, states = await _run(victims, job)
            if code == 0:
                world.clock.advance(datetime.fromisoformat(states[-1]["now"]) - now)
                return kills
            assert code == -signal.SIGKILL, "a promise was broken; the service said why"
            kills += 1
            done = 0
            for state in states:
                done = state.pop("done")
                state["without"] = without
            if _is_any(left[done], _LET_GO_ON):  # the provider may have been told so before
                state["ends"] = {}
            if _is_any(left[done], _HAPPEN_THERE):  # the provider died before it told of it
                state["unheard"] = sorted(subscriptions_in(await world.checkouts()))
            left = left[done + 1 :]


_LET_GO_ON = frozenset({"reactivate", "act_there", "read_crosswise"})
# What the service asks for it learns, whoever dies; of these the played provider tells it.
_HAPPEN_THERE = frozenset({"act_there", "read_crosswise", "renew", "dun", "change_card", "lose"})


def _is_any(step: Step, names: frozenset[str]) -> bool:
    acts = (step,) if isinstance(step, Act) else step
    return any(act.name in names for act in acts)


@asynccontextmanager
async def _victims() -> AsyncIterator[Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.conversation.victim"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1_000_000,
    )
    try:
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def _run(victims: Process, job: dict[str, Any]) -> tuple[int, list[dict[str, Any]]]:
    assert victims.stdin is not None
    assert victims.stdout is not None
    victims.stdin.write(f"{json.dumps(job)}\n".encode())
    states = []
    while line := (await victims.stdout.readline()).decode():  # the service's log is in between
        if line.startswith("state "):
            states.append(json.loads(line.removeprefix("state ")))
        elif line.startswith("over "):
            return int(line.split()[1]), states
    raise AssertionError("the process that forks the victims has ended")
