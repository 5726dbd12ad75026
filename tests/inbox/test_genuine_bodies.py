"""What is genuinely signed is never answered 4xx, whatever it says; its forged twin always is."""

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from service.core import strict_json
from service.core.errors import MalformedBody
from service.inbox.controllers import LARGEST_WEBHOOK
from service.inbox.operations import receive
from service.inbox.operations.keeping import KEEP_OF_CUT, KEEP_WHOLE
from service.providers.signing import hmac_sha256_hex
from service.web import bodies
from service.web.bodies import LARGE_AT_ONCE, LargeBodies
from tests.support.events import Delivery, phonepe_callback, razorpay_captured
from tests.support.settings import PHONEPE_SALT, RAZORPAY_SECRET, STRIPE_SECRET
from tests.support.shop import Shop, completions

FOREIGN = {"sessionId": "nobodys", "amount": 1000, "currency": "INR"}
LOGIN = sha256(b"tillgate:phonepe-password").hexdigest()
PROVIDERS = ("stripe", "razorpay", "phonepe-v1", "phonepe-v2")

UNREADABLE = {
    "a lone surrogate": b'{"id": "evt_1", "type": "a", "event": "a.b", "name": "\\ud800"}',
    "no object": b'[{"id": "evt_1", "type": "a", "event": "a.b"}]',
    "a text": b'"evt_1"',
    "nothing": b"",
    "not UTF-8": b'{"id": "evt_1", "type": "\xff", "event": "a.b"}',
    "duplicate keys": b'{"id": "evt_1", "type": "a", "event": "a.b", "event": "a.b", "id": "e"}',
    "NaN": b'{"id": "evt_1", "type": "a", "event": "a.b", "amount": NaN}',
    "a huge integer": b'{"id": "evt_1", "type": "a", "event": "a.b", "n": %s}' % (b"9" * 30),
    "deep nesting": b'{"id": "evt_1", "event": "a.b", "a": %s1%s}' % (b"[" * 200, b"]" * 200),
    "nesting without an end": b"[" * 100_000,
    "a long key, twice": b'{"%s": 1, "%s": 2}' % (b"k" * 10_000, b"k" * 10_000),
}


NO_AMOUNT = {
    "stripe": {"id": "evt_2", "type": "checkout.session.completed", "data": {"object": {}}},
    "razorpay": {"event": "payment.captured", "payload": {"payment": {"entity": {"id": "pay_1"}}}},
    "phonepe-v1": {"code": "PAYMENT_SUCCESS", "data": {"merchantTransactionId": "s-1"}},
    "phonepe-v2": {"event": "checkout.order.completed", "payload": {"merchantOrderId": "s-1"}},
}


def _signed(shop: Shop, provider: str, body: bytes) -> Delivery:
    """Sign any bytes as the provider does; v1 of PhonePe wraps what it signs."""
    if provider == "stripe":
        at = shop.unix()
        signature = hmac_sha256_hex(STRIPE_SECRET, b"%d." % at + body)
        return Delivery("stripe", body, {"stripe-signature": f"t={at},v1={signature}"})
    if provider == "razorpay":
        signature = hmac.new(RAZORPAY_SECRET.encode(), body, sha256).hexdigest()
        return Delivery("razorpay", body, {"x-razorpay-signature": signature})
    if provider == "phonepe-v2":
        return Delivery("phonepe", body, {"authorization": LOGIN})
    response = base64.b64encode(body or b" ").decode()
    checksum = sha256((response + PHONEPE_SALT).encode()).hexdigest()
    wrapped = json.dumps({"response": response}).encode()
    return Delivery("phonepe", wrapped, {"x-verify": f"{checksum}###1"})


def _forged(delivery: Delivery) -> Delivery:
    """The same body, with one digit of the signature changed."""
    (name, value), *_ = delivery.headers.items()
    place = value.index("v1=") + 3 if "v1=" in value else 0
    digit = "0" if value[place] != "0" else "1"
    return replace(delivery, headers={name: value[:place] + digit + value[place + 1 :]})


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_what_is_genuine_and_can_not_be_read_is_kept_as_failed(
    shop: Shop, provider: str
) -> None:
    kept = {}
    no_amount = json.dumps(NO_AMOUNT[provider]).encode()
    for what, body in {**UNREADABLE, "no amount": no_amount}.items():
        delivery = _signed(shop, provider, body)
        assert (await shop.api.deliver(_forged(delivery))).status_code == 400, what
        assert len(await shop.events()) == len(kept), what
        for _ in range(2):
            assert (await shop.api.told(delivery))["outcome"] == "failed", what
        kept[delivery.body] = what
        assert len(await shop.events()) == len(kept), what
    for row in await shop.events():
        assert row["error"], kept[row["payload"]]
        assert (row["status"], row["cut"]) == ("failed", None)
    shop.pass_time(seconds=2)
    await shop.api.settle()
    rows = await shop.events()
    assert {(row["status"], row["attempts"]) for row in rows} == {("failed", 2)}
    listed = (await shop.admin("GET", "/webhook-events?status=failed&limit=100")).json()["events"]
    assert {one["id"] for one in listed} == {row["_id"] for row in rows}


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_control_a_signature_is_checked_before_anything_is_parsed(
    shop: Shop, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = []
    decoder = strict_json._decoder

    class Watched:
        def decode(self, text: str) -> Any:
            parsed.append(text)
            return decoder.decode(text)

    monkeypatch.setattr(strict_json, "_decoder", Watched())
    delivery = _signed(shop, provider, b'{"id": "evt_1", "type": "a", "event": "a.b"}')
    assert (await shop.api.deliver(_forged(delivery))).status_code == 400
    assert parsed == []
    assert (await shop.api.deliver(delivery)).status_code == 200
    assert parsed


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_control_unless_it_is_kept_its_provider_is_refused_and_it_is_lost(
    shop: Shop, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def not_kept(*why: Any) -> None:
        raise MalformedBody(str(why[-1]))

    monkeypatch.setattr(receive, "_keep_failed", not_kept)
    unread = _signed(shop, provider, json.dumps(NO_AMOUNT[provider]).encode())
    assert (await shop.api.deliver(unread)).status_code == 400
    assert await shop.events() == []


def _paid(shop: Shop, provider: str, session: dict[str, Any]) -> bytes:
    if provider == "stripe":
        return shop.stripe_paid(session).body
    if provider == "razorpay":
        return razorpay_captured(session).body
    callback = json.loads(phonepe_callback(session).body)["response"]
    return base64.b64decode(callback)


def _padded(body: bytes, size: int) -> bytes:
    """As large, in a field that nobody reads."""
    whole: dict[str, Any] = json.loads(body)
    return json.dumps(whole | {"padding": "p" * size}).encode()


@pytest.mark.parametrize("provider", ["stripe", "razorpay", "phonepe-v1"])
@pytest.mark.parametrize("size", [KEEP_WHOLE, 2_500_000])
async def test_a_large_genuine_body_completes_and_is_cut(
    shop: Shop, provider: str, size: int
) -> None:
    session = await shop.api.open(paymentMethod=provider.partition("-")[0])
    delivery = _signed(shop, provider, _padded(_paid(shop, provider, session), size))
    assert (await shop.api.deliver(_forged(delivery))).status_code == 400
    assert (await shop.api.told(delivery))["outcome"] == "processed"
    assert (await shop.api.told(delivery))["duplicate"] is True
    assert completions(await shop.session(session["sessionId"])) == 1
    [row] = await shop.events()
    assert row["payload"] == delivery.body[:KEEP_OF_CUT]
    assert row["cut"]["size"] == len(delivery.body)
    assert row["cut"]["sha256"] == sha256(delivery.body).hexdigest()
    [fact] = row["facts"]
    assert fact["type"] == "PaymentSucceeded"


async def test_a_cut_payload_that_waits_is_applied_from_what_was_read(shop: Shop) -> None:
    session = {"sessionId": "later", "amount": 1000, "currency": "INR"}
    body = _padded(_paid(shop, "razorpay", session), KEEP_WHOLE)
    assert (await shop.api.told(_signed(shop, "razorpay", body)))["outcome"] == "parked"
    await shop.api.open(sessionId="later", paymentMethod="razorpay")
    [before] = await shop.events()
    shop.pass_time(seconds=2)
    await shop.api.settle()
    assert completions(await shop.session("later")) == 1
    [row] = await shop.events()
    assert (row["status"], row["cut"]) == ("processed", before["cut"])
    replayed = await shop.admin("POST", f"/webhook-events/{row['_id']}/replay")
    assert replayed.status_code == 200, replayed.text
    [again] = await shop.events()
    assert (again["status"], again["facts"]) == ("processed", row["facts"])
    assert again["cut"] == before["cut"]


async def test_a_part_of_what_could_not_be_read_says_that_it_is_a_part(shop: Shop) -> None:
    body = b'{"event": "a.b", "padding": "%s", "name": "\\ud800"}' % (b"p" * KEEP_WHOLE)
    assert (await shop.api.told(_signed(shop, "razorpay", body)))["outcome"] == "failed"
    shop.pass_time(seconds=2)
    await shop.api.settle()
    [row] = await shop.events()
    assert row["status"] == "failed"
    assert row["error"].startswith(f"Only the first {KEEP_OF_CUT} of its {len(body)} bytes")


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_more_than_four_megabytes_are_too_many_whoever_signed(
    shop: Shop, provider: str
) -> None:
    delivery = _signed(shop, provider, b" " * LARGEST_WEBHOOK + b" ")
    answer = await shop.api.deliver(delivery)
    assert (answer.status_code, answer.json()["error"]) == (413, "body_too_large")
    assert await shop.events() == []
    other = await shop.api.call("POST", "/api/payment-sessions", content=b" " * 257_000)
    assert other.status_code == 413  # every other route takes what it took


async def test_large_bodies_share_a_transaction_only_within_its_size(shop: Shop) -> None:
    sessions = [await shop.api.open(paymentMethod="razorpay") for _ in range(12)]
    bodies = [_padded(_paid(shop, "razorpay", one), 1_500_000) for one in sessions]
    told = await asyncio.gather(
        *(shop.api.told(_signed(shop, "razorpay", body)) for body in bodies)
    )
    assert {one["outcome"] for one in told} == {"processed"}
    for one in sessions:
        assert completions(await shop.session(one["sessionId"])) == 1


async def test_large_bodies_are_read_a_few_at_a_time_and_small_ones_always(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In pieces, as a socket brings them: what is over the usual size has to get a place."""
    body = _padded(_paid(shop, "razorpay", {**FOREIGN}), 600_000)
    delivery = _signed(shop, "razorpay", body)

    async def in_pieces() -> AsyncIterator[bytes]:
        for place in range(0, len(body), 100_000):
            yield body[place : place + 100_000]

    async def post() -> int:
        answer = await shop.api.http.post(
            delivery.path, content=in_pieces(), headers=dict(delivery.headers)
        )
        return answer.status_code

    monkeypatch.setattr(LargeBodies, "being_read", LARGE_AT_ONCE)
    assert await post() == 503
    assert LargeBodies.being_read == LARGE_AT_ONCE
    small = _signed(shop, "razorpay", _paid(shop, "razorpay", {**FOREIGN}))
    assert (await shop.api.deliver(small)).status_code == 200
    monkeypatch.setattr(LargeBodies, "being_read", LARGE_AT_ONCE - 1)
    assert await post() == 200
    assert LargeBodies.being_read == LARGE_AT_ONCE - 1
    # The control: it is this very limit that the first one met.
    monkeypatch.setattr(LargeBodies, "being_read", LARGE_AT_ONCE)
    monkeypatch.setattr(bodies, "LARGE_AT_ONCE", LARGE_AT_ONCE + 1)
    assert await post() == 200


async def _stops_in_the_middle(shop: Shop) -> int:
    """Post what nobody signed, up to a place where nothing more comes."""
    never = asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"x" * 300_000
        await never.wait()

    answer = await shop.api.http.post("/api/webhooks/razorpay", content=pieces())
    return answer.status_code


async def test_who_stops_in_the_middle_of_a_large_body_gives_the_place_back(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Eight connections without a key held all places for as long as they stood."""
    monkeypatch.setattr(bodies, "LARGE_WITHIN_S", 0.1)
    stopped = [_stops_in_the_middle(shop) for _ in range(LARGE_AT_ONCE + 1)]
    assert await asyncio.gather(*stopped) == [503] * (LARGE_AT_ONCE + 1)
    assert LargeBodies.being_read == 0


async def test_control_without_a_limit_it_would_be_waited_for(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "LARGE_WITHIN_S", None)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(_stops_in_the_middle(shop), 0.5)


def _characters_copied(body: bytes, monkeypatch: pytest.MonkeyPatch) -> int:
    """Count the characters of all the places that are written while a body is checked."""
    copied = 0
    below = strict_json._below

    def counted(path: str, step: str) -> str:
        nonlocal copied
        copied += len(path) + len(step)
        return below(path, step)

    monkeypatch.setattr(strict_json, "_below", counted)
    strict_json.parse(body)
    return copied


def _many_below_a_long_key(size: int) -> bytes:
    key, values = "k" * (size // 2), ",".join("[]" for _ in range(size // 6))
    return f'{{"{key}": [{values}]}}'.encode()


async def test_what_stands_below_a_long_key_costs_no_copy_of_it_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """1 MB took three seconds; 25 times the bytes must be 25 times the work."""
    little = _characters_copied(_many_below_a_long_key(10_000), monkeypatch)
    much = _characters_copied(_many_below_a_long_key(250_000), monkeypatch)
    assert much < 50 * little


async def test_control_with_the_whole_place_it_would_grow_with_the_square(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(strict_json, "_LONGEST_PATH", 4_000_000)
    little = _characters_copied(_many_below_a_long_key(10_000), monkeypatch)
    much = _characters_copied(_many_below_a_long_key(250_000), monkeypatch)
    assert much > 300 * little
