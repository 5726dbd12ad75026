"""Do much work in small batches, with a breath after each."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

T = TypeVar("T")


class Until(Struct, frozen=True):
    """When work ends: at a time of the monotonic clock, or as soon as stopping is requested.

    `stopping` is the process that ends, `given_up` this work alone.
    """

    at: float
    stopping: asyncio.Event | None = None
    given_up: asyncio.Event | None = None

    @property
    def over(self) -> bool:
        """Return whether nothing more is begun."""
        told = any(event is not None and event.is_set() for event in (self.stopping, self.given_up))
        return told or time.monotonic() > self.at

    def at_most(self, seconds: float) -> "Until":
        """Return the same, but no longer than this from now."""
        return replace(self, at=min(self.at, time.monotonic() + seconds))


async def work_off(
    walk: AsyncGenerator[T, None], do: Callable[[T], Awaitable[int]], until: Until
) -> int:
    """Do what a walk finds, batch by batch, to its end or until time is up; return the sum."""
    total = 0
    async with aclosing(walk) as batches:
        async for one in batches:
            began = time.monotonic()
            total += await do(one)
            if until.over:
                break
            await _breathe(began)
    return total


async def _breathe(began: float) -> None:
    """Leave the machine to others for as long as a batch had it."""
    await asyncio.sleep(time.monotonic() - began)
