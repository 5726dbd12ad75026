"""What keeps each event told once and in order, taken out: a conversation must hear that."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from service.core.ids import new_id
from service.notifications.endpoints.operations import fan_out
from service.notifications.endpoints.repository import deliveries
from service.notifications.endpoints.repository.deliveries import Kept
from service.notifications.endpoints.states import DeliveryStatus
from service.storage.database import Row


@contextmanager
def _some_lost() -> Iterator[None]:
    """A delivery of a completion is not made, however often it is tried."""
    insert = deliveries.insert_missing

    async def forgets(row: Row) -> bool:
        return row["type"] != "session.completed" and await insert(row)

    with patch.object(deliveries, "insert_missing", forgets):
        yield


@contextmanager
def _believed_too_soon() -> Iterator[None]:
    """What was sent once is done, whatever was answered."""
    keep = deliveries.keep

    async def believes(kept: list[Kept], clock: Any) -> None:
        await keep([Kept(one.claimed, one.tried, DeliveryStatus.DELIVERED) for one in kept], clock)

    with patch.object(deliveries, "keep", believes):
        yield


@contextmanager
def _another_each_time() -> Iterator[None]:
    """An event has another id each time that its deliveries are made."""
    with patch.object(fan_out, "event_id", lambda _: new_id("evt")):
        yield


@contextmanager
def _in_any_order() -> Iterator[None]:
    """What is due is sent, whatever waits before it in its lane."""

    async def nothing(_: Any) -> set[str]:
        return set()

    with patch.object(deliveries, "_behind", nothing):
        yield


HEARD_GUARDS: dict[str, Callable[[], Any]] = {
    "lost": _some_lost,
    "believed": _believed_too_soon,
    "ids": _another_each_time,
    "order": _in_any_order,
}
