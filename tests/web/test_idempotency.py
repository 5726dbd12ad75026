"""Idempotency-Key: once, whatever is repeated, raced, broken off or crashed."""

import asyncio
from base64 import urlsafe_b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import jwt
import pytest
from httpx import AsyncClient, Response
from hypothesis import given
from hypothesis import strategies as st

from service.core.clock import ManualClock
from service.core.errors import Conflict, InvalidInput, Unavailable
from service.core.principal import Kind
from service.storage.database import Client, Database
from service.web.idempotency.header import read_key
from service.web.idempotency.repository import KEPT_FOR, LOCKED_FOR, Claim, claim
from tests.support.keys import issue_key
from tests.support.limits import hastily
from tests.web.app import JWT_SECRET, PK, SK, Seen
from tests.web.conftest import SECRET
from tests.web.test_problems import assert_problem
from tests.web.tokens import claims_of

LONG = "3pZlGkAw0sQ8mXv7NbTc2R"  # of 22 characters, as few as a browser's may have


async def order(http: AsyncClient, key: str = "k-1", amount: int = 10, **headers: str) -> Response:
    """Create an order under an Idempotency-Key."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await http.post(
        "/api/orders", json={"amount": amount}, headers={**SECRET, "Idempotency-Key": key, **named}
    )


async def test_a_repeated_call_gets_the_first_answer(http: AsyncClient, seen: Seen) -> None:
    first, second = await order(http), await order(http)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert first.headers["content-type"] == second.headers["content-type"]
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert len(seen.orders) == 1


async def test_quoted_and_bare_are_the_same_key(http: AsyncClient, seen: Seen) -> None:
    await order(http, "k-1")
    assert (await order(http, '"k-1"')).headers["idempotent-replayed"] == "true"
    assert len(seen.orders) == 1


async def test_without_the_header_each_call_runs(http: AsyncClient, seen: Seen) -> None:
    for _ in range(2):
        await http.post("/api/orders", json={"amount": 1}, headers=SECRET)
    assert len(seen.orders) == 2
    assert seen.seeds == [None, None]


async def test_another_payload_is_422(http: AsyncClient, seen: Seen) -> None:
    await order(http, amount=10)
    assert_problem(await order(http, amount=11), 422, "idempotency_key_reused")
    assert len(seen.orders) == 1


async def test_a_key_belongs_to_its_caller(http: AsyncClient, seen: Seen) -> None:
    await order(http, LONG)
    other = await order(http, LONG, X_API_Key=PK)
    assert other.status_code == 201
    assert "idempotent-replayed" not in other.headers
    assert len(set(seen.seeds)) == 2


async def test_nobody_gets_the_answer_of_another_merchant_kind_or_user(
    http: AsyncClient, seen: Seen, clock: ManualClock
) -> None:
    another = (await issue_key(clock, Kind.SECRET, merchant_id="another")).key
    tokens = [jwt.encode(claims_of(clock, sub=sub), JWT_SECRET) for sub in ("user-1", "user-2")]
    for key in (SK, another, PK, *tokens):
        answer = await order(http, LONG, X_API_Key=key)
        assert answer.status_code == 201, answer.text
        assert "idempotent-replayed" not in answer.headers
    assert len(seen.orders) == len(set(seen.seeds)) == 5


async def test_control_another_key_of_the_same_merchant_gets_it(
    http: AsyncClient, seen: Seen, clock: ManualClock
) -> None:
    """So that a call is still done once while the key is rotated."""
    await order(http)
    newer = (await issue_key(clock, Kind.SECRET)).key
    assert (await order(http, X_API_Key=newer)).headers["idempotent-replayed"] == "true"
    assert len(seen.orders) == 1


async def test_an_anonymous_call_claims_nothing(http: AsyncClient, database: Database) -> None:
    answer = await http.post(
        "/api/orders", json={"amount": 1}, headers={"Idempotency-Key": "k" * 300}
    )
    assert answer.status_code == 401
    assert await database["idempotency_keys"].count_documents({}) == 0


async def test_an_error_is_not_kept(http: AsyncClient, seen: Seen, database: Database) -> None:
    for error in (Conflict("no"), Unavailable("no"), RuntimeError("no")):
        seen.fail_with = error
        assert (await order(http)).status_code >= 400
        assert await database["idempotency_keys"].count_documents({}) == 0
    seen.fail_with = None
    assert (await order(http)).status_code == 201
    assert len(set(seen.seeds)) == 1  # what a failed run made is found again


async def test_an_unusable_body_is_not_kept(http: AsyncClient) -> None:
    assert (await order(http, amount=-1)).status_code == 400
    assert (await order(http, amount=1)).status_code == 201


async def test_of_many_at_once_one_runs(http: AsyncClient, seen: Seen) -> None:
    answers = await asyncio.gather(*(order(http) for _ in range(20)))
    assert len(seen.orders) == 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    for answer in answers:
        if answer.status_code == 409:
            assert_problem(answer, 409, "in_progress")
            assert answer.headers["retry-after"] == "1"
    assert (await order(http)).headers["idempotent-replayed"] == "true"


async def test_a_call_that_is_broken_off_can_be_made_again(
    http: AsyncClient, seen: Seen, database: Database
) -> None:
    seen.hold = asyncio.Event()
    running = asyncio.create_task(order(http))
    await seen.held.wait()
    assert_problem(await order(http), 409, "in_progress")
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert await database["idempotency_keys"].count_documents({}) == 0
    seen.hold = None
    assert (await order(http)).status_code == 201


async def crashed_run(database: Database, http: AsyncClient) -> dict[str, Any]:
    """Leave a row as a killed process would: in flight, without an answer."""
    await order(http)
    rows = database["idempotency_keys"]
    unset = dict.fromkeys(("status", "contentType", "sealedBody"), "")
    await rows.update_one({}, {"$set": {"state": "in_flight", "owner": "killed"}, "$unset": unset})
    row = await rows.find_one({})
    assert row is not None
    return row


async def test_a_crashed_run_is_taken_over_with_the_same_seed(
    http: AsyncClient, seen: Seen, database: Database, clock: ManualClock
) -> None:
    await crashed_run(database, http)
    assert_problem(await order(http), 409, "in_progress")
    assert_problem(await order(http, amount=11), 422, "idempotency_key_reused")
    clock.advance(LOCKED_FOR)
    assert_problem(await order(http, amount=11), 422, "idempotency_key_reused")
    answers = await asyncio.gather(*(order(http) for _ in range(10)))
    assert len(seen.orders) == 2  # the crashed one and its one successor
    assert seen.seeds[0] == seen.seeds[1]
    assert sorted({answer.status_code for answer in answers})[0] == 201


async def test_a_run_that_was_taken_over_answers_for_nobody(
    http: AsyncClient, database: Database, clock: ManualClock
) -> None:
    row = await crashed_run(database, http)
    clock.advance(LOCKED_FOR)
    successor = Claim(row["_id"], row["payloadHash"], "successor")
    assert await claim(successor, clock.now()) is None
    standing = await claim(Claim(row["_id"], row["payloadHash"], "third"), clock.now())
    assert standing is not None
    assert standing.owner == "successor"


async def test_after_a_day_the_key_is_free(
    http: AsyncClient, seen: Seen, clock: ManualClock
) -> None:
    await order(http)
    clock.advance(KEPT_FOR)
    assert (await order(http, amount=99)).status_code == 201
    assert len(seen.orders) == 2


async def test_neither_key_nor_answer_can_be_read_in_the_database(
    http: AsyncClient, database: Database
) -> None:
    await order(http, "order-of-ada-4711", 1_234_567)
    row = await database["idempotency_keys"].find_one({})
    assert row is not None
    assert row["state"] == "done"
    # None so short that the bytes of a sealed answer, written as `\xad` and `a`, hold it by chance.
    for secret in ("of-ada", "1234567", "amount", SK):
        assert secret not in repr(row)
    # The version of Fernet: AES-128-CBC, authenticated by HMAC-SHA256.
    assert urlsafe_b64decode(row["sealedBody"])[:1] == b"\x80"


@asynccontextmanager
async def failing(client: Client, command: str) -> AsyncIterator[None]:
    """Cut every connection that sends a command, until the block ends."""
    data = {"failCommands": [command], "closeConnection": True, "appName": "tillgate"}
    await client.admin.command(
        {"configureFailPoint": "failCommand", "mode": "alwaysOn", "data": data}
    )
    try:
        yield
    finally:
        await client.admin.command({"configureFailPoint": "failCommand", "mode": "off"})


async def test_nothing_runs_when_the_claim_can_not_be_stored(
    http: AsyncClient, seen: Seen, client: Client
) -> None:
    async with failing(client, "insert"):
        with hastily():
            assert_problem(await order(http), 503, "unavailable")
    assert not seen.orders


async def test_an_answer_that_can_not_be_kept_is_given_all_the_same(
    http: AsyncClient, seen: Seen, client: Client, clock: ManualClock
) -> None:
    async with failing(client, "update"):
        with hastily():
            assert (await order(http)).status_code == 201
    assert_problem(await order(http), 409, "in_progress")
    clock.advance(LOCKED_FOR)
    assert (await order(http)).status_code == 201
    assert seen.seeds[0] == seen.seeds[1]


@pytest.mark.parametrize(
    "key", [b"", b"  ", b'""', b'" "', b"x" * 256, "ü".encode(), b"a\tb", b"\x7f"]
)
def test_a_malformed_key_is_refused(key: bytes) -> None:
    with pytest.raises(InvalidInput) as raised:
        read_key([(b"idempotency-key", key)])
    assert raised.value.problems[0].field == "Idempotency-Key"


def test_two_keys_are_refused() -> None:
    with pytest.raises(InvalidInput):
        read_key([(b"idempotency-key", b"a"), (b"idempotency-key", b"a")])


@given(st.binary(max_size=300))
def test_any_header_is_a_key_or_refused(value: bytes) -> None:
    try:
        key = read_key([(b"idempotency-key", value)])
    except InvalidInput:
        return
    assert key
    assert key.isascii()
    assert len(key) <= 255


async def test_a_malformed_key_is_a_problem(http: AsyncClient, seen: Seen) -> None:
    assert_problem(await order(http, ""), 400, "invalid_idempotency_key")
    assert not seen.orders
