"""Pick one of what there is by a number that Hypothesis chose and can shrink."""

from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")


def pick(some: Sequence[T], number: int) -> T | None:
    """Return one of some; the last for 0, since what came last is what matters most."""
    return some[-1 - number % len(some)] if some else None
