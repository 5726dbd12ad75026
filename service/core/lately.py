"""Since when a queue is searched: its front is long done, and still costs whoever passes it.

MongoDB keeps what left an index for five minutes, and a search for the first entry goes through all
of that, 1 µs and more for each: with 70,000 messages of the last minutes, 40 ms a search.
"""

import math
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from _typeshed import SupportsRichComparison

T = TypeVar("T", bound="SupportsRichComparison")

LOOKS_AT_ALL_EVERY_S = 30.0
"""What turns up before the others' front, since it was committed late, waits so long at most."""


class Lately(Generic[T]):
    """Where the front of a queue was: what stands a while before it was seen, or is seen later."""

    def __init__(self, a_while_before: Callable[[T], T]) -> None:
        """Begin with a look at all there is."""
        self._a_while_before = a_while_before
        self._latest: T | None = None
        self._looked_at_all = -math.inf

    def after(self) -> T | None:
        """Return after which the next look searches; None: at all, as every now and then."""
        if time.monotonic() - self._looked_at_all >= LOOKS_AT_ALL_EVERY_S:
            return None
        return None if self._latest is None else self._a_while_before(self._latest)

    def looked_at_all(self) -> None:
        """Note that all there is was searched: one that failed is made again."""
        self._looked_at_all = time.monotonic()

    def found(self, latest: T) -> None:
        """Note the last of what was found, where all before it was taken."""
        self._latest = latest

    def begin_at(self, at: T) -> None:
        """Search from there on, where it stands before the front: there may be more of it."""
        if self._latest is not None:
            self._latest = min(self._latest, at)
