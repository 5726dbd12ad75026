"""Hold many conversations: `python -m tests.conversation.soak --conversations 500 --steps 60`.

Ends at the first promise that is broken, with the shortest conversation that breaks it.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, seed, settings

from service.core.clock import ManualClock
from service.storage.database import connect
from service.storage.documents import bind
from service.storage.embedded import embedded_database
from service.storage.indexes import apply_indexes
from service.wiring import DOCUMENTS
from tests.conftest import NOON
from tests.conversation.acts import Step, conversations
from tests.conversation.playing import play
from tests.conversation.world import World, conversation

_QUIET = (*("--setParameter", "ttlMonitorEnabled=false"),)


def hold(
    count: int, steps: int, chosen: int, run: Callable[[list[Step]], None], *, shrinks: bool
) -> int:
    """Hold conversations until one breaks a promise; return how many were held. Raises `Broken`."""
    held = 0

    @seed(chosen)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink] if shrinks else [Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(said=conversations(steps))
    def one(said: list[Step]) -> None:
        nonlocal held
        held += 1
        run(said)

    try:
        one()
    finally:
        print(f"{held} conversations", flush=True)  # noqa: T201
    return held


def soak(count: int, steps: int, chosen: int, *, shrinks: bool = True) -> int:
    """Serve a world of its own on a fresh database, and hold conversations in it."""
    with tempfile.TemporaryDirectory(prefix="tillgate-soak-") as directory:
        with embedded_database(Path(directory), extra=_QUIET) as uri:
            with asyncio.Runner() as runner:
                begun = _World(uri)
                world = runner.run(begun.begin())
                try:
                    return hold(
                        count,
                        steps,
                        chosen,
                        lambda said: runner.run(play(world, said)),
                        shrinks=shrinks,
                    )
                finally:
                    for what, times in sorted(world.tally.items()):
                        print(f"{times:8} {what}")  # noqa: T201
                    runner.run(begun.end())


class _World:
    """A world that stays open between calls of the loop."""

    def __init__(self, uri: str) -> None:
        self._uri = uri

    async def begin(self) -> World:
        self._client = connect(self._uri)
        database = self._client["tillgate_soak"]
        await bind(database, DOCUMENTS)
        await apply_indexes(database, DOCUMENTS)
        self._held = conversation(database, ManualClock(NOON))
        return await self._held.__aenter__()

    async def end(self) -> None:
        await self._held.__aexit__(None, None, None)
        await self._client.close()


def main() -> None:
    """Read the command line and soak."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--conversations", type=int, default=200)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    given_ = parser.parse_args()
    began = time.monotonic()
    soak(given_.conversations, given_.steps, given_.seed)
    print(f"no promise broken in {time.monotonic() - began:.0f} s")  # noqa: T201


if __name__ == "__main__":
    main()
