"""Overdue sessions are asked about by all that their provider knows, and silence has an end."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
import pytest_asyncio
from msgspec.structs import replace

from service.core.batches import Until
from service.core.clock import ManualClock
from service.core.errors import ProviderFailed
from service.payments.payments.documents import Payment
from service.providers.base import VerifiedEvent
from service.retention.operations import asking
from service.sessions.checkouts.unresolved import overdue, questions, silent
from service.sessions.documents import Session
from service.storage.database import Database
from tests.providers.http_fake import FakeApi, fake_api
from tests.support.api import SECRET
from tests.support.events import razorpay_payment, stripe_checkout
from tests.support.settings import make_settings
from tests.support.shop import Shop, open_shop

IDS = {"id": "pay_1", "order_id": "order_1"}


@pytest_asyncio.fixture
async def fake() -> AsyncIterator[FakeApi]:
    """A provider that answers what it is told to, and else that it knows nothing."""
    async with fake_api() as fake:
        yield fake


@pytest_asyncio.fixture
async def shop(fake: FakeApi, database: Database, clock: ManualClock) -> AsyncIterator[Shop]:
    """A shop whose providers are that one."""
    settings = make_settings(RAZORPAY_API_BASE=fake.base, STRIPE_API_BASE=fake.base)
    async with open_shop(settings, database, clock) as opened:
        yield opened


async def _held(shop: Shop) -> dict[str, Any]:
    """Open a session whose checkout the caller opened itself; its payment is held."""
    body = {"userId": "u", "email": "u@shop.example", "plan": "gold", "amount": 1000}
    body |= {"currency": "INR", "provider": "razorpay", "providerSessionId": "order_1"}
    answer = await shop.api.call("POST", "/api/checkout-sessions", SECRET, json=body)
    assert answer.status_code == 201, answer.text
    session: dict[str, Any] = answer.json()["session"]
    await _tell(shop, session, "authorized")
    await shop.database["outbox"].delete_many({})  # the capture is another test's affair
    assert (await shop.session(session["sessionId"]))["status"] == "processing"
    return session


async def _tell(shop: Shop, session: dict[str, Any], status: str, after: int = 0) -> None:
    delivery = shop.razorpay(f"payment.{status}", session, after, status=status, **IDS)
    assert (await shop.api.told(delivery))["received"]


def _answer(fake: FakeApi, session: dict[str, Any], status: str) -> None:
    fake.answer("GET", "/v1/payments/pay_1", razorpay_payment(session, status=status, **IDS))


async def _stored(shop: Shop) -> tuple[str, str | None, str]:
    """Return how the one session stands, why it is in review, and its payment's status."""
    [session] = await shop.database["sessions"].find().to_list()
    [payment] = await shop.payments()
    return session["status"], (session["review"] or {}).get("reason"), payment["status"]


async def test_a_payment_without_a_checkout_of_ours_is_asked_about_by_its_own_id(
    shop: Shop, fake: FakeApi
) -> None:
    session = await _held(shop)
    _answer(fake, session, "failed")
    shop.pass_time(days=2)
    assert (await shop.clean_up())["asked"] == 1
    assert await _stored(shop) == ("expired", None, "failed")
    body = {"userId": "u", "email": "u@shop.example", "plan": "gold", "amount": 1000}
    body |= {"currency": "INR", "provider": "razorpay"}
    answer = await shop.api.call("POST", "/api/checkout-sessions", SECRET, json=body)
    assert answer.status_code == 201, answer.text  # no more locked out of the plan


async def test_control_asked_by_its_checkouts_alone_it_stays_under_way(
    shop: Shop, fake: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    def checkouts_alone(session: Any, _: object) -> list[str]:
        return [checkout.ref for checkout in session.checkouts]

    monkeypatch.setattr(overdue, "refs_of", checkouts_alone)
    _answer(fake, await _held(shop), "failed")
    shop.pass_time(days=2)
    await shop.clean_up()
    assert (await _stored(shop))[0] == "processing"


async def test_a_provider_that_says_again_that_it_is_under_way_is_believed(
    shop: Shop, fake: FakeApi
) -> None:
    session = await _held(shop)
    _answer(fake, session, "authorized")
    for days in (2, 20, 20):
        shop.pass_time(days=days)
        report = await shop.clean_up()
        assert (report["unresolved"], report["abandoned"]) == (0, 0)
        assert await _stored(shop) == ("processing", None, "authorized")


async def test_what_the_provider_knows_nothing_of_goes_to_review_and_ends_by_what_it_tells(
    shop: Shop, fake: FakeApi
) -> None:
    session = await _held(shop)
    shop.pass_time(days=2)
    assert [(await shop.clean_up())["unresolved"] for _ in range(2)] == [1, 0]
    assert await _stored(shop) == ("processing", "payment_unresolved", "authorized")
    [review] = (await shop.admin("GET", "/reviews")).json()["reviews"]
    assert (review["source"], review["sessionId"]) == ("clock", session["sessionId"])

    await _tell(shop, session, "failed", 60)
    assert (await _stored(shop))[1:] == (None, "failed")
    assert (await shop.admin("GET", "/reviews")).json()["reviews"] == []
    await shop.clean_up()
    assert (await _stored(shop))[0] == "expired"


async def test_a_payment_that_was_told_of_lately_is_not_reviewed_yet(shop: Shop) -> None:
    session = await _held(shop)
    shop.pass_time(days=2)
    await _tell(shop, session, "authorized", 60)
    reviews = []
    for hours in (1, 24):
        shop.pass_time(hours=hours)
        reviews.append((await shop.clean_up())["unresolved"])
    assert reviews == [0, 1]


async def test_a_review_that_closed_is_opened_again_where_the_payment_comes_back(
    shop: Shop,
) -> None:
    session = await _held(shop)
    other = shop.razorpay("payment.authorized", session, status="authorized", **IDS | {"id": "p2"})
    await shop.receive(other)
    await shop.database["outbox"].delete_many({})
    shop.pass_time(days=2)
    assert (await shop.clean_up())["unresolved"] == 2
    reviews = []
    for status, after in (("failed", 60), ("authorized", 120)):
        await _tell(shop, session, status, after)
        shop.pass_time(days=1)
        await shop.clean_up()
        reviews.append(len(await shop.events(source="clock", status="review")))
    assert reviews == [1, 2]


async def test_a_rejected_one_is_given_up_and_its_session_ends(shop: Shop) -> None:
    session = await _held(shop)
    shop.pass_time(days=2)
    await shop.clean_up()
    path = f"/reviews/{session['sessionId']}/reject"
    answer = await shop.admin("POST", path, json={"reason": "the bank says no"})
    assert answer.status_code == 200, answer.text
    await shop.clean_up()
    assert await _stored(shop) == ("expired", None, "abandoned")


async def test_a_payment_that_was_given_up_is_overruled_by_money_alone(shop: Shop) -> None:
    session = await _held(shop)
    shop.pass_time(days=2)
    await shop.clean_up()
    shop.pass_time(days=30)
    assert (await shop.clean_up())["abandoned"] == 1
    assert await _stored(shop) == ("expired", None, "abandoned")
    await _tell(shop, session, "authorized", 60)
    assert await _stored(shop) == ("expired", None, "abandoned")
    await _tell(shop, session, "captured", 120)
    assert await _stored(shop) == ("completed", None, "succeeded")
    assert (await shop.session(session["sessionId"]))["late"] is True


async def _two_checkouts(shop: Shop, fake: FakeApi) -> dict[str, Any]:
    """Open a session whose first checkout has a payment under way, and whose second stands open."""
    session = await shop.api.open()
    sid, now = session["sessionId"], shop.clock.now()
    checkouts = [{"ref": f"cs_{n}", "n": n, "openedAt": now} for n in (1, 2)]
    ids = {"checkoutIds": ["cs_1", "cs_2"], "providerSessionId": "cs_2"}
    await shop.database["sessions"].update_one(
        {"sessionId": sid}, {"$set": {"checkouts": checkouts, **ids}}
    )
    debit = {"id": "cs_1", "payment_status": "unpaid", "payment_intent": "pi_1"}
    first = stripe_checkout(session, **debit)
    await shop.receive(shop.stripe("checkout.session.completed", first))
    assert (await shop.session(sid))["status"] == "processing"
    second = stripe_checkout(session, id="cs_2", status="open", payment_status="unpaid")
    fake.answer("GET", "/v1/checkout/sessions/cs_2", second | {"payment_intent": None})
    return session


async def _verified(shop: Shop, session: dict[str, Any]) -> str:
    named = {"sessionId": session["sessionId"]}
    answer = await shop.api.call("POST", "/api/payment/verify-checkout-session", SECRET, json=named)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["session"]["status"])


async def test_an_open_checkout_says_nothing_of_a_payment_in_another_one(
    shop: Shop, fake: FakeApi
) -> None:
    assert await _verified(shop, await _two_checkouts(shop, fake)) == "processing"


async def test_control_where_any_answer_speaks_for_all_the_payment_is_forgotten(
    shop: Shop, fake: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overdue, "_is_answered", lambda *_: True)
    assert await _verified(shop, await _two_checkouts(shop, fake)) == "pending"


async def test_an_event_that_comes_after_the_question_outweighs_the_answer(
    shop: Shop, fake: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await _held(shop)
    _answer(fake, session, "created")  # nothing is under way
    whole = overdue.take_answers

    async def late(*given: Any) -> None:
        shop.pass_time(seconds=1)
        await _tell(shop, session, "authorized", 1)
        await whole(*given)

    monkeypatch.setattr(overdue, "take_answers", late)
    shop.pass_time(minutes=1, days=1)
    await shop.clean_up()
    assert (await _stored(shop))[::2] == ("processing", "authorized")


class Hanging:
    """A provider that takes a question and never answers."""

    def __init__(self) -> None:
        """Count the questions."""
        self.asked = 0

    async def fetch(self, _: str) -> None:
        """Take a question."""
        self.asked += 1
        await asyncio.Event().wait()


async def test_a_provider_that_hangs_is_asked_three_times_by_a_run_and_no_more(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "ASK_WITHIN_S", 0.05)
    hanging, refs = Hanging(), [f"pay_{number}" for number in range(6)]
    providers: Any = {"razorpay": hanging}
    services = replace(shop.api.container.services, providers=providers)
    run = questions.Questions(services, Until(time.monotonic() + 60))
    answers = await run.ask("razorpay", refs)
    assert (hanging.asked, answers.silent, answers.refused) == (3, set(refs), set())


async def test_what_there_was_no_time_to_ask_about_waits_for_the_next_run(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _held(shop)
    shop.pass_time(days=40)
    monkeypatch.setattr(asking, "_ASK_FOR_S", 0.0)
    report = await shop.clean_up()
    assert (report["asked"], report["unresolved"], report["abandoned"]) == (0, 0, 0)
    assert (await _stored(shop))[::2] == ("processing", "authorized")


async def test_an_event_that_could_not_be_applied_names_its_session(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So it is seen that the session is still needed."""
    session = await shop.api.open()
    await shop.database["payments"].insert_one(
        {"provider": "stripe", "account": "default", "providerPaymentId": "pi_broken"}
    )
    assert (await shop.receive(shop.stripe_paid(session, payment_intent="pi_broken"))).outcome == (
        "failed"
    )
    [row] = await shop.events()
    assert (row["status"], row["sessionId"]) == ("failed", session["sessionId"])


@pytest.mark.parametrize("no_answer", [True, False])
def test_checkouts_speak_for_a_payment_that_is_unknown_and_not_for_one_that_is_silent(
    *, no_answer: bool
) -> None:
    session = Session.model_construct(checkouts=[], provider_session_id="order_1")
    payment = Payment.model_construct(provider_payment_id="pay_1", provider_session_id=None)
    told = {"order_1": cast("VerifiedEvent", object())}
    answers = questions.Answers(told)
    answers.refused.add("x" if no_answer else "pay_1")
    answers.silent.add("pay_1" if no_answer else "x")
    assert overdue._is_answered(session, payment, answers) is not no_answer


async def test_a_session_that_waits_for_no_known_payment_has_a_day_where_nobody_answers(
    shop: Shop, fake: FakeApi
) -> None:
    await _held(shop)
    nothing = {"liveAttempts": [], "capturing": None}
    await shop.database["sessions"].update_one({}, {"$set": nothing})
    await shop.database["payments"].delete_many({})
    for path in ("/v1/orders/order_1", "/v1/orders/order_1/payments"):
        fake.answer("GET", path, (200, b"<html>"))
    found = []
    for hours in (25, 20, 5):  # it lives for a day
        shop.pass_time(hours=hours)
        await shop.clean_up()
        [session] = await shop.database["sessions"].find().to_list()
        found.append(session["status"])
    assert found == ["processing", "processing", "expired"]


@pytest.mark.parametrize(
    ("error", "refusal"),
    [
        (ProviderFailed("No such payment."), True),
        (ProviderFailed("Too many calls.", retry_after=2), False),
        (ProviderFailed("An answer that can't be read.", definite=False), False),
        (TimeoutError(), False),
    ],
)
def test_who_may_be_asked_again_has_not_said_that_there_is_nothing(
    error: Exception, *, refusal: bool
) -> None:
    assert questions._is_refusal(error) is refusal


async def test_a_payment_that_is_told_of_while_it_is_asked_about_is_not_given_up(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = await _held(shop)
    shop.pass_time(days=31)
    whole = silent.take_answers

    async def late(*given: Any) -> None:
        shop.pass_time(seconds=1)
        await _tell(shop, session, "authorized", 1)
        await whole(*given)

    monkeypatch.setattr(silent, "take_answers", late)
    assert (await shop.clean_up())["abandoned"] == 0
    assert (await _stored(shop))[::2] == ("processing", "authorized")
