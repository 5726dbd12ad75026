"""What is unread of each merchant, as this process keeps it for the next answer."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from weakref import WeakKeyDictionary

from service.analytics.operations.unread import MANY_UNREAD, MOST_UNREAD, Unread
from service.core.errors import Unavailable
from service.storage.database import Client
from service.storage.documents import bound_client


class _Kept:
    """The unread rows of a merchant, for one answer at a time."""

    def __init__(self, merchant_id: str) -> None:
        """Begin with nothing."""
        self.unread = Unread(merchant_id)
        self.lock = asyncio.Lock()


_MOST_MERCHANTS: Final = 1_000
_WAITS_S: Final = 20.0
"""How long an answer waits for those of the same merchant before it."""

_kept: Final[WeakKeyDictionary[Client, OrderedDict[str, _Kept]]] = WeakKeyDictionary()


@asynccontextmanager
async def unread_of(merchant_id: str) -> AsyncIterator[Unread]:
    """Yield the unread rows of a merchant for one transaction, which is committed when it ends.

    They are kept as it saw them: nobody else reads them meanwhile, so what the next one sees is no
    older. What failed may have seen what never was: then nothing is kept. Raises `Unavailable`.
    """
    merchants = _kept.setdefault(bound_client(), OrderedDict())
    one = merchants.setdefault(merchant_id, _Kept(merchant_id))
    merchants.move_to_end(merchant_id)
    async with _held(one.lock):
        try:
            yield one.unread
        except BaseException:
            one.unread.forget()
            raise
        one.unread.committed()
    _let_go(merchants)


@asynccontextmanager
async def _held(lock: asyncio.Lock) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(_WAITS_S):
            await lock.acquire()
    except TimeoutError as error:
        raise Unavailable("Too many figures of this merchant are being added up.") from error
    try:
        yield
    finally:
        lock.release()


def _let_go(merchants: OrderedDict[str, _Kept]) -> None:
    """Keep no more of all merchants than of one: those go first whom nobody asked for lately."""
    kept = sum(len(one.unread) for one in merchants.values())
    for name, one in [*merchants.items()]:
        if kept <= MOST_UNREAD and len(merchants) <= _MOST_MERCHANTS:
            return
        if not one.lock.locked():
            kept -= len(one.unread)
            del merchants[name]


def are_many_unread() -> bool:
    """Return whether an answer since the last call had many unread rows to add up."""
    kept = _kept.get(bound_client(), OrderedDict())
    found = [one.unread for one in kept.values() if one.unread.is_long]
    for unread in found:
        unread.is_long = False
    return bool(found)


def much_waits() -> bool:
    """Return whether the last answer of a merchant had many unread rows to add up."""
    kept = _kept.get(bound_client(), OrderedDict())
    return any(len(one.unread) > MANY_UNREAD for one in kept.values())
