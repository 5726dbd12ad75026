"""Two runs of the reminders at once: what keeps each reminder from being sent twice."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from itertools import count
from typing import Any, TypeVar

import pytest

from service.core.clock import Clock
from service.jobs.operations import run
from service.leases.operations import leased, under
from service.leases.repository import Held
from service.outbox.operations.messages import message
from service.recovery.documents import Recovery
from service.recovery.operations import remind, writing
from service.recovery.repository import move_on
from service.storage.database import Row
from service.storage.transaction import Transaction
from tests.recovery.leaving import Leaving

T = TypeVar("T")
_CUSTOMERS = 2


@pytest.fixture
def both_look_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have each of two runs hold a lease of its own, and neither write before both have looked."""
    both, number = asyncio.Barrier(2), count()

    @asynccontextmanager
    async def own(name: str, span: timedelta, clock: Clock) -> AsyncIterator[Held | None]:
        async with leased(f"{name}:{next(number)}", span, clock) as lease:
            yield lease

    async def after_both(lease: Held | None, work: Callable[[Transaction], Awaitable[T]]) -> T:
        await both.wait()
        return await under(lease, work)

    monkeypatch.setattr(run, "leased", own)
    monkeypatch.setattr(remind, "under", after_both)


async def _moved_in_any_case(recovery: Recovery, change: Row, tx: Transaction) -> bool:
    await move_on(recovery, change, tx)
    return True


def _of_no_number(numbers: Iterator[int], topic: str, key: str, **of: Any) -> Row:
    """Make a message whose key is never another's."""
    return message(topic, f"{key}:{next(numbers)}", **of)


def _take_out(guards: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    if "row" in guards:
        monkeypatch.setattr(writing.repository, "move_on", _moved_in_any_case)
    if "key" in guards:
        monkeypatch.setattr(writing, "message", partial(_of_no_number, count()))
    if "customer" in guards:
        monkeypatch.setattr(writing, "often_until", _never_often)


async def _never_often(*_: object) -> tuple[bool, None]:
    return False, None


async def _mails_of_two_runs(leaving: Leaving) -> list[int]:
    users = [f"u{n}" for n in range(_CUSTOMERS)]
    for user in users:
        await leaving.begin(userId=user, email=f"{user}@customer.example")
    await leaving.pass_time(hours=2)
    await asyncio.gather(leaving.run(), leaving.run())
    await leaving.mailing.settle()
    return [len(leaving.mails(f"{user}@customer.example")) for user in users]


@pytest.mark.usefixtures("both_look_first")
@pytest.mark.parametrize(
    "out", [set(), {"row", "key"}, {"row", "customer"}, {"key", "customer"}], ids=len
)
async def test_two_that_have_both_looked_send_once_by_any_of_three_guards(
    leaving: Leaving, monkeypatch: pytest.MonkeyPatch, out: set[str]
) -> None:
    """As where a lease was lost: a session is written as it was read, a reminder has a key, and a
    customer is left alone after one."""
    _take_out(out, monkeypatch)
    assert await _mails_of_two_runs(leaving) == [1] * _CUSTOMERS


@pytest.mark.usefixtures("both_look_first")
async def test_control_without_the_three_guards_it_is_sent_twice(
    leaving: Leaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    _take_out({"row", "key", "customer"}, monkeypatch)
    assert await _mails_of_two_runs(leaving) == [2] * _CUSTOMERS


async def test_control_without_those_three_the_lease_alone_has_it_sent_once(
    leaving: Leaving, monkeypatch: pytest.MonkeyPatch
) -> None:
    _take_out({"row", "key", "customer"}, monkeypatch)
    assert await _mails_of_two_runs(leaving) == [1] * _CUSTOMERS
