"""A completion is written in one place: how late it comes does not depend on who brings it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.effects import payments as effects
from service.sessions.operations.moving import complete
from tests.sessions.asking import change
from tests.support.events import stripe_checkout, stripe_intent
from tests.support.shop import Shop
from tests.support.shop import shop as shop

SERVICE = Path(__file__).parents[2] / "service"
FIELDS = frozenset({"completedAt", "completed_at", "late", "providerPaymentId"})
WRITERS = {
    ("sessions/operations/moving/complete.py", "complete"),
    ("sessions/operations/moving/complete.py", "completed_with"),
}
# What has a field of the same name and is no session that exists.
OTHERS = {
    ("sessions/operations/reviewing/captures.py", "capture_message"): "a message",
    ("sessions/operations/changing/complete_by_hand.py", "complete_by_hand"): "the audit's detail",
    ("sessions/operations/moving/move.py", "domain_event"): "a message",
}
# They write no session of ours: what they name is a provider's, a row of the ledger, a line that is
# shown, or a row of an older layout.
ELSEWHERE = ("providers/", "migrations/", "dashboard/", "cli/", "payments/", "timeline/")


def _writers(source: str) -> Iterator[str]:
    """Yield the functions in which a field of a completion is the key of something that is made."""
    for function in ast.walk(ast.parse(source)):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            if any(_is_written(node) for node in ast.walk(function)):
                yield function.name


def _is_written(node: ast.AST) -> bool:
    if isinstance(node, ast.Dict):
        named: list[ast.expr | None] = [*node.keys]
    elif isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store):
        named = [node.slice]
    else:
        return False
    # A query and a projection name a field, and give it no value of a completion.
    return any(isinstance(one, ast.Constant) and one.value in FIELDS for one in named)


def _found() -> set[tuple[str, str]]:
    paths = [path.relative_to(SERVICE).as_posix() for path in sorted(SERVICE.rglob("*.py"))]
    ours = [path for path in paths if not path.startswith(ELSEWHERE)]
    return {
        (path, name)
        for path in ours
        if not path.endswith("repository.py")
        for name in _writers((SERVICE / path).read_text())
    }


def test_what_a_completion_writes_is_written_in_one_place() -> None:
    assert _found() - OTHERS.keys() == WRITERS


def test_what_only_looks_like_it_is_there_still() -> None:
    assert OTHERS.keys() <= _found()


@pytest.mark.parametrize(
    "second",
    [
        'def accept(now):\n    return {"status": "completed", "completedAt": now}',
        'async def accept(session, fields):\n    fields["late"] = False',
        'def same_money(about):\n    return put({**fields, "providerPaymentId": about})',
        'def copied(now):\n    return session.model_copy(update={"completed_at": now})',
    ],
)
def test_control_a_second_writer_is_seen(second: str) -> None:
    assert list(_writers(second)) == [second.partition("(")[0].rpartition(" ")[2]]


Open = dict[str, object]


async def _called_back(shop: Shop, minutes: float, *, written: bool) -> Open:
    """Let some time pass, and have a payment under way then; `written`: its end was noted."""
    session: Open = await shop.api.open()
    shop.pass_time(minutes=minutes)
    if written:
        await shop.clean_up()
    unpaid = stripe_checkout(session, payment_status="unpaid")
    await shop.api.told(shop.stripe("checkout.session.completed", unpaid))
    assert (await shop.session(str(session["sessionId"])))["status"] == "processing"
    return session


async def _by_its_payment(shop: Shop, session: Open) -> str:
    intent = stripe_intent(session)
    await shop.api.told(shop.stripe("payment_intent.succeeded", intent, 5))
    return str(intent["id"])


async def _by_hand(shop: Shop, session: Open) -> str:
    changed = {"sessionId": session["sessionId"], "status": "completed", "reason": "a transfer"}
    assert (await change(shop.api, **changed)).is_success
    return f"hand:default:{session['sessionId']}"


COMPLETE = {"its payment": _by_its_payment, "a hand": _by_hand}
# How long after its opening the payment was under way, whether the end was noted, what late says.
WHEN = {
    "in time": (10, False),
    "on the moment": (30, False),
    "after its time": (31, False),
    "after its end": (31, True),
}


@pytest.mark.parametrize("when", WHEN)
@pytest.mark.parametrize("by", COMPLETE)
async def test_one_whose_payment_was_under_way_is_late_by_whoever_completes_it(
    shop: Shop, by: str, when: str
) -> None:
    minutes, written = WHEN[when]
    session = await _called_back(shop, minutes, written=written)
    payment_id = await COMPLETE[by](shop, session)
    stored = await shop.session(str(session["sessionId"]))
    assert (stored["status"], stored["late"]) == ("completed", minutes >= 30)
    assert (stored["completedAt"], stored["providerPaymentId"]) == (shop.clock.now(), payment_id)
    assert stored["liveAttempts"] == []


async def test_one_that_failed_in_time_and_was_called_back_is_late(shop: Shop) -> None:
    session = await shop.api.open()
    failed = stripe_checkout(session, payment_status="unpaid")
    await shop.api.told(shop.stripe("checkout.session.async_payment_failed", failed))
    again = stripe_intent(session, id="pi_again", status="processing", amount_received=0)
    await shop.api.told(shop.stripe("payment_intent.processing", again, 3))
    stored = await shop.session(str(session["sessionId"]))
    assert [line["to"] for line in stored["history"]] == ["pending", "failed", "processing"]
    await _by_hand(shop, session)
    assert (await shop.session(str(session["sessionId"])))["late"] is True


async def test_what_came_with_the_payment_is_written_with_its_completion(shop: Shop) -> None:
    session = await shop.api.open()
    assert (await shop.api.told(shop.stripe_paid(session, customer="cus_9")))["outcome"]
    stored = await shop.session(session["sessionId"])
    assert (stored["status"], stored["providerCustomerId"]) == ("completed", "cus_9")


async def _named_by_two_events(shop: Shop) -> tuple[str | None, str | None]:
    """Have a checkout name its customer, and its intent be paid, which names neither of them."""
    session = await shop.api.open()
    later = stripe_checkout(session, id="cs_1", payment_status="unpaid", customer="cus_9")
    await shop.api.told(shop.stripe("checkout.session.completed", later))
    paid = stripe_intent(session, customer=None)
    await shop.api.told(shop.stripe("payment_intent.succeeded", paid, 5))
    stored = await shop.session(session["sessionId"])
    assert stored["status"] == "completed"
    return stored["providerSessionId"], stored["providerCustomerId"]


async def test_what_an_event_before_told_of_the_payment_is_written_with_its_completion(
    shop: Shop,
) -> None:
    assert await _named_by_two_events(shop) == ("cs_1", "cus_9")


async def test_control_by_what_its_last_event_tells_alone_both_would_be_forgotten(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(effects, "known_payment", lambda payment, _: payment)
    assert await _named_by_two_events(shop) == (None, None)


async def _paid_after_a_new_beginning(shop: Shop) -> bool:
    """Fail a session by hand, put it back to pending, and have it paid in time; is it late?"""
    session = await shop.api.open()
    for status in ("failed", "pending"):
        again = {"sessionId": session["sessionId"], "status": status, "reason": "asked to"}
        assert (await change(shop.api, **again)).is_success
    shop.pass_time(minutes=5)
    assert (await shop.api.told(shop.stripe_paid(session)))["outcome"] == "processed"
    stored = await shop.session(session["sessionId"])
    assert [line["to"] for line in stored["history"]][1:] == ["failed", "pending", "completed"]
    late: bool = stored["late"]
    return late


async def test_one_that_was_begun_anew_and_is_paid_in_time_is_not_late(shop: Shop) -> None:
    assert await _paid_after_a_new_beginning(shop) is False


async def test_control_as_if_a_payment_had_called_it_back_it_seems_late(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(complete, "revived_from", lambda one: one.history[-1].from_status)
    assert await _paid_after_a_new_beginning(shop) is True


async def test_one_of_which_no_line_is_left_is_completed_all_the_same(shop: Shop) -> None:
    session = await _called_back(shop, 10, written=False)
    await shop.database["sessions"].update_one({}, {"$set": {"history": []}})
    await _by_its_payment(shop, session)
    stored = await shop.session(str(session["sessionId"]))
    assert (stored["status"], stored["late"]) == ("completed", False)


async def test_control_without_the_call_back_in_mind_it_seems_in_time(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(complete, "revived_from", lambda _: None)
    session = await _called_back(shop, 31, written=True)
    await _by_hand(shop, session)
    assert (await shop.session(str(session["sessionId"])))["late"] is False
