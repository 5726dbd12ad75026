"""The way of a verified event from `take_in` to its rows: walked, and held to what one can follow.

A file is on the way if a step of it is awaited; queries (repositories, storage) are the end of it.
A return is a step in one of these files that is begun from another one than the step before.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from inspect import CO_COROUTINE
from itertools import pairwise
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import service
from service.inbox.operations.inbox import Arrival
from service.inbox.operations.receive import take_in
from tests.support.shop import Shop, completions

FILES, RETURNS = 8, 4

_ROOT = Path(service.__file__).parent
_NO_ROOMS = ("core", "storage", "providers", "web")


class Call(NamedTuple):
    """A function that was called: its file, those of its callers from the nearest on."""

    file: str
    callers: tuple[str, ...]
    awaited: bool


def _file(frame: FrameType) -> str | None:
    """Return a frame's file, below `service/`; None for queries and what is of no room."""
    path = Path(frame.f_code.co_filename)
    if not path.is_relative_to(_ROOT):
        return None
    name = path.relative_to(_ROOT).as_posix()
    return None if name.startswith(_NO_ROOMS) or "/repository" in name else name


@contextmanager
def _walking() -> Iterator[list[Call]]:
    calls: list[Call] = []
    seen: dict[int, FrameType] = {}  # a step that goes on after it has waited is no new one

    def note(frame: FrameType, event: str, _: object) -> None:
        if event != "call" or id(frame) in seen or (file := _file(frame)) is None:
            return
        seen[id(frame)] = frame
        callers, below = [], frame.f_back
        while below is not None:
            callers += [caller] if (caller := _file(below)) else []
            below = below.f_back
        awaited = bool(frame.f_code.co_flags & CO_COROUTINE)
        calls.append(Call(file, tuple(callers), awaited))

    sys.setprofile(note)
    try:
        yield calls
    finally:
        sys.setprofile(None)


def _files(calls: Sequence[Call]) -> list[str]:
    return list(dict.fromkeys(call.file for call in calls if call.awaited))


def _returns(calls: Sequence[Call]) -> int:
    files = _files(calls)
    steps = [call for call in calls if call.file in files]
    return sum(_begun_from(after, files, step.file) != step.file for step, after in pairwise(steps))


def _begun_from(call: Call, files: Sequence[str], last: str) -> str:
    # What a queue begins (the work of a transaction) goes on where the way had come to.
    return next((caller for caller in call.callers if caller in files), last)


async def _walk(shop: Shop, **fields: Any) -> tuple[list[Call], dict[str, Any]]:
    session = await shop.api.open()
    delivery = shop.stripe_paid(session, **fields)
    inbox = shop.api.container.inbox
    await shop.api.container.endpoints.endpoints.refresh(0)  # as a server does once it looks
    event = inbox.providers["stripe"].verify(delivery.headers, delivery.body, shop.clock.now())
    with _walking() as calls:
        await take_in(Arrival(event), inbox)
    return calls, await shop.session(session["sessionId"])


async def test_a_payment_visits_eight_files_and_returns_four_times_at_most(shop: Shop) -> None:
    calls, session = await _walk(shop)
    assert completions(session) == 1
    assert calls[0].file == "inbox/operations/receive.py"
    assert len(_files(calls)) <= FILES, _files(calls)
    assert _returns(calls) <= RETURNS, calls


def test_control_a_step_that_is_begun_from_a_file_that_was_left_is_a_return() -> None:
    straight = [Call("a", (), True), Call("b", ("a",), True), Call("c", ("b", "a"), True)]
    assert (_files(straight), _returns(straight)) == (["a", "b", "c"], 0)
    back = [*straight, Call("b", ("a",), False), Call("pure", ("b", "a"), False)]
    assert (_files(back), _returns(back)) == (["a", "b", "c"], 1)
