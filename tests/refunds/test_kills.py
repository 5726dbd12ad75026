"""A service that is killed between any two words to its database while it refunds."""

import asyncio
import base64
import json
import sys
from typing import Any

import pytest

from service.payments.refunds.sending import send
from service.storage.database import Client
from tests.refunds.money import Money, made
from tests.support.api import SECRET

# One more than a refund has, from the search for its payment to the answer's commit.
_MOST_WORDS = 32


def _call(payment: str) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the headers and the body of the same call, however often it is made."""
    return {"Idempotency-Key": f"once-{payment}"}, {"reason": "too late", "amount": 400}


def _job(money: Money, uri: str, at: int, payment: str) -> str:
    headers, called = _call(payment)
    body = json.dumps(called, separators=(",", ":"))  # the same to the byte as the repetition
    headers |= {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"}
    post = {
        "path": f"/api/payments/{payment}/refunds",
        "headers": headers,
        "body": base64.b64encode(body.encode()).decode(),
    }
    job = {"uri": uri, "database": money.shop.database.name, "at": at, "posts": [post]}
    job |= {"now": money.shop.clock.now().isoformat()}
    return json.dumps(job | {"settings": {"STRIPE_API_BASE": money.books.url}})


async def _killed(money: Money, uri: str, words: range) -> list[str]:
    """Refund a payment for each word, by a service that is killed before it; return those killed.

    The last ones are refunded before their word comes.
    """
    payments = [await money.paid() for _ in words]
    jobs = [_job(money, uri, at, paid) for at, paid in zip(words, payments, strict=True)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.inbox.victim"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    told, _ = await process.communicate("\n".join(jobs).encode())
    said = [line for line in told.decode().splitlines() if line.startswith("over ")]
    assert len(said) == len(jobs)
    return [paid for paid, line in zip(payments, said, strict=True) if line == "over -9"]


async def _go_on(money: Money, client: Client, payments: list[str]) -> None:
    """Do what happens after a kill: the database lets go, the caller repeats, messages go out."""
    # What mongod does itself once a transaction has stood for transactionLifetimeLimitSeconds.
    await client.admin.command({"killAllSessions": []})
    money.shop.pass_time(minutes=2)
    for payment in payments:
        headers, body = _call(payment)
        made(await money.refund(payment, headers=headers, **body))
    await money.deliver()


@pytest.mark.soak
async def test_killed_before_any_word_a_refund_is_made_once(
    money: Money, client: Client, mongo_uri: str
) -> None:
    """A start of the service for each of some 25 words."""
    killed = await _killed(money, mongo_uri, range(_MOST_WORDS))
    assert 15 < len(killed) < _MOST_WORDS
    money.books.forget_keys()
    await _go_on(money, client, killed)
    for payment in killed:
        assert money.books.moved(payment) == 400, payment
        assert await money.sums(payment) == (400, 0)
    assert {row["status"] for row in await money.refunds()} == {"succeeded"}
    await money.agrees()


async def test_killed_before_some_of_them_a_refund_is_made_once(
    money: Money, client: Client, mongo_uri: str
) -> None:
    killed = await _killed(money, mongo_uri, range(8, 20, 8))
    assert killed
    money.books.forget_keys()
    await _go_on(money, client, killed)
    assert [money.books.moved(payment) for payment in killed] == [400] * len(killed)
    await money.agrees()


@pytest.mark.soak
async def test_control_without_asking_first_some_are_made_twice(
    money: Money, client: Client, mongo_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A start of the service for each of some 25 words."""

    async def knows_nothing(*_: object) -> bool:
        return False

    monkeypatch.setattr(send, "take_found", knows_nothing)
    killed = await _killed(money, mongo_uri, range(_MOST_WORDS))
    money.books.forget_keys()
    await _go_on(money, client, killed)
    assert 800 in {money.books.moved(payment) for payment in killed}
