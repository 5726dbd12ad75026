"""The jobs of this room: what they do, when they are called, and who does it."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from service.intents.operations.agents import AgentReport, count_agents, parse_agents
from service.intents.operations.orders import LEASE_NAME, CleanupReport
from service.intents.operations.purge import count_due, purge
from service.intents.operations.services import IntentServices
from service.jobs.operations.job import About, Job

AGENTS = About(
    "intents-agents",
    "says which browser, system and device leads came from",
    every=timedelta(minutes=5),
)
CLEANUP = About(
    LEASE_NAME,
    "deletes leads that were kept long enough, archived before where that is set",
    every=timedelta(days=1),
)

ABOUT: Sequence[About] = (AGENTS, CLEANUP)


def intent_jobs(services: IntentServices) -> Sequence[Job[Any]]:
    """Return the jobs of this room, with what they need."""
    clean, count = partial(purge, services), partial(count_due, services)
    return (
        Job(AGENTS, AgentReport, parse_agents, count_agents),
        Job(CLEANUP, CleanupReport, clean, count),
    )
