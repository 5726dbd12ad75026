"""Archive and delete leads, some at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial

from service.audit.operations import Act, record
from service.core.batches import Until
from service.core.principal import Principal
from service.core.strict_json import JsonObject
from service.intents import repository
from service.intents.operations.archive import write_archive
from service.intents.operations.orders import Order
from service.intents.operations.services import IntentServices
from service.leases.operations import under
from service.leases.repository import Held
from service.storage.answering import answers_in_time
from service.storage.database import Row
from service.storage.transaction import Transaction

AT_ONCE = 2000
_WITHIN_S = 30.0

Find = Callable[[int], Awaitable[list[Row]]]


class Sums:
    """What was done so far."""

    def __init__(self) -> None:
        self.deleted = self.archived = 0
        self.files: list[str] = []


async def clear(
    find: Find,
    order: Order,
    lease: Held | None,
    until: Until,
    services: IntentServices,
    by: Principal | None = None,
) -> Sums:
    """Archive and delete what is found, some at a time; marked first, should it end in between."""
    sums = Sums()
    while not until.over:
        async with answers_in_time(_WITHIN_S):
            rows = await find(AT_ONCE)
        if not rows:
            break
        now, ids = services.clock.now(), [row["_id"] for row in rows]
        file = await _archived(rows, order, services)
        await under(lease, partial(repository.mark_deletable, ids, now), _WITHIN_S)
        work = partial(_delete, ids, order, file, by, now)
        sums.deleted += await under(lease, work, _WITHIN_S)
        if file is not None:
            sums.archived += len(rows)
            sums.files.append(file)
    return sums


async def _archived(rows: Sequence[Row], order: Order, services: IntentServices) -> str | None:
    """Return the name of the file that has these rows now, None where none is asked for."""
    if not order.archive or services.archive_dir is None:
        return None
    write = partial(
        write_archive, services.archive_dir, rows, compress=order.compress, now=services.clock.now()
    )
    return (await asyncio.to_thread(write)).path.name


async def _delete(
    ids: Sequence[str],
    order: Order,
    file: str | None,
    by: Principal | None,
    now: datetime,
    tx: Transaction,
) -> int:
    done = await repository.delete_marked(ids, tx)
    if by is not None and done:
        detail: JsonObject = {
            "before": order.before.isoformat(),
            "deleted": done,
            "archive": file,
        }
        await record(tx, by, Act("intents.cleaned", "intents", detail=detail), now)
    return done
