"""What the commands about leads share: the services, and a file of all of them."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from service.cli.container import T, with_container
from service.cli.screen import say
from service.intents.operations.browse import every_intent
from service.intents.operations.services import IntentServices
from service.intents.repository import IntentFilter
from service.intents.schemas.exports import as_file
from service.intents.schemas.queries import Form
from service.storage.database import Row

_SAID_EVERY = 50_000


def with_leads(data_dir: Path, do: Callable[[IntentServices], Awaitable[T]]) -> T:
    """Run a command's work with the services of leads."""
    return with_container(data_dir, lambda container: do(container.intents))


async def write_leads(
    wanted: IntentFilter, form: Form, about: Mapping[str, object], output: Path | None
) -> int:
    """Write all leads to a file that its owner alone may read, else to standard output.

    Returns how many there were, and says on the way how many there are so far.
    """
    count = 0

    async def counted() -> AsyncIterator[Sequence[Row]]:
        nonlocal count
        async for rows in every_intent(wanted):
            yield rows
            before, count = count, count + len(rows)
            if before // _SAID_EVERY < count // _SAID_EVERY:
                say(f"{count} leads so far")

    file = sys.stdout.buffer if output is None else _opened(output)
    try:
        async for part in as_file(counted(), form, about):
            file.write(part)
        file.flush()
    finally:
        if output is not None:
            file.close()
    return count


def _opened(output: Path) -> BinaryIO:
    output.touch(mode=0o600)
    output.chmod(0o600)  # one that was there before may be open to all
    return output.open("wb")
