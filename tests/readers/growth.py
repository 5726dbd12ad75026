"""How the work of a reader grows with what it reads, by processor time and by counted calls."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from service.core.errors import TillgateError

SMALL, LARGE = 10_000, 250_000
# Counting takes ten times as long as what is counted, and does without sizes that can be timed.
FEW, MANY = 2_000, 50_000

# Of 25 times as much input. Caches of the processor make up to twice the time of it, and more where
# others use the machine, who are not there each time; a quadratic reader takes 625 times.
MOST = 120
# Whatever its growth, what takes less for 250 kB stands in nobody's way.
HARMLESS_S = 0.004
_LEAST_S = 0.002
TRIES = 10


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads something that strangers sent; `made` makes it of a size, about as many bytes."""

    name: str
    made: Callable[[int], Any]
    read: Callable[[Any], object]


def run(reader: Reader, given: Any) -> None:
    """Read; what is refused in words is read too."""
    try:
        reader.read(given)
    except TillgateError:
        pass


def seconds(reader: Reader, given: Any, rounds: int = 3) -> float:
    """Return the processor time of one reading: the least of several, so that no other disturbs."""
    times, best = 1, float("inf")
    for _ in range(rounds):
        began = time.thread_time()
        for _ in range(times):
            run(reader, given)
        took = time.thread_time() - began
        best = min(best, took / times)
        times = max(1, min(200, int(_LEAST_S / max(best, 1e-7))))
    return best


def calls(reader: Reader, given: Any) -> int:
    """Count the calls of one reading, of Python and of C."""
    counted = 0

    def count(frame: object, event: str, argument: object) -> None:
        nonlocal counted
        counted += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        run(reader, given)
    finally:
        sys.setprofile(before)
    return counted


def complaint(reader: Reader) -> str | None:
    """Return how a reader grows where that is more than its input does; None where it is not."""
    small, large = reader.made(SMALL), reader.made(LARGE)
    run(reader, small)  # imports
    few, many = (calls(reader, reader.made(size)) for size in (FEW, MANY))
    if many > MOST * few:
        return f"{reader.name}: {few} calls became {many}"
    short, long = seconds(reader, small), seconds(reader, large, rounds=1)
    for _ in range(TRIES):
        if long <= max(MOST * short, HARMLESS_S):
            return None
        # Others may have had the processor's caches just then; a quadratic reader is so each time.
        short, long = seconds(reader, small), min(long, seconds(reader, large, rounds=1))
    return f"{reader.name}: {short * 1000:.3f} ms became {long * 1000:.1f} ms"
