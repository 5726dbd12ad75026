"""What the played Razorpay tells, verified by the production code."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import asdict, replace

from service.core.errors import SignatureRejected
from service.providers.base import VerifiedEvent
from service.providers.facts import (
    DisputeUpdated,
    Fact,
    Payment,
    PaymentFailed,
    PaymentSucceeded,
    RefundUpdated,
)
from service.providers.razorpay.settings import RazorpaySettings
from service.providers.razorpay.verify import verify_checkout_callback, verify_link_callback
from tests.conftest import NOON
from tests.sandbox.played import checkout_request, standing, told
from tests.sandbox.razorpay.conftest import Played
from tillgate_sandbox.base import MadeEvent
from tillgate_sandbox.chaos import Fault
from tillgate_sandbox.razorpay.declines import DECLINES
from tillgate_sandbox.razorpay.handover import handed_over
from tillgate_sandbox.states import Happening

SAMPLES = Path(__file__).parents[2] / "samples" / "razorpay"
PAID = ["payment.authorized", "payment.captured", "order.paid", "payment_link.paid"]

STORIES: list[tuple[list[Happening], list[str], list[str]]] = [
    ([Happening.PAID], PAID[:3], PAID),
    ([Happening.DELAYED, Happening.SETTLED], PAID[:3], PAID),
    ([Happening.DELAYED, Happening.BOUNCED], ["payment.failed"], ["payment.failed"]),
    ([Happening.DECLINED], ["payment.failed"], ["payment.failed"]),
    ([Happening.AUTHORIZED, Happening.CAPTURED], PAID[:3], PAID),
    ([Happening.EXPIRED], [], ["payment_link.expired"]),
    ([Happening.CANCELED], [], ["payment_link.cancelled"]),
    (
        [Happening.PAID, Happening.REFUNDED],
        [*PAID[:3], "refund.created", "refund.processed"],
        [*PAID, "refund.created", "refund.processed"],
    ),
    (
        [Happening.PAID, Happening.DISPUTED],
        [*PAID[:3], "payment.dispute.created"],
        [*PAID, "payment.dispute.created"],
    ),
    ([Happening.EXPIRED, Happening.PAID], PAID[:3], ["payment_link.expired", *PAID]),
]


async def played_out(
    played: Played, kind: str, happenings: list[Happening]
) -> tuple[str, list[MadeEvent]]:
    """Open a checkout, let things happen, and return its id and the events."""
    request = checkout_request(NOON + timedelta(minutes=30), kind=kind)
    ref = (await played.adapter.open_checkout(request)).ref
    for happening in happenings:
        played.clock.advance(timedelta(seconds=5))
        await played.let(ref, happening)
    return ref, await told(ref)


def verified(played: Played, event: MadeEvent, fault: Fault | None = None) -> VerifiedEvent:
    """Sign an event and let the production adapter check it."""
    now = played.clock.now()
    headers = {
        name.lower(): value for name, value in played.razorpay.sign(event, now, fault).items()
    }
    return played.adapter.verify(headers, event.body, now)


def made(events: list[MadeEvent], kind: str) -> MadeEvent:
    """Find the event of a type."""
    return next(event for event in events if event.type == kind)


@pytest.mark.parametrize("kind", ["payment", "checkout"])
@pytest.mark.parametrize(("happenings", "of_order", "of_link"), STORIES)
async def test_each_happening_is_told_by_genuine_webhooks(
    played: Played, kind: str, happenings: list[Happening], of_order: list[str], of_link: list[str]
) -> None:
    ref, events = await played_out(played, kind, happenings)
    assert [event.type for event in events] == (of_order if kind == "payment" else of_link)
    for event in events:
        found = verified(played, event)
        assert found.provider_event_id == event.event_id
        assert found.facts
        assert found.live is False
        assert ref in found.subject.checkout_refs or kind == "checkout"
        assert found.subject.merchant_id in ("default", None)
    assert len({event.event_id for event in events}) == len(events)
    assert len({verified(played, event).inbox_id for event in events}) == len(events)


@pytest.mark.parametrize("kind", ["payment", "checkout"])
async def test_all_that_is_told_of_a_payment_is_told_alike(played: Played, kind: str) -> None:
    ref, events = await played_out(played, kind, [Happening.PAID])
    facts: list[Fact] = [fact for event in events for fact in verified(played, event).facts]
    facts += (await played.adapter.fetch(ref)).facts
    reported: list[Payment] = [fact.payment for fact in facts]  # type: ignore[union-attr]
    assert any(isinstance(fact, PaymentSucceeded) for fact in facts)
    assert len({replace(payment, details=None) for payment in reported}) == 1
    # One tells more of it than another, and none tells otherwise.
    known = [asdict(payment.details) for payment in reported if payment.details is not None]
    for name in known[0]:
        assert len({details[name] for details in known} - {None}) <= 1, name


@pytest.mark.parametrize("reason", DECLINES)
async def test_a_decline_is_told_with_its_real_reason(played: Played, reason: str) -> None:
    ref, _ = await played_out(played, "payment", [])
    await played.let(ref, Happening.DECLINED, decline_code=reason)
    (event,) = await told(ref)
    (failed,) = verified(played, event).facts
    assert isinstance(failed, PaymentFailed)
    assert (failed.failure_code, failed.failure_message) == (reason, DECLINES[reason].description)
    assert failed in (await played.adapter.fetch(ref)).facts


async def test_refunds_and_disputes_are_told_of_the_payment(played: Played) -> None:
    story = [Happening.PAID, Happening.REFUNDED, Happening.DISPUTED]
    ref, events = await played_out(played, "payment", story)
    payment = (await standing(ref)).payments[0]
    (created,) = verified(played, made(events, "refund.created")).facts
    (processed,) = verified(played, made(events, "refund.processed")).facts
    (disputed,) = verified(played, made(events, "payment.dispute.created")).facts
    assert isinstance(created, RefundUpdated)
    assert isinstance(processed, RefundUpdated)
    assert isinstance(disputed, DisputeUpdated)
    assert (created.status, processed.status) == ("pending", "succeeded")
    assert created.provider_refund_id == processed.provider_refund_id == payment.refunds[0].id
    assert {created.provider_payment_id, disputed.provider_payment_id} == {payment.id}
    assert disputed.provider_dispute_id == payment.dispute_id


@pytest.mark.parametrize("fault", ["bad_signature", "old_secret"])
async def test_a_wrong_signature_is_rejected(played: Played, fault: Fault) -> None:
    _, events = await played_out(played, "payment", [Happening.PAID])
    for event in events:
        with pytest.raises(SignatureRejected) as caught:
            verified(played, event, fault)
        assert caught.value.reason == "mismatch"


@pytest.mark.parametrize("kind", ["payment", "checkout"])
@pytest.mark.parametrize("fault", ["wrong_amount", "wrong_currency"])
async def test_false_money_is_genuine_other_money_of_the_same_session(
    played: Played, kind: str, fault: Fault
) -> None:
    _, events = await played_out(played, kind, [Happening.PAID])
    for event in events:
        right = verified(played, event)
        false = played.razorpay.falsify(event, fault)
        assert false == played.razorpay.falsify(event, fault)
        wrong = verified(played, false)
        assert wrong.event_id != right.event_id
        assert wrong.subject.checkout_refs == right.subject.checkout_refs
        ours, theirs = right.facts[0].payment, wrong.facts[0].payment  # type: ignore[union-attr]
        assert theirs.provider_payment_id != ours.provider_payment_id
        assert (theirs.amount != ours.amount) is (fault == "wrong_amount")
        assert (theirs.currency != ours.currency) is (fault == "wrong_currency")


@pytest.mark.parametrize("kind", ["payment", "checkout"])
async def test_a_strangers_event_names_nothing_of_ours(played: Played, kind: str) -> None:
    _, events = await played_out(played, kind, [Happening.PAID, Happening.REFUNDED])
    ours = {name for event in events for name in _names(verified(played, event))}
    for event in events:
        stranger = verified(played, played.razorpay.falsify(event, "unknown_session"))
        assert stranger.subject.merchant_id is None
        assert not ours & _names(stranger)


@pytest.mark.parametrize(
    ("sample", "happenings", "kind"),
    [
        ("payment.captured", [Happening.PAID], "payment"),
        ("payment.failed", [Happening.DECLINED], "payment"),
        ("order.paid", [Happening.PAID], "payment"),
        ("payment_link.paid", [Happening.PAID], "checkout"),
        ("payment_link.expired", [Happening.EXPIRED], "checkout"),
        ("payment_link.cancelled", [Happening.CANCELED], "checkout"),
        ("refund.processed", [Happening.PAID, Happening.REFUNDED], "payment"),
        ("payment.dispute.created", [Happening.PAID, Happening.DISPUTED], "payment"),
    ],
)
async def test_events_have_the_published_shape(
    played: Played, sample: str, happenings: list[Happening], kind: str
) -> None:
    _, events = await played_out(played, kind, happenings)
    ours = json.loads(made(events, sample).body)
    published = json.loads((SAMPLES / f"{sample}.json").read_bytes())
    assert ours.keys() == published.keys()
    assert sorted(ours["contains"]) == sorted(published["contains"])
    for name, entity in published["payload"].items():
        if name == "order" and sample == "payment_link.paid":
            continue  # there Razorpay shows an order as its own systems keep it
        missing = entity["entity"].keys() - ours["payload"][name]["entity"].keys()
        assert not missing - {"upi", "card", "offers"}, name


async def test_what_checkout_hands_over_is_signed(played: Played) -> None:
    ref, _ = await played_out(played, "payment", [Happening.PAID])
    checkout = await standing(ref)
    settings = played.sandbox.settings.of(RazorpaySettings)
    given = handed_over(checkout, checkout.payments[0], settings)
    played.adapter.check_callback(ref, given["razorpay_payment_id"], given["razorpay_signature"])
    with pytest.raises(SignatureRejected):
        verify_checkout_callback(
            "order_other", given["razorpay_payment_id"], given["razorpay_signature"], "x"
        )


async def test_the_query_of_a_link_is_signed(played: Played) -> None:
    ref, _ = await played_out(played, "checkout", [Happening.PAID])
    checkout = await standing(ref)
    settings = played.sandbox.settings.of(RazorpaySettings)
    given = handed_over(checkout, checkout.payments[0], settings)
    verify_link_callback(
        given["razorpay_payment_link_id"],
        given["razorpay_payment_link_reference_id"],
        given["razorpay_payment_link_status"],
        given["razorpay_payment_id"],
        given["razorpay_signature"],
        settings.key_secret or "",
    )


def _names(event: VerifiedEvent) -> set[str]:
    subject = event.subject
    found: set[Any] = {*subject.checkout_refs, *subject.object_ids, *subject.sent_ids}
    return found
