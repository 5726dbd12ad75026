"""Whatever a receiver does, the try says so in words, and the event is tried again in its time."""

import asyncio
from datetime import timedelta
from email.utils import format_datetime

import pytest

from service.notifications.endpoints.sending import client as clients
from service.notifications.endpoints.sending.client import Client
from service.notifications.endpoints.sending.connection import KEPT_BYTES, MOST_BYTES
from service.notifications.endpoints.sending.trying import LONGEST_ANSWER
from service.notifications.endpoints.states import LONGEST_WAIT, WAITS
from tests.notifications.receivers import (
    Behaves,
    answers,
    answers_half,
    answers_in_turn,
    endless_headers,
    hangs,
    receiving,
    resets,
    talks_nonsense,
    ten_megabytes,
)
from tests.notifications.telling import endpoint, send, sent, services_of, tell, the_try
from tests.support.limits import genuine
from tests.support.shop import Shop

SOON_S = 0.2


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What never ends is waited for so long; all else has all the time in the world."""
    monkeypatch.setattr(clients, "ANSWERS_WITHIN_S", SOON_S)


def test_a_receiver_has_fifteen_seconds() -> None:
    assert genuine(clients, "ANSWERS_WITHIN_S") == 15


@pytest.mark.parametrize(
    ("behaves", "words"),
    [
        (resets, "There was no answer: the connection was reset before there was an answer."),
        (talks_nonsense, "There was no answer: what was answered is not HTTP."),
        (endless_headers, f"the answer has more than {MOST_BYTES} bytes of headers."),
        (answers(500), "It answered 500; anything but 200 to 299 is tried again."),
        (answers(404), "It answered 404; anything but 200 to 299 is tried again."),
    ],
)
async def test_each_failure_is_told_in_words_and_tried_again(
    shop: Shop, behaves: Behaves, words: str
) -> None:
    async with receiving(answers_in_turn(behaves, answers())) as receiver:
        await endpoint(shop, receiver.url())
        await tell(shop)
        await send(shop)
        assert (await the_try(shop))["error"].endswith(words)
        assert await send(shop) == 0, "it waits"
        shop.pass_time(seconds=5)
        await send(shop)
    (row,) = await sent(shop)
    assert row["status"] == "delivered"
    assert [one["error"] is None for one in row["attempts"]] == [False, True]
    assert len({got.id for got in receiver.got}) == 1


@pytest.mark.usefixtures("impatient")
async def test_one_that_hangs_is_let_go(shop: Shop) -> None:
    async with receiving(hangs) as receiver:
        await endpoint(shop, receiver.url())
        await tell(shop)
        await send(shop)
    assert (await the_try(shop))["error"] == f"There was no answer within {SOON_S} s."


@pytest.mark.usefixtures("impatient")
async def test_one_that_says_yes_and_never_finishes_has_taken_it(shop: Shop) -> None:
    async with receiving(answers_half) as receiver:
        await endpoint(shop, receiver.url())
        await tell(shop)
        await send(shop)
    (row,) = await sent(shop)
    assert row["status"] == "delivered"
    assert row["attempts"][0]["answer"] == "half"


async def test_of_ten_megabytes_little_is_read_and_less_is_kept(shop: Shop) -> None:
    async with receiving(ten_megabytes) as receiver:
        await endpoint(shop, receiver.url())
        await tell(shop)
        await send(shop)
    attempt = await the_try(shop)
    assert attempt["error"] is None
    assert attempt["answer"] == "x" * LONGEST_ANSWER
    assert LONGEST_ANSWER < KEPT_BYTES < MOST_BYTES


async def test_a_redirect_to_the_clouds_metadata_is_not_followed(shop: Shop) -> None:
    where = "http://169.254.169.254/latest/meta-data/"
    async with receiving() as inside:
        moved = answers_in_turn(answers(302, location=where), answers(307, location=inside.url()))
        async with receiving(moved) as receiver:
            await endpoint(shop, receiver.url())
            await tell(shop)
            await send(shop)
            told = f"It answered 302, a redirect to {where}, which is not followed."
            assert (await the_try(shop))["error"] == told
            shop.pass_time(seconds=5)
            await send(shop)
    assert inside.got == []
    assert len(receiver.got) == 2


async def test_what_looks_like_a_secret_is_masked_in_what_is_kept(shop: Shop) -> None:
    text = "no user a.person@shop.example for sk_live_0123456789abcdef\x1b[2J"
    text += " of 4242424242424242, 4242 4242 4242 4242, order 4242424242424243"
    async with receiving(answers(500, text)) as receiver:
        await endpoint(shop, receiver.url())
        await tell(shop)
        await send(shop)
    assert (await the_try(shop))["answer"] == (
        "no user <address> for sk_***\\u001b[2J of ***, ***, order 4242424242424243"
    )


async def test_retries_wait_as_long_as_standard_webhooks_says_and_then_end(shop: Shop) -> None:
    async with receiving(answers(500)) as receiver:
        await endpoint(shop, receiver.url())
        await tell(shop)
        for n, wait in enumerate(WAITS, 1):
            before = shop.clock.now()
            await send(shop)
            assert len(receiver.got) == n
            (row,) = await sent(shop)
            assert 0.9 * wait <= row["nextAttemptAt"] - before <= wait
            shop.clock.advance(wait)
        await send(shop)
        shop.pass_time(days=1)
        await send(shop)
    (row,) = await sent(shop)
    assert (row["status"], len(receiver.got)) == ("failed", len(WAITS) + 1)
    minutes = [wait / timedelta(minutes=1) for wait in WAITS]
    assert minutes == [5 / 60, 5, 30, 120, 300, 600, 600]


@pytest.mark.parametrize(
    ("asked", "waits"),
    [
        ("120", timedelta(seconds=120)),
        ("date", timedelta(seconds=120)),
        ("999999999", LONGEST_WAIT),
        ("1", timedelta(seconds=4)),
        ("soon", timedelta(seconds=4)),
        ("-5", timedelta(seconds=4)),
        ("٣", timedelta(seconds=4)),
    ],
)
async def test_retry_after_is_honoured_as_far_as_it_goes(
    shop: Shop, asked: str, waits: timedelta
) -> None:
    async with receiving() as receiver:
        await endpoint(shop, receiver.url())
        await tell(shop)
        at = shop.clock.now()
        later = format_datetime(at + timedelta(seconds=120), usegmt=True)
        said = later if asked == "date" else asked
        receiver.behaves = answers(429, retry_after=said)
        await send(shop)
    (row,) = await sent(shop)
    assert waits <= row["nextAttemptAt"] - at <= waits + timedelta(seconds=1)
    assert row["attempts"][0]["status"] == 429


async def test_a_connection_that_died_idle_is_replaced_within_the_same_try(shop: Shop) -> None:
    async with receiving() as receiver:
        await endpoint(shop, receiver.url())
        client = Client(services_of(shop).addresses)
        await tell(shop, "1")
        await send(shop, client)

        async def cut(got: object, writer: asyncio.StreamWriter) -> None:
            writer.transport.abort()

        receiver.behaves = answers_in_turn(cut, answers())
        await tell(shop, "2")
        await send(shop, client)
        client.close()
    assert [row["status"] for row in await sent(shop)] == ["delivered", "delivered"]
    assert [len(row["attempts"]) for row in await sent(shop)] == [1, 1]
