"""Rejected deliveries: counted in memory, written in groups, limited by address.

Nobody has to prove anything to be rejected, so a rejection costs no write of its own. The first of
each kind (provider, reason, address) in a minute is a row, the others are one row that counts them.
"""

from collections import Counter
from datetime import datetime

import structlog

from service.core.errors import Unavailable
from service.inbox import repository
from service.inbox.documents import WebhookRejection
from service.inbox.errors import TooManyRejected
from service.storage.answering import answers_in_time
from service.storage.database import ANSWER_WITHIN_S
from service.web.logs.clients import network_in

WINDOW_S = 60
# Rejected deliveries of one address a minute that are answered with the reason; more get 429.
TOLD_A_MINUTE = 120
# Addresses that are counted for it; further ones are answered with the reason.
MOST_SENDERS = 20_000
# Kinds that are counted separately within a minute; further addresses are counted together, so that
# many of them don't push everything else out of the capped list.
MOST_KINDS = 100
# Rows that wait while the database is away.
MOST_WAITING = 2_000
# A shutdown waits no longer than this for the last of them.
LAST_WITHIN_S = 2.0
_OTHERS = "others"

log = structlog.get_logger(__name__)

# Of a delivery that came without an address, over a Unix socket.
_UNKNOWN = "unknown"
_Kind = tuple[str, str, str]  # provider, reason, sender


class _More:
    """The deliveries of a kind in this minute after the first one, and the last of them."""

    def __init__(self) -> None:
        self.count = 0
        self.size = 0
        self.at: datetime | None = None


class Rejections:
    """What this process has rejected and not written yet."""

    def __init__(self) -> None:
        """Begin empty."""
        self._window = 0
        self._kinds: dict[_Kind, _More] = {}
        self._by_sender: Counter[str] = Counter()
        self._waiting: list[WebhookRejection] = []

    def note(
        self, provider: str, reason: str, size: int, client: str | None, now: datetime
    ) -> None:
        """Count a delivery of a client, named by the hash of its address; IPv6 by its network.

        Raises `TooManyRejected` beyond the budget of the client.
        """
        sender = network_in(client) if client else _UNKNOWN
        self._turn(now)
        kind = (provider, reason, sender)
        if kind not in self._kinds and len(self._kinds) >= MOST_KINDS:
            kind = (provider, reason, _OTHERS)
        if (more := self._kinds.get(kind)) is None:
            self._kinds[kind] = _More()
            self._keep(kind, 1, size, now)
        else:
            more.count, more.size, more.at = more.count + 1, size, now
        self._limit(sender, now)

    async def flush(
        self, now: datetime, *, whole: bool = False, within_s: float = ANSWER_WITHIN_S
    ) -> int:
        """Write what has gathered, as one group; return how many rows. Raises `Unavailable`.

        `whole`: also what this minute has counted so far. What the database may have written before
        it fell silent is written again: a count too many of what strangers sent does no harm.
        """
        self._turn(now)
        if whole:
            self._close()
        rows = self._waiting
        if not rows:
            return 0
        self._waiting = []
        try:
            async with answers_in_time(within_s):
                await repository.reject(rows)
        except Unavailable:
            self._waiting = [*rows, *self._waiting][:MOST_WAITING]
            raise
        return len(rows)

    def _limit(self, sender: str, now: datetime) -> None:
        if sender not in self._by_sender and len(self._by_sender) >= MOST_SENDERS:
            return
        self._by_sender[sender] += 1
        if self._by_sender[sender] > TOLD_A_MINUTE:
            raise TooManyRejected(
                "Too many webhooks from this address were rejected; a valid signature is taken.",
                retry_after=WINDOW_S - int(now.timestamp()) % WINDOW_S,
            )

    def _turn(self, now: datetime) -> None:
        """Begin the next minute when it is time."""
        window = int(now.timestamp()) // WINDOW_S
        if window != self._window:
            self._window = window
            self._by_sender.clear()
            self._close()

    def _close(self) -> None:
        """Turn the counts into rows."""
        for kind, more in self._kinds.items():
            if more.at is not None:
                self._keep(kind, more.count, more.size, more.at)
        self._kinds.clear()

    def _keep(self, kind: _Kind, count: int, size: int, at: datetime) -> None:
        if len(self._waiting) >= MOST_WAITING:
            log.warning("a rejected webhook is not written down", provider=kind[0], count=count)
            return
        provider, reason, sender = kind
        self._waiting.append(
            WebhookRejection(
                provider=provider,
                at=at,
                reason=reason,
                size=size,
                sender=sender,
                deliveries=count,
            )
        )


async def write_the_last(rejections: Rejections, now: datetime) -> None:
    """Write everything, within the time that a shutdown has for it."""
    try:
        await rejections.flush(now, whole=True, within_s=LAST_WITHIN_S)
    except Unavailable:
        log.warning("the last rejected webhooks are not written down")
