"""How long to wait before what failed is tried again."""

import secrets
from datetime import timedelta

LONGEST = timedelta(hours=6)
JITTER = 0.1
"""The part of a wait that chance may take away: what failed together does not come back so."""

_MOST_DOUBLINGS = 20
_STEPS = 10_000


def backoff(attempts: int, first: timedelta) -> timedelta:
    """Return the wait after some attempts: `first`, then twice as long each time, at most 6 h."""
    doublings = min(max(attempts, 1) - 1, _MOST_DOUBLINGS)
    return min(first * (1 << doublings), LONGEST)


def jittered(wait: timedelta) -> timedelta:
    """Return a wait that is up to a tenth shorter, by chance; whole milliseconds."""
    left = 1 - JITTER * secrets.randbelow(_STEPS) / _STEPS
    return timedelta(milliseconds=round(wait / timedelta(milliseconds=1) * left))
