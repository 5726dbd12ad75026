"""The endpoints as this process knows them: whoever writes or sends asks no database.

An endpoint counts from when every process knows it: each reads what has changed every few seconds,
and one that could not read for that long takes it that everybody hears everything.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from service.core.clock import Clock
from service.notifications.endpoints.documents import WebhookEndpoint
from service.notifications.endpoints.repository import endpoints as repository
from service.notifications.events.states import types_heard
from service.storage.answering import answers_in_time

READ_EVERY_S = 3.0
CURRENT_FOR_S = 10.0
"""For so long what was read last is good; after that nobody knows who hears what."""
KNOWN_WITHIN = timedelta(seconds=CURRENT_FOR_S)
"""After so long every process knows of a change, or knows that it does not know."""


class Endpoints:
    """A cache of all endpoints; it reads those that have changed since it last did."""

    def __init__(self, clock: Clock) -> None:
        """Begin with none, and with having read nothing."""
        self.clock = clock
        self._by_id: dict[str, WebhookEndpoint] = {}
        self._hearing: Mapping[tuple[str, str], Sequence[WebhookEndpoint]] = {}
        self._of_merchant: Mapping[str, Sequence[str]] = {}
        self._changed_at: datetime | None = None
        self._read_at: float | None = None
        self._forgotten_at = self._taken_at = time.monotonic()
        self._readers = 0

    @property
    def is_empty(self) -> bool:
        """Return whether it is known that there is no endpoint at all."""
        return not self._by_id and self.is_current

    @property
    def is_current(self) -> bool:
        """Return whether what is known was read so lately that no change counts yet."""
        age = float("inf") if self._read_at is None else time.monotonic() - self._read_at
        return age < CURRENT_FOR_S

    def hears(self, merchant_id: str, event_type: str) -> bool:
        """Return whether an endpoint of a merchant hears a type of event, or nobody knows."""
        return (merchant_id, event_type) in self._hearing or not self.is_current

    def hearing(self, merchant_id: str, event_type: str) -> Sequence[WebhookEndpoint]:
        """Return the endpoints that hear a type of event, whenever that is written."""
        return self._hearing.get((merchant_id, event_type), ())

    def find(self, endpoint_id: str) -> WebhookEndpoint | None:
        """Return an endpoint; None for one that is not known or that was removed."""
        return self._by_id.get(endpoint_id)

    @property
    def is_of_several(self) -> bool:
        """Return whether several merchants have endpoints."""
        return len(self._of_merchant) > 1

    def of(self, merchant_ids: Iterable[str]) -> set[str]:
        """Return the ids of all endpoints of some merchants."""
        return {name for one in merchant_ids for name in self._of_merchant.get(one, ())}

    def is_sent_to(self, endpoint_id: str) -> bool:
        """Return whether an endpoint is known, and not disabled."""
        found = self.find(endpoint_id)
        return found is not None and found.disabled is None

    def forget(self) -> None:
        """Have the next who needs them read them: one was changed here, whatever is being read."""
        self._forgotten_at, self._read_at = time.monotonic(), None

    async def refresh(self, older_than_s: float = READ_EVERY_S) -> None:
        """Read what has changed, unless that was done just now. Raises `Unavailable`.

        Nor while another does so: until it has, what is known is good.
        """
        began = time.monotonic()
        if self._read_at is not None and began - self._read_at < older_than_s:
            return
        if self._readers and older_than_s and self.is_current:
            return
        self._readers += 1
        try:
            async with answers_in_time():
                found = await repository.changed(self._changed_at)
        finally:
            self._readers -= 1
        if began < self._taken_at:  # who began later was sooner, and knows better
            return
        self._take(found)
        self._taken_at = began
        if began >= self._forgotten_at:
            self._read_at = began

    async def know(self, ids: Iterable[str]) -> None:
        """Read what has changed where one of these is not sent to, as far as is known here.

        Another process may have added it, and its test be claimed here. Raises `Unavailable`.
        """
        if not all(map(self.is_sent_to, ids)):
            await self.refresh(0)

    def _take(self, found: Iterable[WebhookEndpoint]) -> None:
        changed = False
        for one in found:
            at = self._changed_at
            self._changed_at = one.changed_at if at is None else max(at, one.changed_at)
            if one.removed:
                changed |= self._by_id.pop(one.id, None) is not None
            elif self._by_id.get(one.id) != one:
                self._by_id[one.id] = one
                changed = True
        if changed:
            self._hearing = _by_type(self._by_id.values())
            self._of_merchant = _by_merchant(self._by_id.values())


def _by_type(
    endpoints: Iterable[WebhookEndpoint],
) -> Mapping[tuple[str, str], Sequence[WebhookEndpoint]]:
    found: dict[tuple[str, str], list[WebhookEndpoint]] = {}
    for one in endpoints:
        if one.disabled is None:
            for event_type in types_heard(one.events):
                found.setdefault((one.merchant_id, event_type), []).append(one)
    return found


def _by_merchant(endpoints: Iterable[WebhookEndpoint]) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for one in endpoints:
        found.setdefault(one.merchant_id, []).append(one.id)
    return found
