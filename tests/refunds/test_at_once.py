"""Many at once, from several processes, and processes that are killed: money moves once."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from service.payments.refunds.operations import approve, request
from tests.refunds.money import Money, made


@asynccontextmanager
async def _presser(
    mongo_uri: str, money: Money, payment: str, **job: Any
) -> AsyncIterator[Process]:
    """Start a process that is about to press the button; it is gone at the end."""
    job |= {"uri": mongo_uri, "database": money.shop.database.name, "books": money.books.url}
    job |= {"payment": payment}
    command = (sys.executable, "-m", "tests.refunds.pressing", json.dumps(job))
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    try:
        await _line(process, "ready")
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _line(process: Process, begins: str) -> str:
    """Read on to a line; what the service logs is in between."""
    assert process.stdout is not None
    while line := (await process.stdout.readline()).decode():
        if line.startswith(begins):
            return line
    raise AssertionError(f"the process ended before it said {begins!r}")


def _press(process: Process) -> None:
    assert process.stdin is not None
    process.stdin.write(b"now\n")


async def test_fifty_refunds_at_once_from_two_processes_move_at_most_what_was_paid(
    mongo_uri: str, money: Money
) -> None:
    payment, money.books.gate = await money.paid(1000), asyncio.Event()
    async with AsyncExitStack() as stack:
        pressers = [_presser(mongo_uri, money, payment, amount=100, times=25) for _ in range(2)]
        both = [await stack.enter_async_context(one) for one in pressers]
        for process in both:
            _press(process)
        await money.books.asked_for(10)  # no call is answered before all that fit have come
        money.books.gate.set()
        told = [json.loads(await _line(process, "{")) for process in both]
    assert sum(map(Counter, told), Counter()) == {"succeeded": 10, "more_than_left": 40}
    assert money.books.moved(payment) == 1000
    assert await money.sums(payment) == (1000, 0)
    await money.agrees()


async def test_control_without_the_reservation_more_moves_than_was_paid(
    money: Money, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def reserves(*_: object) -> None: ...

    def anything(payment: Any, amount: int | None, currency: str | None = None) -> int:
        return amount or 0

    monkeypatch.setattr(approve, "_reserve", reserves)
    monkeypatch.setattr(request, "amount_of", anything)
    payment, money.books.gate = await money.paid(1000), asyncio.Event()
    pressing = asyncio.gather(*(money.refund(payment, amount=100) for _ in range(12)))
    await money.books.asked_for(12)
    money.books.gate.set()
    await pressing
    assert money.books.moved(payment) == 1200


async def test_a_process_killed_after_the_call_asks_and_does_not_repeat(
    mongo_uri: str, money: Money
) -> None:
    """The control is in `test_sending`: without asking, a key that was forgotten refunds twice."""
    payment, money.books.gate = await money.paid(1000), asyncio.Event()
    async with _presser(mongo_uri, money, payment, times=1, amount=400) as process:
        _press(process)
        await money.books.asked_for(1)
        process.kill()
        await process.wait()
    money.books.gate.set()
    money.books.forget_keys()  # asking is enough: no key is needed for it
    row = await money.the_refund()
    assert (row["status"], row["providerRefundId"]) == ("processing", None)
    assert await money.sums(payment) == (0, 400)
    await money.deliver()
    assert (await money.the_refund())["status"] == "succeeded"
    assert (money.books.asked(), money.books.moved(payment)) == (1, 400)
    await money.agrees()


async def test_a_process_killed_before_the_call_has_it_made_by_the_next(
    mongo_uri: str, money: Money
) -> None:
    payment = await money.paid(1000)
    async with _presser(mongo_uri, money, payment, times=1, amount=400, stops=True) as process:
        _press(process)
        await _line(process, "begun")
        process.kill()
        await process.wait()
    assert (await money.the_refund())["status"] == "processing"
    assert money.books.asked() == 0
    await money.deliver()
    assert (await money.the_refund())["status"] == "succeeded"
    assert (money.books.asked(), money.books.moved(payment)) == (1, 400)


async def test_approved_and_denied_at_once_is_one_of_them(money: Money) -> None:
    payment = await money.paid(1000)
    for _ in range(4):
        asked = made(await money.request(paymentId=payment, amount=100))["refundId"]
        answers = await asyncio.gather(
            *(money.process(asked, action) for action in ("approve", "deny", "approve", "deny"))
        )
        codes = sorted(answer.status_code for answer in answers)
        assert codes == [200, 409, 409, 409]
        (done,) = [answer for answer in answers if answer.status_code == 200]
        (row,) = await money.refunds(refundId=asked)
        assert row["status"] == done.json()["refund"]["status"]
        assert row["status"] in {"succeeded", "denied"}
    back = len(await money.refunds(status="succeeded")) * 100
    assert money.books.moved(payment) == back
    assert await money.sums(payment) == (back, 0)


async def test_one_key_pressed_many_times_at_once_is_one_refund(money: Money) -> None:
    payment, once = await money.paid(1000), {"Idempotency-Key": "a-refund-of-this-order"}
    answers = await asyncio.gather(
        *(money.refund(payment, amount=100, headers=once) for _ in range(8))
    )
    assert {answer.status_code for answer in answers} <= {201, 409}
    ids = {made(one)["refundId"] for one in answers if one.status_code == 201}
    assert len(ids) == 1
    assert money.books.moved(payment) == 100


async def test_requests_at_once_never_ask_for_more_than_is_left(money: Money) -> None:
    payment = await money.paid(1000)
    answers = await asyncio.gather(
        *(money.request(paymentId=payment, amount=300) for _ in range(8))
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [409] * 5
