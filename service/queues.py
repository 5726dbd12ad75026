"""The queues of the hot routes: what comes together there goes to the database together."""

from typing import Any

from service.inbox.repository import COMMITS
from service.intents.repository import INSERTS as INTENTS
from service.sessions.repository import INSERTS, LOADS
from service.storage.group_commit.queue import GroupQueue

QUEUES: tuple[GroupQueue[Any, Any], ...] = (
    INSERTS.queue,
    LOADS.queue,
    COMMITS.queue,
    INTENTS.queue,
)


def carried() -> tuple[int, int]:
    """Return how many groups were carried so far, and of how many requests."""
    return sum(queue.groups for queue in QUEUES), sum(queue.items for queue in QUEUES)
