"""The merchant's own servers in a conversation: what each has taken, and how it behaves now."""

import json
import math
from collections.abc import Container, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from service.core.batches import Until
from service.notifications.endpoints.operations.known import Endpoints
from service.notifications.endpoints.operations.services import EndpointServices
from service.notifications.endpoints.sending.client import Client
from service.notifications.endpoints.sending.sender import Sender
from service.storage.database import Row
from tests.notifications.receivers import Got, Receiver, Stream, answers, resets

Behaves = Literal["hears", "fails", "falls silent", "is gone"]
"""One that falls silent has taken what it was sent: nobody who sends can know that."""

_ANSWERS = {
    "hears": answers(),
    "fails": answers(500),
    "falls silent": resets,
    "is gone": answers(410),
}
_TAKES = frozenset({"hears", "falls silent"})


@dataclass(slots=True)
class Ear:
    """One endpoint, at its own path of the receiver. `taken` are its events by their ids, in order.

    `step`: that in which it was added. `was_off`: it was disabled for a while, by whomever.
    """

    path: str
    id: str
    filters: frozenset[str]
    ordered: bool
    step: int
    behaves: Behaves = "hears"
    was_off: bool = False
    taken: dict[str, dict[str, Any]] = field(default_factory=dict)

    def take(self, got: Got) -> None:
        """Take an event as the docs say: once by its id, which never means another one."""
        event = json.loads(got.body)
        assert event["id"] == got.id, f"{got.id} carries {event['id']}"
        before = self.taken.setdefault(got.id, event)
        assert before == event, f"{got.id} came with two contents"


Key = tuple[str, str]
"""The collection and the id of something that stands anew."""


@dataclass(slots=True)
class Hearing:
    """All ears, and what there was to hear, as sessions and ledger showed it after each step.

    `moves` are all moves of sessions ever seen: whose, where to, and when; `stood` says since which
    step a payment or a refund was seen to stand so. Without a `receiver` nobody hears anything.
    """

    receiver: Receiver | None = None
    ears: dict[str, Ear] = field(default_factory=dict)
    moves: dict[tuple[Any, int], tuple[str, str, Any]] = field(default_factory=dict)
    stood: dict[tuple[Key, str], int] = field(default_factory=dict)
    step: int = 0
    added: int = 0
    wrong: list[str] = field(default_factory=list)

    async def answer(self, got: Got, writer: Stream) -> None:
        """Behave as the ear does that a request is for."""
        ear = self.ears.get(got.path)
        if ear is None:  # of a conversation that is over
            await _ANSWERS["is gone"](got, writer)
            return
        if ear.behaves in _TAKES:
            try:
                ear.take(got)
            except AssertionError as wrong:
                self.wrong.append(str(wrong))
        await _ANSWERS[ear.behaves](got, writer)

    def note_moves(self, sessions: Iterable[Row]) -> None:
        """Note all moves of sessions; that one was opened its opener was answered."""
        for row in sessions:
            for n, move in enumerate(row["history"][1:]):
                told = (row["sessionId"], f"session.{move['to']}", move["at"])
                self.moves.setdefault((row["_id"], n), told)

    def note_standing(self, name: str, key: str, rows: Iterable[Row]) -> None:
        """Note how rows of the ledger stand."""
        for row in rows:
            self.stood.setdefault(((name, row[key]), f"{name}.{row['status']}"), self.step)

    def note_off(self, ids: Container[str]) -> None:
        """Note which endpoints are disabled."""
        for ear in self.ears.values():
            ear.was_off |= ear.id in ids

    def begin_anew(self) -> None:
        """Forget all ears and all that was heard."""
        self.ears.clear()
        self.moves.clear()
        self.stood.clear()
        self.wrong.clear()
        self.step, self.added = 0, 0


def forget_endpoints(known: Endpoints) -> None:
    """Have a process know of no endpoint: their rows are gone, which no process ever meets."""
    Endpoints.__init__(known, known.clock)


async def send_all(services: EndpointServices) -> None:
    """Send all that is due, as one process does."""
    client = Client(services.addresses)
    await Sender(services, client, Until(math.inf)).work_off()
    client.close()
