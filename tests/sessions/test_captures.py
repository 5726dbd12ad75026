"""Of the payments that a provider holds for one session, one is captured at most."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pytest
import pytest_asyncio

from service.core.clock import ManualClock
from service.effects import under_way as effects
from service.sessions.checkouts import capture
from service.sessions.documents import Capturing
from service.sessions.operations.reviewing import captures
from service.storage.database import Database
from tests.providers.http_fake import FakeApi, running
from tests.support.api import SECRET
from tests.support.events import razorpay_payment
from tests.support.reviews import disagreements
from tests.support.settings import make_settings
from tests.support.shop import Shop, completions, open_shop

REFUSED = (400, b'{"error": {"description": "The payment can not be captured."}}')
IN_PROGRESS = (400, b'{"error": {"description": "Another payment operation is in progress."}}')
BUSY = (429, b"{}")
BROKEN = (502, b"")


@dataclass
class Bank(FakeApi):
    """Razorpay's payments, by id, and what comes of the next captures."""

    payments: dict[str, dict[str, Any]] = field(default_factory=dict)
    taken: list[str] = field(default_factory=list)
    troubles: list[tuple[int, bytes]] = field(default_factory=list)
    after_effect: bool = False

    def _next(self, method: str, path: str) -> tuple[int, bytes]:
        payment = self.payments[path.split("/")[3]]
        if method == "POST":
            trouble = self.troubles.pop(0) if self.troubles else None
            if trouble is None or self.after_effect:
                payment["status"] = "captured"
                self.taken.append(payment["id"])
            if trouble is not None:
                return trouble
        self.answers.clear()
        self.answer(method, path, payment)
        return super()._next(method, path)

    def tries(self) -> int:
        """Count the captures that were asked for."""
        return sum(method == "POST" for method, _ in self.calls())


@pytest_asyncio.fixture
async def bank() -> AsyncIterator[Bank]:
    """Razorpay's API."""
    async with running(Bank()) as made:
        yield made


@pytest_asyncio.fixture
async def shop(bank: Bank, database: Database, clock: ManualClock) -> AsyncIterator[Shop]:
    """A shop that talks to it."""
    async with open_shop(make_settings(RAZORPAY_API_BASE=bank.base), database, clock) as opened:
        yield opened


async def _open(shop: Shop) -> dict[str, Any]:
    return await shop.api.open(paymentMethod="razorpay", sessionId="order_held")


async def _held(shop: Shop, bank: Bank, session: dict[str, Any], *names: str) -> None:
    for name in names:
        fields = {"id": f"pay_{name}", "order_id": session["sessionId"], "status": "authorized"}
        bank.payments[f"pay_{name}"] = razorpay_payment(session, **fields)
        await shop.receive(shop.razorpay("payment.authorized", session, **fields))


async def _told(shop: Shop, session: dict[str, Any], kind: str, name: str, after: int = 5) -> None:
    fields = {"id": f"pay_{name}", "order_id": session["sessionId"], "status": kind}
    await shop.receive(shop.razorpay(f"payment.{kind}", session, after, **fields))


async def _later(shop: Shop) -> None:
    shop.pass_time(seconds=10)
    await shop.api.settle()


async def _capturing(shop: Shop, session: dict[str, Any]) -> str | None:
    claim = (await shop.session(session["sessionId"]))["capturing"]
    return claim["paymentId"] if claim else None


@pytest.mark.parametrize("order", ["ab", "ba"])
async def test_of_two_held_payments_the_first_is_captured_and_the_other_is_not(
    shop: Shop, bank: Bank, order: str
) -> None:
    session = await _open(shop)
    await _held(shop, bank, session, *order)
    await shop.api.settle()
    assert bank.taken == [f"pay_{order[0]}"]
    await _told(shop, session, "captured", order[0])
    await _held(shop, bank, session, "c")
    await _later(shop)

    assert bank.taken == [f"pay_{order[0]}"]
    stored = await shop.session(session["sessionId"])
    assert (stored["status"], completions(stored), stored["capturing"]) == ("completed", 1, None)


async def test_control_where_every_held_payment_is_claimed_two_are_captured(
    shop: Shop, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def whoever_comes(*args: Any) -> Capturing:
        now: datetime = args[-1]
        return Capturing(payment_id=args[2].payment_id, at=now)

    async def taken_for_wanted(*_: Any) -> bool:
        return True

    monkeypatch.setattr(effects, "claimed", whoever_comes)
    monkeypatch.setattr(capture, "_is_wanted", taken_for_wanted)
    session = await _open(shop)
    await _held(shop, bank, session, "a", "b")
    await shop.api.settle()
    assert sorted(bank.taken) == ["pay_a", "pay_b"]


async def test_nothing_is_captured_for_a_canceled_session(shop: Shop, bank: Bank) -> None:
    session = await _open(shop)
    body = {"sessionId": session["sessionId"], "status": "canceled"}
    answer = await shop.api.call("PATCH", "/api/payment-sessions", SECRET, json=body)
    assert answer.status_code == 200, answer.text
    await _held(shop, bank, session, "a")
    await shop.api.settle()
    assert bank.tries() == 0
    assert (await shop.session(session["sessionId"]))["status"] == "canceled"
    assert [one["status"] for one in await shop.payments()] == ["authorized"]


async def _asked_for_without_a_claim(shop: Shop, bank: Bank) -> dict[str, Any]:
    """Leave what a version without claims left: its message names no time, its session nobody."""
    session = await _open(shop)
    await _held(shop, bank, session, "a")
    unset = {"$unset": {"payload.claimedAt": ""}}
    await shop.database["outbox"].update_many({"topic": "provider.capture"}, unset)
    await shop.database["sessions"].update_many({}, {"$set": {"capturing": None}})
    return session


async def test_what_an_older_version_asked_for_is_claimed_and_captured_once(
    shop: Shop, bank: Bank
) -> None:
    session = await _asked_for_without_a_claim(shop, bank)
    await shop.api.settle()
    assert bank.taken == ["pay_a"]
    assert await _capturing(shop, session) == "pay_a"


async def test_control_unless_it_is_claimed_nobody_captures_it(
    shop: Shop, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unclaimed(*_: Any) -> None:
        return None

    monkeypatch.setattr(capture, "_claim", unclaimed)
    await _asked_for_without_a_claim(shop, bank)
    await shop.api.settle()
    assert bank.taken == []


async def _completed_meanwhile(shop: Shop, bank: Bank) -> None:
    session = await _open(shop)
    await _held(shop, bank, session, "a")
    assert await _capturing(shop, session) == "pay_a"
    await _told(shop, session, "captured", "b")
    await shop.api.settle()


async def test_nothing_is_captured_once_another_payment_has_completed_the_session(
    shop: Shop, bank: Bank
) -> None:
    await _completed_meanwhile(shop, bank)
    assert bank.tries() == 0
    assert [one["status"] for one in await shop.deliveries("provider.capture")] == ["done"]


async def test_control_a_capture_that_does_not_look_again_takes_money_twice(
    shop: Shop, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def taken_for_wanted(*_: Any) -> bool:
        return True

    monkeypatch.setattr(capture, "_is_wanted", taken_for_wanted)
    await _completed_meanwhile(shop, bank)
    assert bank.taken == ["pay_a"]


async def test_after_a_refusal_the_next_held_payment_has_its_turn(shop: Shop, bank: Bank) -> None:
    session = await _open(shop)
    await _held(shop, bank, session, "a", "b")
    bank.troubles = [REFUSED]
    await shop.api.settle()
    assert (bank.tries(), bank.taken) == (2, ["pay_b"])
    await _held(shop, bank, session, "a")  # told once more, it is not tried once more
    await _later(shop)
    assert bank.tries() == 2
    stored = await shop.session(session["sessionId"])
    assert (stored["refusedCaptures"], stored["capturing"]["paymentId"]) == (["pay_a"], "pay_b")
    await _told(shop, session, "captured", "b")
    assert (await shop.session(session["sessionId"]))["status"] == "completed"


async def test_control_unless_the_refusal_is_kept_the_same_one_is_tried_again(
    shop: Shop, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(captures, "may_capture", lambda _, one: one.status == "authorized")
    session = await _open(shop)
    await _held(shop, bank, session, "a", "b")
    bank.troubles = [REFUSED]
    await shop.api.settle()
    assert (bank.tries(), bank.taken) == (2, ["pay_a"])


async def test_a_held_payment_that_has_lapsed_gives_way_to_the_next(shop: Shop, bank: Bank) -> None:
    session = await _open(shop)
    await _held(shop, bank, session, "a", "b")
    bank.payments["pay_a"] |= {"status": "refunded", "captured": False}
    bank.troubles = [REFUSED]
    shop.pass_time(minutes=1)
    await shop.api.settle()
    assert bank.taken == ["pay_b"]
    assert [one["status"] for one in await shop.payments()] == ["failed", "authorized"]


async def test_a_claimed_payment_that_fails_gives_way_to_the_next(shop: Shop, bank: Bank) -> None:
    session = await _open(shop)
    await _held(shop, bank, session, "a", "b")
    await _told(shop, session, "failed", "a")
    assert await _capturing(shop, session) == "pay_b"
    await shop.api.settle()
    assert bank.taken == ["pay_b"]


@pytest.mark.parametrize("trouble", [BROKEN, BUSY, IN_PROGRESS], ids=["502", "429", "in progress"])
async def test_after_an_unknown_outcome_the_claim_stays_and_is_tried_again(
    shop: Shop, bank: Bank, trouble: tuple[int, bytes]
) -> None:
    session = await _open(shop)
    await _held(shop, bank, session, "a", "b")
    bank.troubles = [trouble]
    await shop.api.settle()
    assert (await _capturing(shop, session), bank.taken) == ("pay_a", [])
    await _later(shop)
    assert bank.taken == ["pay_a"]


async def _answer_lost(shop: Shop, bank: Bank) -> dict[str, Any]:
    session = await _open(shop)
    await _held(shop, bank, session, "a", "b")
    bank.troubles, bank.after_effect = [BROKEN], True
    await shop.api.settle()
    await _later(shop)
    return await shop.session(session["sessionId"])


async def test_a_capture_whose_answer_was_lost_is_found_and_not_repeated(
    shop: Shop, bank: Bank
) -> None:
    stored = await _answer_lost(shop, bank)
    assert (bank.tries(), bank.taken) == (1, ["pay_a"])
    assert (stored["status"], stored["providerPaymentId"]) == ("completed", "pay_a")


async def test_control_a_try_that_does_not_read_the_payment_again_captures_twice(
    shop: Shop, bank: Bank, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def taken_for_held(*_: Any) -> bool:
        return True

    monkeypatch.setattr(capture, "_still_held", taken_for_held)
    await _answer_lost(shop, bank)
    assert bank.taken == ["pay_a", "pay_a"]


async def _accept(shop: Shop, session: dict[str, Any]) -> tuple[int, str]:
    answer = await shop.admin("POST", f"/reviews/{session['sessionId']}/accept")
    return answer.status_code, answer.json().get("error", "")


async def _in_review(shop: Shop, bank: Bank) -> dict[str, Any]:
    """Let money of another amount be held, and a person accept it."""
    session = await _open(shop)
    await _held(shop, bank, session | {"amount": 900}, "a")
    assert bank.tries() == 0
    assert await _accept(shop, session) == (200, "")
    return session


async def test_accepted_money_that_may_not_be_captured_is_in_review_again(
    shop: Shop, bank: Bank
) -> None:
    session = await _in_review(shop, bank)
    bank.troubles = [REFUSED]
    await shop.api.settle()
    stored = await shop.session(session["sessionId"])
    assert (stored["capturing"], stored["decisions"]) == (None, [])
    assert stored["review"]["reason"] == "amount_mismatch"
    assert await disagreements(shop.database) == []
    assert await _accept(shop, session) == (409, "payment_not_succeeded")
    [review] = (await shop.admin("GET", "/reviews")).json()["reviews"]
    assert review["decisions"] == ["reject"]


async def test_accepted_money_is_captured_in_its_own_amount_and_completes(
    shop: Shop, bank: Bank
) -> None:
    session = await _in_review(shop, bank)
    await shop.api.settle()
    assert bank.taken == ["pay_a"]
    await _told(shop, session | {"amount": 900}, "captured", "a")
    stored = await shop.session(session["sessionId"])
    assert (stored["status"], stored["review"], completions(stored)) == ("completed", None, 1)
    assert await disagreements(shop.database) == []
