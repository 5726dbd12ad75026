"""What callers do at the same time, and what they may be told; see test_same_answers.py."""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from httpx import Response

from service.storage.database import Row
from service.stored import DOCUMENTS
from tests.effects import streams
from tests.effects.streams import Stream
from tests.support.emptied import emptied
from tests.support.events import Delivery, stripe_checkout
from tests.support.shop import Shop, a_few_at_once

STRIPE: list[Stream] = [
    streams.stripe_paid_later,
    streams.stripe_failed_later,
    streams.stripe_second_checkout,
]
RAZORPAY: list[Stream] = [
    streams.razorpay_late_authorization,
    streams.razorpay_second_attempt,
    streams.razorpay_fell_through,
]

# Random, made by the database, or what may differ by the order of arrival.
_LEFT_OUT = {
    "sessions": {"_id", "history", "version", "updatedAt", "writtenAt", "late"}
    | {"clientSecretHash", "secretSalt", "createHash"},
    "payments": {"_id", "writtenAt"},
    # When it is tried again is up to a tenth sooner by chance.
    "webhook_events": {"payload", "nextAttemptAt"},
}


@dataclass(frozen=True)
class Story:
    """Sessions that stand, the events of each, and what else happens at the same time.

    `ahead`: so many events of each come before all others. `copies` and `asks` choose events that
    come again and calls that are made besides; `seed` the order.
    """

    told: tuple[Stream, ...]
    ahead: int = 0
    copies: tuple[int, ...] = ()
    asks: tuple[int, ...] = ()
    seed: int = 0


@dataclass(frozen=True)
class Call:
    """One call: what it is about, and how it is made."""

    about: str
    path: str
    delivery: Delivery | None = None
    body: tuple[tuple[str, Any], ...] = ()

    async def make(self, shop: Shop) -> Response:
        """Make it once."""
        if self.delivery is not None:
            return await shop.api.deliver(self.delivery)
        if self.body:
            return await shop.api.call("POST", self.path, json=dict(self.body))
        return await shop.api.call("GET", f"{self.path}/{self.about.partition(' ')[2]}")


@dataclass(frozen=True)
class Ending:
    """What every caller was told in the end, and every document, in words that compare."""

    answers: dict[str, list[Any]]
    documents: dict[str, Any]
    repeated: int


def _session(number: int, story: Story) -> dict[str, Any]:
    provider = "razorpay" if story.told[number] in RAZORPAY else "stripe"
    fields = {"sessionId": f"known-{number}", "amount": 1000, "currency": "INR"}
    return fields | {"paymentMethod": provider}


def _events(shop: Shop, story: Story) -> list[list[Call]]:
    told = []
    for number, stream in enumerate(story.told):
        deliveries = stream(shop, _session(number, story), 60)
        told.append([_event(f"{number}-{n}", one) for n, one in enumerate(deliveries)])
    return told


def _event(name: str, delivery: Delivery) -> Call:
    return Call(f"event {name}", delivery.path, delivery)


def _opening(name: str, amount: int) -> Call:
    body = {"sessionId": name, "userId": "u", "eventId": "e", "amount": amount, "quantity": 1}
    body |= {"currency": "INR", "paymentMethod": "stripe", "metadata": {"amount": amount}}
    return Call(f"open {name}", "/api/payment-sessions", body=tuple(body.items()))


def _besides(shop: Shop, story: Story) -> list[Call]:
    """Return the calls that can be made besides; `asks` are indexes of it."""
    standing = _session(0, story)
    stripe = {"sessionId": "known-0", "amount": 1, "currency": "INR"}
    wrong = stripe_checkout(stripe, id="cs_wrong", payment_intent="pi_wrong")
    nobody = stripe_checkout({"sessionId": "nobody", "amount": 1000, "currency": "INR"})
    return [
        *(_opening(f"new-{n}", 1000) for n in range(3)),
        *(_opening(f"new-{n}", 2000) for n in range(3)),
        Call("read known-0", "/api/payment-sessions"),
        Call("read known-1", "/api/payment-sessions"),
        Call("read nobody", "/api/payment-sessions"),
        Call("read nobody-else", "/api/payment-sessions"),
        _event("wrong", shop.stripe("checkout.session.completed", wrong, event_id="evt_wrong")),
        _event("nobody", shop.stripe("checkout.session.completed", nobody, event_id="evt_nobody")),
        _event("foreign", shop.stripe("customer.created", {"id": "c"}, event_id="evt_customer")),
        _opening(standing["sessionId"], 77),
    ]


MANY_ASKS = 14


async def play(
    shop: Shop, story: Story, failure: AbstractAsyncContextManager[None] | None = None
) -> Ending:
    """Play a story on an emptied database, and tell how it ended.

    While the failure lasts, a caller that is told 503 has to come again, like a provider or a
    client; nobody may be told anything else.
    """
    await emptied(shop.database, DOCUMENTS)
    for number in range(len(story.told)):
        await shop.api.open(**_session(number, story))
    events = _events(shop, story)
    answers = [(call, await call.make(shop)) for told in events for call in told[: story.ahead]]
    every = [call for told in events for call in told]
    besides = _besides(shop, story)
    calls = [call for told in events for call in told[story.ahead :]]
    calls += [every[n % len(every)] for n in story.copies] + [besides[n] for n in story.asks]
    random.Random(story.seed).shuffle(calls)  # noqa: S311

    if failure is None:
        first = await _at_once(shop, calls)
    else:
        async with failure:
            first = await _at_once(shop, calls)
    answers += [(call, answer) for call, answer in first if answer.status_code != 503]
    again = [call for call, answer in first if answer.status_code == 503]
    answers += await a_few_at_once(_repeated(shop, call) for call in again)
    return Ending(_told(answers), await _documents(shop), len(again))


async def _at_once(shop: Shop, calls: Sequence[Call]) -> list[tuple[Call, Response]]:
    told = await asyncio.gather(*(call.make(shop) for call in calls))
    for answer in told:
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) > 0
    return list(zip(calls, told, strict=True))


async def _repeated(shop: Shop, call: Call) -> tuple[Call, Response]:
    for _ in range(5):
        answer = await call.make(shop)
        if answer.status_code != 503:
            break
    return call, answer


def _told(answers: Sequence[tuple[Call, Response]]) -> dict[str, list[Any]]:
    """Gather what was told about each thing; of callers alike, it does not matter which."""
    told: dict[str, list[Any]] = {}
    for call, answer in answers:
        told.setdefault(call.about, []).append(_words(call, answer))
    return {about: sorted(words, key=str) for about, words in told.items()}


def _words(call: Call, answer: Response) -> Any:
    status, body = answer.status_code, answer.json()
    if call.delivery is not None:
        return status, body.get("outcome"), body.get("duplicate")
    if status >= 400:
        return status, body["error"], dict(call.body).get("amount")
    # A read meets the session before or after the events that come at the same time.
    return status, body["session"]["sessionId"], body["session"]["amount"]


async def _documents(shop: Shop) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, left_out in _LEFT_OUT.items():
        kept = [
            {field: value for field, value in row.items() if field not in left_out}
            for row in await shop.database[name].find({}).to_list()
        ]
        key = {"sessions": "sessionId", "payments": "providerPaymentId"}.get(name, "_id")
        found[name] = {row[key]: row for row in kept}
        assert len(found[name]) == len(kept)
    await _check_trail(shop)
    found["completed"] = Counter(
        row["sessionId"] for row in await shop.messages("session.completed")
    )
    return found


async def _check_trail(shop: Shop) -> None:
    """Each move of a session stands in its history and has its one message in the outbox."""
    messages: list[Row] = await shop.database["outbox"].find({}).to_list()
    for row in await shop.database["sessions"].find({}).to_list():
        moves = Counter(f"session.{move['to']}" for move in row["history"] if move["from"])
        own = [one for one in messages if one["sessionId"] == row["sessionId"]]
        told = Counter(one["topic"] for one in own if one["topic"].startswith("session."))
        assert moves == told, (row["sessionId"], moves, told)
        assert moves["session.completed"] <= 1
