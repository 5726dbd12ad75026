"""Whatever happens in whatever order, the service does what the plain model does."""

import itertools
import secrets
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from service.sessions.states import MOVES, Status
from tests.effects.model import ENDED, MINUTES_30, Model, Told
from tests.support.api import SECRET
from tests.support.events import Delivery, razorpay_event, razorpay_payment
from tests.support.shop import Shop

EVENTS = [
    Told("authorized", "1", 1),
    Told("failed", "1", 2),
    Told("authorized", "1", 3),
    Told("captured", "1", 4),
    Told("authorized", "2", 1),
    Told("failed", "2", 1),
    Told("captured", "2", 5),
    Told("captured", "3", 5, fits=False),
    Told("expired"),
    Told("cancelled"),
]
STEPS = st.one_of(
    st.sampled_from(EVENTS),
    st.sampled_from(EVENTS),
    st.sampled_from(["canceled", "completed", "pending", "clean up"]),
    st.sampled_from([timedelta(minutes=10), timedelta(minutes=31), timedelta(days=8)]),
)

# A payment that is silent for longer is given up, which is another test's matter.
SILENT_FOR = timedelta(days=29)


def _delivery(session: dict[str, Any], told: Told, base: int) -> Delivery:
    sid = session["sessionId"]
    name = f"{told.kind}-{told.payment}-{told.at}-{sid}"
    if not told.payment:
        link = {"id": f"plink_{sid}", "reference_id": sid, "notes": []}
        return razorpay_event(f"payment_link.{told.kind}", {"payment_link": link}, event_id=name)
    payment = razorpay_payment(
        session,
        id=f"pay_{told.payment}_{sid}",
        status=told.kind,
        amount=session["amount"] if told.fits else 1,
    )
    return razorpay_event(
        f"payment.{told.kind}", {"payment": payment}, created=base + told.at, event_id=name
    )


async def _check(shop: Shop, sid: str, model: Model, before: str | None) -> str | None:
    """Compare, and hold what must always hold; return the state for the next comparison."""
    paid = {
        row["providerPaymentId"].removesuffix(f"_{sid}").removeprefix("pay_"): row["status"]
        for row in await shop.payments(providerPaymentId={"$regex": sid})
    }
    paid = {("hand" if name.startswith("hand") else name): status for name, status in paid.items()}
    assert paid == {name: place[3] for name, place in model.ledger.items()}
    stored = await shop.database["sessions"].find_one({"sessionId": sid})
    assert (stored is None) == model.gone
    if stored is None:
        return None
    assert stored["status"] == model.status
    assert set(stored["liveAttempts"]) == {f"pay_{name}_{sid}" for name in model.live}
    # That nobody could tell about a payment is another test's matter; here the provider is silent.
    doubted = stored["review"] is not None
    if doubted and model.reviews == 0:
        assert stored["review"]["reason"] == "payment_unresolved"
    assert doubted or model.reviews == 0
    assert (stored["purgeAt"] is not None) == (stored["status"] in ENDED)
    assert stored["purgeAt"] == model.purge_at
    moves = [Status(move["to"]) for move in stored["history"]]
    assert moves[0] is Status.PENDING
    assert moves[-1] == stored["status"]
    assert all(to in MOVES[at] for at, to in itertools.pairwise(moves))
    assert moves.count(Status.COMPLETED) <= 1
    assert before != "completed" or stored["status"] == "completed"
    return str(stored["status"])


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@example([EVENTS[0], EVENTS[8], EVENTS[1], EVENTS[3]])
@example([EVENTS[1], EVENTS[2], timedelta(minutes=31), "clean up", EVENTS[3], EVENTS[6]])
@example([EVENTS[9], "pending", EVENTS[3], timedelta(days=8), "clean up", EVENTS[7]])
@example([timedelta(minutes=31), "clean up", timedelta(days=8), "clean up", EVENTS[3]])
@given(steps=st.lists(STEPS, min_size=1, max_size=12))
async def test_the_service_does_what_the_model_does(shop: Shop, steps: list[Any]) -> None:
    sid = f"s{secrets.token_hex(6)}"
    session = await shop.api.open(sessionId=sid, paymentMethod="razorpay")
    model = Model(shop.clock.now(), shop.clock.now() + MINUTES_30)
    base, began = shop.unix(), model.now
    status = await _check(shop, sid, model, None)
    for step in steps:
        if isinstance(step, timedelta) and model.now + step > began + SILENT_FOR:
            continue
        if isinstance(step, timedelta):
            model.now = shop.clock.advance(step)
        elif isinstance(step, Told):
            await shop.receive(_delivery(session, step, base))
            model.tell(step)
        elif step == "clean up":
            await shop.clean_up()
            model.clean_up()
        elif not model.gone and not (step == "pending" and model.status == "processing"):
            body = {"sessionId": sid, "status": step}
            stored = await shop.database["sessions"].find_one({"sessionId": sid})
            taken = stored is not None and stored["capturing"] is not None
            answer = await shop.api.call("PATCH", "/api/payment-sessions", SECRET, json=body)
            # No hand moves what is being captured; when that is, other tests say.
            allowed = not taken and model.by_hand(step)
            assert answer.status_code == (200 if allowed else 409), answer.text
        status = await _check(shop, sid, model, status)


async def test_control_a_model_that_forgets_late_payments_is_found_out(shop: Shop) -> None:
    session = await shop.api.open(sessionId="s1", paymentMethod="razorpay")
    model = Model(shop.clock.now(), shop.clock.now() + MINUTES_30)
    model.move("expired")
    model.tell(EVENTS[3])
    assert model.status == "completed"
    model.status = "expired"
    await shop.receive(_delivery(session, EVENTS[3], shop.unix()))
    with pytest.raises(AssertionError):
        await _check(shop, "s1", model, None)
