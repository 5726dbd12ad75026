"""The main job: open a session, pay, one verified webhook, exactly one completed session."""

import asyncio

import pytest

from tests.support.api import Api
from tests.support.events import (
    Delivery,
    phonepe_callback,
    razorpay_captured,
    stripe_completed,
)

PAID = {
    "stripe": stripe_completed,
    "razorpay": razorpay_captured,
    "phonepe": phonepe_callback,
}


@pytest.mark.parametrize("provider", PAID)
async def test_signed_webhook_completes_the_session_once_however_often_it_is_posted(
    api: Api, provider: str
) -> None:
    session = await api.open(paymentMethod=provider)
    paid: Delivery = PAID[provider](session)

    first = await api.told(paid)
    again = await api.told(paid)

    assert first == {"received": True, "duplicate": False, "outcome": "processed"}
    assert again == {"received": True, "duplicate": True, "outcome": "duplicate"}
    completed = await api.read(session["sessionId"])
    assert completed["status"] == "completed"
    assert completed["late"] is False
    assert completed["completedAt"] is not None
    assert [move["to"] for move in completed["history"]] == ["pending", "completed"]


@pytest.mark.parametrize("provider", PAID)
async def test_storm_of_the_same_webhook_completes_the_session_once(
    api: Api, provider: str
) -> None:
    session = await api.open(paymentMethod=provider)
    paid = PAID[provider](session)

    answers = await asyncio.gather(*(api.told(paid) for _ in range(25)))

    assert sum(not answer["duplicate"] for answer in answers) == 1
    assert {answer["outcome"] for answer in answers} == {"processed", "duplicate"}
    completed = await api.read(session["sessionId"])
    assert [move["to"] for move in completed["history"]] == ["pending", "completed"]
    assert completed["version"] == 2
