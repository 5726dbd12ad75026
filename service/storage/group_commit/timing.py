"""How long a group may take: until the first of its callers wants an answer."""

import asyncio
from collections.abc import Sequence
from typing import TypeVar

from service.storage.group_commit.queue import Entry

T = TypeVar("T")
R = TypeVar("R")

# Who waited in the queue until its time was over still gets one honest try of this length.
_SHORTEST_S = 0.2


def within(entries: Sequence[Entry[T, R]], share: float = 1.0) -> float:
    """Return the seconds that are left for a group, or a share of them."""
    left = min(entry.until for entry in entries) - asyncio.get_running_loop().time()
    return max(left * share, _SHORTEST_S)
