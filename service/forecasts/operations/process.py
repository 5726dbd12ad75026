"""Have series be forecast by a process of its own, which ends with the run that began it."""

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from importlib.util import find_spec
from typing import Final, TypeAlias

import msgspec

from service.core.errors import Unavailable
from service.core.json_text import to_json
from service.forecasts.states import Fitted, Wanted

Fit: TypeAlias = Callable[[Wanted], Awaitable[Fitted]]

MODULE: Final = "service.forecasts.operations.fitting"
WITHIN_S: Final = 60.0
_NEEDS: Final = "statsmodels"
# It needs no setting, and so no secret.
_PASSED: Final = ("PATH", "HOME", "LANG", "PYTHONPATH", "VIRTUAL_ENV")


def is_installed() -> bool:
    """Return whether what forecasts is installed; it is not loaded."""
    return find_spec(_NEEDS) is not None


@asynccontextmanager
async def fitter() -> AsyncIterator[Fit]:
    """Yield what forecasts a series; its process begins with the first and ends with the block.

    The function raises `Unavailable` where the process ends or takes longer than a minute; what is
    asked next has a new one, so a series that can't be fitted holds up no other.
    """
    idle: list[Process] = []

    async def fit(wanted: Wanted) -> Fitted:
        process = idle.pop() if idle else await _begin()
        try:
            made = await _ask(process, wanted)
        except BaseException:
            await _end(process)
            raise
        idle.append(process)
        return made

    try:
        yield fit
    finally:
        for process in idle:
            await _end(process)


async def _begin() -> Process:
    known = {name: os.environ[name] for name in _PASSED if name in os.environ}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", MODULE),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=known | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )


async def _end(process: Process) -> None:
    with suppress(ProcessLookupError):
        process.kill()
    await process.wait()


async def _ask(process: Process, wanted: Wanted) -> Fitted:
    if process.stdin is None or process.stdout is None:
        raise AssertionError("its streams are pipes")
    try:
        process.stdin.write(to_json(wanted) + b"\n")
        async with asyncio.timeout(WITHIN_S):
            await process.stdin.drain()
            line = await process.stdout.readline()
    except (TimeoutError, ConnectionError) as error:
        raise Unavailable("The process that forecasts did not answer in a minute.") from error
    if not line:
        raise Unavailable("The process that forecasts ended: its reason is in the job's output.")
    return msgspec.json.decode(line, type=Fitted)
