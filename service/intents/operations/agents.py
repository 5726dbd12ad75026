"""Say what the user agents of leads are: in a job, since it takes longer than keeping a lead."""

import asyncio
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial

import ua_parser

from service.core.batches import work_off
from service.intents import repository
from service.intents.documents import Agent
from service.jobs.operations.job import Report, Turn
from service.leases.operations import under
from service.storage.answering import answers_in_time
from service.storage.database import Row
from service.storage.keys import Keys

_AT_ONCE = 200
_REMEMBERED = 4096
_COUNT_WITHIN_S = 30.0


class AgentReport(Report):
    """How many user agents were parsed; of a dry run how many there are."""

    changes = frozenset({"parsed"})

    def __init__(self, job: str, *, dry_run: bool = False) -> None:
        """Begin with nothing done."""
        super().__init__(job, dry_run=dry_run)
        self.parsed = 0


async def parse_agents(report: AgentReport, turn: Turn) -> None:
    """Note browser, system and device of the leads that have none yet."""

    async def some(keys: Keys) -> int:
        async with answers_in_time():
            found = await repository.find_agents([str(key) for key in keys])
        # Beside the loop: an unknown agent is held against a thousand patterns.
        agents = await asyncio.to_thread(_all_of, found)
        if not agents:
            return 0
        done = await under(turn.lease, partial(repository.set_agents, agents))
        report.parsed += done
        return done

    await work_off(repository.walk_unparsed(_AT_ONCE), some, turn.until)


async def count_agents(report: AgentReport, turn: Turn) -> None:
    """Count the user agents that nobody has parsed yet."""
    async with answers_in_time(_COUNT_WITHIN_S):
        report.parsed = await repository.count_unparsed()


def _all_of(found: Sequence[tuple[str, str]]) -> Mapping[str, Row]:
    return {key: agent_of(text).model_dump(by_alias=True) for key, text in found}


@lru_cache(_REMEMBERED)
def agent_of(text: str) -> Agent:
    """Return what a user agent says that it is."""
    said = ua_parser.parse(text)
    return Agent(
        browser=said.user_agent.family if said.user_agent else None,
        os=said.os.family if said.os else None,
        device=said.device.family if said.device else None,
    )
