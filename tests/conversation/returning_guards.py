"""What keeps reminders to those who have not paid, taken out: a conversation must miss each."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from msgspec import structs

from service.recovery.operations import looking, remind, writing
from service.sessions.operations.caller import Caller


@contextmanager
def _whoever_paid() -> Iterator[None]:
    """Nobody looks whether a customer has paid."""
    standing = looking._standing

    def unpaid(*given: Any) -> Any:
        found = standing(*given)
        return structs.replace(found, paid=False, under_way=False, status="expired")

    async def nothing(*_: Any) -> None:
        return None

    with (
        patch.object(looking, "_standing", unpaid),
        patch.object(looking, "_why_not", nothing),
    ):
        yield


@contextmanager
def _as_often_as_it_runs() -> Iterator[None]:
    """Nobody counts how often a session was reminded of, nor its customer."""
    left_of = remind.left_of

    def never_reminded(recovery: Any) -> Any:
        return structs.replace(left_of(recovery), reminders=0, reminded_at=None)

    with patch.object(remind, "left_of", never_reminded), _of_whatever_they_begin():
        yield


@contextmanager
def _of_whatever_they_begin() -> Iterator[None]:
    """Nobody counts how often a customer was reminded, of this and of all else."""

    async def never(*_: Any) -> tuple[bool, None]:
        return False, None

    with patch.object(writing, "often_until", never):
        yield


@contextmanager
def _at_any_address() -> Iterator[None]:
    """Nobody asks whether an address is the customer's who named it."""
    with patch.object(Caller, "vouches_for", lambda _caller, email: email is not None):
        yield


RETURNING_GUARDS: dict[str, Callable[[], Any]] = {
    "reminded who paid": _whoever_paid,
    "reminded too often": _as_often_as_it_runs,
    "reminded of each thing": _of_whatever_they_begin,
    "reminded at anybody's address": _at_any_address,
}
