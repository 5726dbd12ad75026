"""What the played PhonePe tells, verified by the production code."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from service.core.errors import Misconfigured, SignatureRejected
from service.providers.base import AnswersHints, VerifiedEvent, confirmed_by
from service.providers.facts import (
    CheckoutExpired,
    CheckoutFailed,
    PaymentFailed,
    PaymentSucceeded,
    RefundUpdated,
)
from tests.conftest import NOON
from tests.sandbox.phonepe.conftest import Played, Serving
from tests.sandbox.played import checkout_request, told
from tests.support.settings import make_settings
from tillgate_sandbox.base import MadeEvent
from tillgate_sandbox.chaos import Fault
from tillgate_sandbox.phonepe.events import PlayedPhonePe
from tillgate_sandbox.states import Happening

SAMPLES = Path(__file__).parents[2] / "samples" / "phonepe"
DONE, FAILED = "checkout.order.completed", "checkout.order.failed"

STORIES: list[tuple[list[Happening], list[str]]] = [
    ([Happening.PAID], [DONE]),
    ([Happening.DELAYED], []),
    ([Happening.DELAYED, Happening.SETTLED], [DONE]),
    ([Happening.DELAYED, Happening.BOUNCED], [FAILED]),
    ([Happening.DECLINED], []),
    ([Happening.EXPIRED], [FAILED]),
    ([Happening.CANCELED], [FAILED]),
    ([Happening.EXPIRED, Happening.PAID], [FAILED, DONE]),
    (
        [Happening.PAID, Happening.REFUNDED],
        [DONE, "pg.refund.accepted", "pg.refund.completed"],
    ),
]


async def played_out(played: Played, happenings: list[Happening]) -> list[MadeEvent]:
    """Open an order, let things happen, and return the events."""
    await played.adapter.open_checkout(checkout_request(NOON + timedelta(minutes=30)))
    for happening in happenings:
        played.clock.advance(timedelta(seconds=5))
        await played.let("ps_1", happening)
    return await told("ps_1")


def verified(played: Played, event: MadeEvent, fault: Fault | None = None) -> VerifiedEvent:
    """Vouch for an event and let the production adapter check it."""
    now = played.clock.now()
    headers = {
        name.lower(): value for name, value in played.phonepe.sign(event, now, fault).items()
    }
    return played.adapter.verify(headers, event.body, now)


@pytest.mark.parametrize(("happenings", "kinds"), STORIES)
async def test_each_happening_is_told_by_genuine_webhooks(
    played: Played, happenings: list[Happening], kinds: list[str]
) -> None:
    events = await played_out(played, happenings)
    assert [event.type for event in events] == kinds
    for event in events:
        found = verified(played, event)
        assert (found.type, found.account, found.live) == (event.type, "default", False)
        about_a_refund = event.type.startswith("pg.refund.")
        assert (found.needs_confirmation == "ps_1") is not about_a_refund
        assert found.subject.checkout_refs == ("ps_1",)


@pytest.mark.parametrize(("happenings", "kinds"), STORIES)
async def test_v1_tells_of_orders_by_callbacks_whose_content_is_signed(
    played_v1: Played, happenings: list[Happening], kinds: list[str]
) -> None:
    events = await played_out(played_v1, happenings)
    assert len(events) == len([kind for kind in kinds if not kind.startswith("pg.")])
    for event in events:
        found = verified(played_v1, event)
        assert found.needs_confirmation is None
        assert found.subject.checkout_refs == ("ps_1",)
        assert found.facts


@pytest.mark.parametrize("happening", [Happening.PAID, Happening.EXPIRED, Happening.CANCELED])
async def test_a_hint_is_confirmed_by_asking(played: Played, happening: Happening) -> None:
    (event,) = await played_out(played, [happening])
    hint, answer = verified(played, event), await played.adapter.fetch("ps_1")
    confirmed = confirmed_by(hint, answer)
    assert confirmed is not None
    assert confirmed.facts == hint.facts


async def test_what_is_hinted_at_of_a_refund_is_confirmed_by_asking(played: Played) -> None:
    events = await played_out(played, [Happening.PAID, Happening.REFUNDED])
    accepted, completed = (verified(played, event) for event in events[1:])
    assert isinstance(played.adapter, AnswersHints)
    answers = [await played.adapter.ask_about(hint) for hint in (accepted, completed)]
    (refund,) = answers[0].facts
    assert isinstance(refund, RefundUpdated)
    assert (refund.provider_refund_id, refund.status) == (completed.needs_confirmation, "succeeded")
    for hint, answer in zip((accepted, completed), answers, strict=True):
        confirmed = confirmed_by(hint, answer)
        assert confirmed is not None
        assert confirmed.facts == (refund,)


async def test_an_order_that_ran_out_says_so(played: Played) -> None:
    (event,) = await played_out(played, [Happening.EXPIRED])
    payload = json.loads(event.body)["payload"]
    assert (payload["state"], payload["errorCode"]) == ("FAILED", "ORDER_EXPIRED")
    assert [type(fact) for fact in verified(played, event).facts] == [CheckoutExpired]


async def test_an_order_whose_attempt_bounced_says_why(played: Played) -> None:
    (event,) = await played_out(played, [Happening.DELAYED, Happening.BOUNCED])
    failed, ended = verified(played, event).facts
    assert isinstance(failed, PaymentFailed)
    assert isinstance(ended, CheckoutFailed)
    assert failed.failure_code == ended.reason == "TXN_NOT_COMPLETED"


async def test_a_refund_is_accepted_and_then_completed(played: Played) -> None:
    events = await played_out(played, [Happening.PAID, Happening.REFUNDED])
    facts = [fact for event in events[1:] for fact in verified(played, event).facts]
    refunds = [fact for fact in facts if isinstance(fact, RefundUpdated)]
    assert [refund.status for refund in refunds] == ["pending", "succeeded"]
    assert {(refund.amount, refund.provider_payment_id) for refund in refunds} == {(29900, "ps_1")}
    assert len({refund.provider_refund_id for refund in refunds}) == 1


@pytest.mark.parametrize("fault", ["bad_signature", "old_secret"])
@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_a_wrong_signature_is_rejected(serve: Serving, fault: Fault, version: str) -> None:
    without = {"PHONEPE_WEBHOOK_USERNAME": "", "PHONEPE_WEBHOOK_PASSWORD": ""}
    async with serve(**(without if version == "v1" else {})) as played:
        assert played.phonepe.version == version
        (event,) = await played_out(played, [Happening.PAID])
        with pytest.raises(SignatureRejected) as caught:
            verified(played, event, fault)
        assert caught.value.reason == "mismatch"


async def test_a_false_amount_in_a_webhook_is_a_hint_that_nobody_believes(played: Played) -> None:
    (event,) = await played_out(played, [Happening.PAID])
    hint = verified(played, played.phonepe.falsify(event, "wrong_amount"))
    (told_wrongly,) = hint.facts
    confirmed = confirmed_by(hint, await played.adapter.fetch("ps_1"))
    assert confirmed is not None
    (believed,) = confirmed.facts
    assert isinstance(told_wrongly, PaymentSucceeded)
    assert isinstance(believed, PaymentSucceeded)
    assert (told_wrongly.payment.amount, believed.payment.amount) == (30000, 29900)


async def test_a_false_amount_in_a_callback_is_believed_for_it_is_signed(
    played_v1: Played,
) -> None:
    (event,) = await played_out(played_v1, [Happening.PAID])
    (fact,) = verified(played_v1, played_v1.phonepe.falsify(event, "wrong_amount")).facts
    assert isinstance(fact, PaymentSucceeded)
    assert fact.payment.amount == 30000


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_a_strangers_event_names_nothing_of_ours(serve: Serving, version: str) -> None:
    without = {"PHONEPE_WEBHOOK_USERNAME": "", "PHONEPE_WEBHOOK_PASSWORD": ""}
    async with serve(**(without if version == "v1" else {})) as played:
        events = await played_out(played, [Happening.DECLINED, Happening.PAID, Happening.REFUNDED])
        ours = {name for event in events for name in _names(verified(played, event))}
        for event in events:
            false = played.phonepe.falsify(event, "unknown_session")
            assert false == played.phonepe.falsify(event, "unknown_session")
            assert false.event_id != event.event_id
            stranger = verified(played, false)
            assert stranger.subject.merchant_id is None
            assert not ours & _names(stranger)


@pytest.mark.parametrize(
    ("sample", "happenings"),
    [
        (DONE, [Happening.PAID]),
        (FAILED, [Happening.DELAYED, Happening.BOUNCED]),
        ("pg.refund.accepted", [Happening.PAID, Happening.REFUNDED]),
        ("pg.refund.completed", [Happening.PAID, Happening.REFUNDED]),
    ],
)
async def test_events_have_the_published_shape(
    played: Played, sample: str, happenings: list[Happening]
) -> None:
    events = await played_out(played, happenings)
    ours = json.loads(next(event.body for event in events if event.type == sample))
    published = json.loads((SAMPLES / f"{sample}.json").read_bytes())
    assert ours["event"] == published["event"]
    assert published["payload"].keys() <= ours["payload"].keys()
    for theirs in published["payload"].get("paymentDetails", []):
        assert theirs.keys() <= ours["payload"]["paymentDetails"][0].keys()


def test_without_any_secret_nothing_is_vouched_for() -> None:
    settings = make_settings(
        PHONEPE_WEBHOOK_USERNAME="", PHONEPE_WEBHOOK_PASSWORD="", PHONEPE_SALT_KEY=""
    )
    phonepe = PlayedPhonePe(settings)
    assert phonepe.version == "v2"
    with pytest.raises(Misconfigured):
        phonepe.sign(MadeEvent(DONE, "1", b"{}"), NOON, None)


def _names(event: VerifiedEvent) -> set[str]:
    subject = event.subject
    found: set[Any] = {*subject.checkout_refs, *subject.object_ids, *subject.sent_ids}
    return found
