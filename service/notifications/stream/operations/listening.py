"""To which merchants' events somebody listens: what nobody else hears is written for them, too.

`payment.*` is written only where it is heard. Whoever listens says so every few seconds, by a
lease that all who listen to one merchant hold together; each process reads which there are.
"""

from datetime import timedelta

from service.core.clock import Clock
from service.leases import repository
from service.storage.answering import answers_in_time

READ_EVERY_S = 3.0
SPAN = timedelta(seconds=30)
"""For so long after they last said so somebody is taken to listen."""
_HOLDER = "streams"
_NAME = "listening:"


class Listeners:
    """The merchants to whose events somebody listens, as this process knows them."""

    def __init__(self, clock: Clock) -> None:
        """Begin with none."""
        self._clock = clock
        self._merchants: frozenset[str] = frozenset()

    def hears(self, merchant_id: str, topic: str) -> bool:
        """Return whether somebody listens to a merchant's events: nothing is asked for that."""
        return merchant_id in self._merchants

    async def note(self, merchant_id: str) -> None:
        """Note that somebody listens here now. Raises `Unavailable`."""
        async with answers_in_time():
            held = await repository.claim(f"{_NAME}{merchant_id}", _HOLDER, SPAN, self._clock)
            if held is not None:
                await repository.renew(held)
        self._merchants |= {merchant_id}

    async def refresh(self) -> None:
        """Read who listens, through whatever process. Raises `Unavailable`."""
        async with answers_in_time():
            found = await repository.names_held(_NAME, self._clock)
        self._merchants = frozenset(name.removeprefix(_NAME) for name in found)
