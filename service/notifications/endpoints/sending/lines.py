"""What waits for each endpoint in this process, and how much of it may be under way."""

import time
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from msgspec import Struct

from service.notifications.endpoints.repository.deliveries import Claimed

AT_ONCE_EACH = 8
"""Requests that are under way to one endpoint."""
AT_ONCE_FAILING = 2
"""To one whose last try failed: enough to find out that it is back."""
LINE = 64
"""Deliveries that wait here for one endpoint; what there is besides stays in the database."""
# What has waited so long may be another's soon, since its lease ends.
FRESH_S = 30.0
_LEAST_WAIT, _MOST_WAIT = timedelta(seconds=15), timedelta(minutes=5)


class _Waiting(Struct, frozen=True):
    claimed: Claimed
    since: float


class Lines:
    """A line for each endpoint that has something to do, and since when which of them fail."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._waiting: dict[str, deque[_Waiting]] = {}
        self._workers: dict[str, int] = {}
        self._failing: dict[str, datetime] = {}
        self._merchants: dict[str, str] = {}
        self.size = 0
        """All that waits or is under way."""

    @property
    def full(self) -> set[str]:
        """Return the endpoints for which enough waits here."""
        return {name for name, line in self._waiting.items() if len(line) >= LINE}

    def greedy(self, most: int) -> set[str]:
        """Return the merchants for which so much waits or is under way here."""
        held: Counter[str] = Counter()
        for name, merchant_id in self._merchants.items():
            held[merchant_id] += len(self._waiting.get(name, ())) + self._workers.get(name, 0)
        return {merchant_id for merchant_id, count in held.items() if count >= most}

    def add(self, claimed: Iterable[Claimed]) -> list[Claimed]:
        """Have deliveries wait here; return those of failing endpoints, which wait elsewhere."""
        refused: list[Claimed] = []
        now = time.monotonic()
        for one in claimed:
            self._merchants[one.endpoint_id] = one.merchant_id
            line = self._waiting.setdefault(one.endpoint_id, deque())
            failing = one.endpoint_id in self._failing
            busy = self._workers.get(one.endpoint_id, 0) + len(line)
            if failing and busy >= AT_ONCE_FAILING:
                refused.append(one)
            else:
                line.append(_Waiting(one, now))
                self.size += 1
        return refused

    def idle_workers(self) -> Iterator[str]:
        """Yield an endpoint for each worker that may begin now, and count that as begun."""
        for name, line in list(self._waiting.items()):
            busy = self._workers.get(name, 0)
            most = AT_ONCE_FAILING if name in self._failing else AT_ONCE_EACH
            for _ in range(min(len(line), most - busy)):
                self._workers[name] = self._workers.get(name, 0) + 1
                yield name

    def next(self, endpoint_id: str) -> Claimed | None:
        """Take what waits longest for an endpoint; None, and its worker ends, where nothing does.

        What has waited for too long is dropped: it is due again at the end of its lease.
        """
        line = self._waiting.get(endpoint_id)
        over = self._workers[endpoint_id] > AT_ONCE_FAILING and endpoint_id in self._failing
        while line and not over:
            one = line.popleft()
            if time.monotonic() - one.since < FRESH_S:
                return one.claimed
            self.size -= 1
        self._workers[endpoint_id] -= 1
        if not self._workers[endpoint_id]:
            del self._workers[endpoint_id]
            if not line:
                self._waiting.pop(endpoint_id, None)
        return None

    def took(self, endpoint_id: str) -> None:
        """Note that an endpoint took something."""
        self.size -= 1
        self._failing.pop(endpoint_id, None)

    def failed(self, endpoint_id: str, at: datetime) -> list[Claimed]:
        """Note that a try failed; return what waited behind it, which had better wait elsewhere."""
        self.size -= 1
        self._failing.setdefault(endpoint_id, at)
        return self.leave(endpoint_id)

    def leave(self, endpoint_id: str) -> list[Claimed]:
        """Return all that waits for an endpoint, and have it wait no longer."""
        line = self._waiting.get(endpoint_id)
        left = [one.claimed for one in line] if line else []
        if line:
            line.clear()
        self.size -= len(left)
        return left

    def leave_all(self) -> list[Claimed]:
        """Return all that waits, and have it wait no longer."""
        return [one for name in list(self._waiting) for one in self.leave(name)]

    def wait_of(self, endpoint_id: str, now: datetime) -> timedelta:
        """Return how long what is for a failing endpoint waits: the longer, the longer it fails."""
        since = self._failing.get(endpoint_id, now)
        return min(max(now - since, _LEAST_WAIT), _MOST_WAIT)
