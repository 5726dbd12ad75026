"""Files that are sent row by row: a few at once, for each holds a batch of rows while it is read.

Who reads slowly, or not at all, keeps one until the connection is given up.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Final, TypeAlias, cast

from litestar.response import Stream
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from service.core.errors import TooManyRequests
from service.core.principal import Principal

MOST_OF_ONE: Final = 3
MOST: Final = 16
"""How many files one key or user is sent at once by a process, and how many all of them are."""
MOST_OF_A_MERCHANT: Final = MOST // 2
"""How many all keys and users of one merchant are: whoever has many keeps no other from its own."""

Noted: TypeAlias = Callable[[], Awaitable[None]]
"""Puts on the record that somebody takes a file."""
_Taker: TypeAlias = tuple[str, str]


class TooManyDownloads(TooManyRequests):
    """As many files are being sent as one process has room for."""

    code = "too_many_downloads"

    def __init__(self, whose: str, most: int) -> None:
        """Name who has so many."""
        super().__init__(
            f"{whose} is sent {most} files already: wait until one of them is there.",
            retry_after=10,
        )


class _UnderWay:
    """How many files this process is sending, by who takes them."""

    by_taker: ClassVar[Counter[_Taker]] = Counter()


class Download(Stream):
    """A file that is sent as its rows are read; 429 where its taker takes too many at once."""

    __slots__ = ("noted", "taker")

    def __init__(
        self,
        content: AsyncIterator[bytes],
        name: str,
        media_type: str,
        taker: Principal,
        noted: Noted | None = None,
    ) -> None:
        """Send a file under a name to whoever asked for it, once that is `noted`."""
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        super().__init__(content, media_type=media_type, headers=headers)
        self.taker = taker.merchant_id, taker.label
        self.noted = noted

    def to_asgi_response(self, *given: Any, **named: Any) -> ASGIResponse:
        """Return what sends it. The place is taken when that begins: it may never do so."""
        response = super().to_asgi_response(*given, **named)

        async def send_it(scope: Scope, receive: Receive, send: Send) -> None:
            with _place(self.taker):
                if self.noted is not None:  # not of who is refused
                    await self.noted()
                await response(scope, receive, send)

        # The framework calls it, and asks nothing else of it.
        return cast(ASGIResponse, send_it)


@contextmanager
def _place(taker: _Taker) -> Iterator[None]:
    under_way = _UnderWay.by_taker
    if under_way[taker] >= MOST_OF_ONE:
        raise TooManyDownloads("This key or user", MOST_OF_ONE)
    if sum(n for one, n in under_way.items() if one[0] == taker[0]) >= MOST_OF_A_MERCHANT:
        raise TooManyDownloads("This merchant", MOST_OF_A_MERCHANT)
    if under_way.total() >= MOST:
        raise TooManyDownloads("This server's callers", MOST)
    under_way[taker] += 1
    try:
        yield
    finally:
        under_way[taker] -= 1
        if not under_way[taker]:
            del under_way[taker]
