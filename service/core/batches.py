"""Do much work in small batches, with a breath after each."""

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

T = TypeVar("T")


async def work_off(
    walk: AsyncGenerator[T, None], do: Callable[[T], Awaitable[int]], until: float
) -> int:
    """Do what a walk finds, batch by batch, to its end or until the time is over; give the sum."""
    total = 0
    async with aclosing(walk) as batches:
        async for one in batches:
            began = time.monotonic()
            total += await do(one)
            if time.monotonic() > until:
                break
            await _breathe(began)
    return total


async def _breathe(began: float) -> None:
    """Leave the machine to others for as long as a batch had it."""
    await asyncio.sleep(time.monotonic() - began)
