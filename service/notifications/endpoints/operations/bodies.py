"""What is sent of an event: thin, or with the object that it is about."""

from datetime import datetime

import msgspec

from service.core.clock import Clock
from service.core.strict_json import JsonValue
from service.notifications.events.operations import encoded, event_about
from service.outbox.documents import OutboxMessage
from service.payments.history.operations.gather import find_whole
from service.payments.history.schemas.ledger import whole_view
from service.sessions import repository as sessions
from service.sessions.schemas.answers import listed_view
from service.storage.answering import answers_in_time

VERSION = "2026-11-22"
"""Of what is sent. An endpoint keeps the one that it was added with."""

_OF_SESSIONS = frozenset({"session", "review"})


class Bodies:
    """The texts of one event: each is made when it is wanted first."""

    def __init__(self, message: OutboxMessage, clock: Clock) -> None:
        """Begin with none."""
        self._message, self._clock = message, clock
        self._made: dict[bool, str] = {}

    async def of(self, *, thin: bool) -> str:
        """Return what is sent: of an event with its object, that as it stands now, or null."""
        if thin not in self._made:
            self._made[thin] = await self._make(thin=thin)
        return self._made[thin]

    async def _make(self, *, thin: bool) -> str:
        more = {} if thin else {"object": await self._object()}
        return encoded(event_about(self._message, **more)).decode()

    async def _object(self) -> JsonValue:
        """Return a view of the session, or of the payment with its refunds and disputes."""
        told = self._message
        if told.topic.partition(".")[0] in _OF_SESSIONS:
            async with answers_in_time():
                session = await sessions.find(told.merchant_id, told.session_id)
            return None if session is None else _plain(listed_view(session, self._clock.now()))
        for name in ("paymentId", "providerPaymentId"):
            if isinstance(any_id := told.payload.get(name), str):
                found = await find_whole(told.merchant_id, any_id)
                return _plain(whole_view(found[0])) if found else None
        return None


def _plain(view: object) -> JsonValue:
    found: JsonValue = msgspec.to_builtins(view, builtin_types=(datetime,))
    return found
