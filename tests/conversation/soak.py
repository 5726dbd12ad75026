"""Hold many conversations: `python -m tests.conversation.soak --conversations 500 --steps 60`.

Ends at the first promise that is broken, with the steps that are needed to break it. With
`--kills N` that many more are held with a service that is killed again and again.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from service.core.clock import ManualClock
from service.storage.database import connect
from service.storage.documents import bind
from service.storage.embedded import embedded_database
from service.storage.indexes import apply_indexes
from service.stored import DOCUMENTS
from tests.conftest import NOON
from tests.conversation.acts import Step
from tests.conversation.drawing import draw
from tests.conversation.killing import hold_with_kills
from tests.conversation.playing import Broken, play
from tests.conversation.world import World, begin_anew, conversation

_QUIET = ("--setParameter", "ttlMonitorEnabled=false")


class Found(NamedTuple):
    """A promise that was broken: after how many conversations, by which steps, and which."""

    after: int
    steps: list[Step]
    broken: Broken


def soak(
    count: int, steps: int, seed: int, *, shrinks: bool = True, kills: int = 0
) -> Found | None:
    """Hold conversations in a world of their own, on a fresh database; return what was found."""
    with (
        tempfile.TemporaryDirectory(prefix="tillgate-soak-") as directory,
        embedded_database(Path(directory), extra=_QUIET) as uri,
    ):
        return asyncio.run(_soak(uri, count, steps, seed, shrinks=shrinks, kills=kills))


async def _soak(
    uri: str, count: int, steps: int, seed: int, *, shrinks: bool, kills: int
) -> Found | None:
    client = connect(uri)
    database = client["tillgate_soak"]
    await bind(database, DOCUMENTS)
    await apply_indexes(database, DOCUMENTS)
    async with conversation(database, ManualClock(NOON)) as world:
        try:
            found = await _hold(world, count, steps, seed)
            if found is None and kills:
                await _hold_with_kills(world, uri, kills, steps, seed)
            if found is not None and shrinks:
                found = await _shrunk(world, found)
        finally:
            _say("".join(f"{times:8} {what}\n" for what, times in sorted(world.tally.items())))
    await client.close()
    return found


async def _hold(world: World, count: int, steps: int, seed: int) -> Found | None:
    for number in range(count):
        said = draw(random.Random(f"{seed}:{number}"), steps)  # noqa: S311 - to be repeated
        try:
            await play(world, said)
        except Broken as broken:
            return Found(number + 1, said, broken)
    return None


async def _hold_with_kills(world: World, uri: str, count: int, steps: int, seed: int) -> None:
    for number in range(count):
        dice = random.Random(f"kills:{seed}:{number}")  # noqa: S311 - to be repeated
        await begin_anew(world)
        said = draw(dice, steps)
        world.tally["kills"] += await hold_with_kills(uri, world, said, dice)


async def _shrunk(world: World, found: Found) -> Found:
    """Leave out steps, half of them, then fewer, as long as the promise is broken all the same."""
    size = len(found.steps) // 2
    while size:
        for begin in range(0, len(found.steps), size):
            fewer = found.steps[:begin] + found.steps[begin + size :]
            try:
                await play(world, fewer)
            except Broken as broken:
                found = Found(found.after, fewer, broken)
                break
        else:
            size //= 2
    return found


def _say(words: str) -> None:
    sys.stdout.write(words)
    sys.stdout.flush()


def main() -> None:
    """Read the command line and soak; end with 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, usual in (("conversations", 5000), ("steps", 60), ("seed", 0), ("kills", 50)):
        parser.add_argument(f"--{name}", type=int, default=usual)
    asked = parser.parse_args()
    began = time.monotonic()
    found = soak(asked.conversations, asked.steps, asked.seed, kills=asked.kills)
    took = time.monotonic() - began
    if found is None:
        _say(f"no promise broken in {asked.conversations} conversations, {took:.0f} s\n")
        return
    _say(f"broken in conversation {found.after}: {found.broken}\n{found.steps}\n")
    sys.exit(1)


if __name__ == "__main__":
    main()
