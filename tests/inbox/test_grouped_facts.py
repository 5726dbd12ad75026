"""Every fact is applied within the group that it came in: no query of it falls out.

What falls out is applied all the same, alone and after the group, so no other test would notice;
but each such event costs a transaction of its own.
"""

import asyncio
import secrets
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime
from types import CoroutineType, FrameType
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from service.inbox.operations.inbox import Inbox
from service.inbox.operations.receive import receive_webhook
from service.providers import facts
from service.providers.base import OWN_ACCOUNT, VerifiedEvent
from service.providers.facts import Fact, Payment, Subject
from service.sessions import repository as sessions
from service.storage.group_commit import transactions as groups
from service.storage.group_commit.stepping import Member
from tests.support.events import stripe_checkout
from tests.support.shop import Shop


def _payment(sid: str, **fields: Any) -> Payment:
    fixed = {"amount": 1000, "currency": "INR", "checkout_ref": f"cs_{sid}"}
    return Payment(f"pi_{sid}", **{**fixed, **fields})


TOLD: Mapping[type[Fact], Callable[[str], Fact]] = {
    facts.PaymentSucceeded: lambda sid: facts.PaymentSucceeded(_payment(sid)),
    facts.PaymentAuthorized: lambda sid: facts.PaymentAuthorized(_payment(sid)),
    facts.PaymentProcessing: lambda sid: facts.PaymentProcessing(_payment(sid)),
    facts.PaymentFailed: lambda sid: facts.PaymentFailed(_payment(sid), "declined", "Declined."),
    facts.PaidPartially: lambda sid: facts.PaidPartially(_payment(sid, amount=1)),
    facts.NoPaymentRequired: lambda sid: facts.NoPaymentRequired(f"cs_{sid}", 0, "INR"),
    facts.CheckoutFailed: lambda sid: facts.CheckoutFailed(f"cs_{sid}"),
    facts.CheckoutExpired: lambda sid: facts.CheckoutExpired(f"cs_{sid}"),
    facts.CheckoutOpen: lambda sid: facts.CheckoutOpen(f"cs_{sid}"),
    facts.InvoicePaid: lambda sid: facts.InvoicePaid(_payment(sid)),
    facts.InvoicePaymentFailed: lambda sid: facts.InvoicePaymentFailed(_payment(sid), 1),
    facts.RefundUpdated: lambda sid: facts.RefundUpdated(
        f"re_{sid}", f"pi_{sid}", 1000, "INR", "succeeded"
    ),
    # One that is lost goes apart: the refunds that paid it back are read once it is written.
    facts.DisputeUpdated: lambda sid: facts.DisputeUpdated(
        f"dp_{sid}", f"pi_{sid}", 1000, "INR", "needs_response"
    ),
    facts.SubscriptionUpdated: lambda sid: facts.SubscriptionUpdated(f"sub_{sid}", "active"),
}
"""One of each, as a provider tells it of a session."""

# The first is an error while it is applied, and its row is written alone on purpose; the second is
# no webhook but what a reading found, one at a time.
APART = frozenset({facts.Unreadable, facts.SubscriptionRead})


def _every(union: Any) -> Iterator[type[Fact]]:
    """Return the members of a union, and of the unions in it."""
    members = get_args(getattr(union, "__value__", union))
    if not members:
        yield union
    for member in members:
        yield from _every(member)


class Telling:
    """A provider that tells what the test wants, believed without a signature."""

    receives_webhooks = True

    def __init__(self, at: datetime) -> None:
        self._at = at
        self.events: dict[bytes, VerifiedEvent] = {}

    def says(self, sid: str, fact: Fact) -> bytes:
        """Prepare an event, and return its body."""
        body = f"{type(fact).__name__}:{sid}".encode()
        named = (f"cs_{sid}",)
        subject = Subject(checkout_refs=named, object_ids=(*named, f"pi_{sid}"), sent_ids=(sid,))
        self.events[body] = VerifiedEvent(
            provider="stripe",
            account=OWN_ACCOUNT,
            live=False,
            event_id=f"evt_{body.decode()}",
            type="told",
            occurred_at=self._at,
            subject=subject,
            facts=(fact,),
            payload=body,
        )
        return body

    def translate_stored(self, event_id: str, payload: bytes) -> VerifiedEvent:
        """Return what was prepared, again."""
        return self.events[payload]

    def verify(self, headers: Mapping[str, str], body: bytes, now: datetime) -> VerifiedEvent:
        """Return what was prepared."""
        return self.events[body]


class Watched:
    """What became of the events of groups: how many rode to the end, and what fell out where."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin to count anew."""
        self.rode, self.alone = 0, 0
        self.fell_out: list[str] = []


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> Watched:
    """Watch every work of a group."""
    seen, lone = Watched(), groups._alone

    class WatchedMember(Member):
        def step(self, answers: Any) -> None:
            super().step(answers)
            if self.left is not None and self.left.__traceback__ is not None:
                walked = traceback.walk_tb(self.left.__traceback__)
                seen.fell_out.append(f"{_query([frame for frame, _ in walked])}: {self.left}")
            elif self.left is None and self.asks is None:
                seen.rode += 1

        def leave(self, why: str) -> None:
            seen.fell_out.append(f"{_query(_waiting_in(self._steps))}: {why}")
            super().leave(why)

    async def alone(entry: Any) -> None:
        seen.alone += 1
        await lone(entry)

    monkeypatch.setattr(groups, "Member", WatchedMember)
    monkeypatch.setattr(groups, "_alone", alone)
    return seen


def _waiting_in(steps: Any) -> list[FrameType]:
    """Return the frames of a coroutine that waits, the innermost last."""
    frames = []
    while isinstance(steps, CoroutineType) and steps.cr_frame is not None:
        frames.append(steps.cr_frame)
        steps = steps.cr_await
    return frames


def _query(frames: list[FrameType]) -> str:
    """Name the innermost function of ours, storage aside."""
    ours = [frame.f_code for frame in frames if "/service/" in frame.f_code.co_filename]
    code = [code for code in ours if "/service/storage/" not in code.co_filename][-1]
    return f"{code.co_filename.partition('/service/')[2]}:{code.co_name}"


async def _tell_at_once(shop: Shop, told: Callable[[str], Fact], *session_ids: str) -> list[str]:
    """Deliver an event of each session at the same time, and return what became of them."""
    telling = Telling(shop.clock.now())
    providers: Any = {"stripe": telling}
    inbox: Inbox = replace(shop.api.container.inbox, providers=providers)
    bodies = [telling.says(sid, told(sid)) for sid in session_ids]
    told_at_once = (receive_webhook("stripe", {}, body, inbox) for body in bodies)
    return [receipt.outcome.value for receipt in await asyncio.gather(*told_at_once)]


async def _pending(shop: Shop) -> str:
    return str((await shop.api.open())["sessionId"])


async def _processing(shop: Shop) -> str:
    session = await shop.api.open()
    sid = session["sessionId"]
    unpaid = stripe_checkout(session, id=f"cs_{sid}", payment_intent=f"pi_{sid}")
    unpaid["payment_status"] = "unpaid"
    await shop.receive(shop.stripe("checkout.session.completed", unpaid))
    return str(sid)


async def _completed(shop: Shop) -> str:
    session = await shop.api.open()
    paid = {"id": f"cs_{session['sessionId']}", "payment_intent": f"pi_{session['sessionId']}"}
    await shop.receive(shop.stripe_paid(session, **paid))
    return str(session["sessionId"])


async def _canceled(shop: Shop) -> str:
    session = await shop.api.open()
    change = {"sessionId": session["sessionId"], "status": "canceled"}
    await shop.api.call("PATCH", "/api/payment-sessions", json=change)
    return str(session["sessionId"])


async def _nobodys(shop: Shop) -> str:
    return f"nobody-{secrets.token_hex(6)}"


STANDINGS = [_pending, _processing, _completed, _canceled, _nobodys]


def test_every_fact_that_there_is_is_told_here() -> None:
    assert set(_every(Fact)) == TOLD.keys() | APART


@pytest.mark.parametrize("standing", STANDINGS)
async def test_events_at_once_ride_in_one_group_to_the_end(
    shop: Shop, watched: Watched, standing: Callable[[Shop], Awaitable[str]]
) -> None:
    rode, fell_out = {}, {}
    for fact, told in TOLD.items():
        session_ids = [await standing(shop) for _ in range(2)]
        watched.begin()
        await _tell_at_once(shop, told, *session_ids)
        rode[fact.__name__] = (watched.rode, watched.alone)
        fell_out[fact.__name__] = watched.fell_out
    assert {name: queries for name, queries in fell_out.items() if queries} == {}
    assert rode == dict.fromkeys(rode, (2, 0))


async def test_held_payments_at_once_claim_their_captures_in_one_group(
    shop: Shop, watched: Watched
) -> None:
    opened = [await shop.api.open(paymentMethod="razorpay") for _ in range(3)]
    held = [shop.razorpay("payment.authorized", session) for session in opened]
    await asyncio.gather(*map(shop.receive, held))
    assert watched.fell_out == []
    assert (watched.rode, watched.alone) == (3, 0)
    assert len(await shop.messages("provider.capture")) == 3


@pytest.mark.parametrize("within", [True, False], ids=["by the session", "beside it"])
async def test_control_a_query_that_falls_out_of_the_group_is_named(
    shop: Shop, watched: Watched, monkeypatch: pytest.MonkeyPatch, *, within: bool
) -> None:
    find_them = sessions.find_by_provider_ids

    async def and_one_more(*asked: Any) -> Any:
        if within:
            await sessions.find_within(asked[-1], "default", "nobody")
        else:
            await sessions.find("default", "nobody")
        return await find_them(*asked)

    monkeypatch.setattr(sessions, "find_by_provider_ids", and_one_more)
    session_ids = [await _pending(shop) for _ in range(3)]
    outcomes = await _tell_at_once(shop, TOLD[facts.PaymentSucceeded], *session_ids)
    assert outcomes == ["processed"] * 3  # nobody would notice
    assert (watched.rode, watched.alone) == (0, 3)
    assert {one.partition(": ")[0] for one in watched.fell_out} == {
        f"sessions/repository/reading.py:{'find_within' if within else 'read'}"
    }


async def test_control_what_is_told_here_does_something(shop: Shop) -> None:
    """Were no session found, next to nothing would be asked and written."""
    moving = set()
    for fact, told in TOLD.items():
        sid = await _pending(shop)
        await _tell_at_once(shop, told, sid)
        if (await shop.session(sid))["version"] > 1:
            moving.add(fact)
    assert moving == TOLD.keys() - {
        facts.CheckoutOpen,
        facts.InvoicePaid,
        facts.InvoicePaymentFailed,
        facts.RefundUpdated,
        facts.DisputeUpdated,
        facts.SubscriptionUpdated,
    }
