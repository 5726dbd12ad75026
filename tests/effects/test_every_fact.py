"""Every fact that a provider can tell is taken by the file of its aggregate, and by one alone."""

import secrets
from typing import Any, get_args

import pytest
from msgspec import Struct, structs

from service.inbox.operations.inbox import Arrival
from service.inbox.operations.receive import take_in
from service.inbox.states import InboxStatus
from service.providers import facts
from service.providers.base import VerifiedEvent
from service.providers.facts import Fact, Payment, Subject, Unreadable
from service.providers.subscribed import Subscribed
from tests.conftest import NOON
from tests.support.shop import Shop

AGGREGATES: dict[str, Any] = {
    "payments": facts.PaymentFact,
    "checkouts": facts.CheckoutFact,
    "invoices": facts.InvoiceFact,
    "refunds": facts.RefundFact,
    "disputes": facts.DisputeFact,
    "subscriptions": facts.SubscriptionFact,
}
TOLD = {
    "payment": Payment("pi_1", 1000, "USD", checkout_ref="cs_1"),
    "checkout_ref": "cs_1",
    "provider_refund_id": "re_1",
    "provider_payment_id": "pi_1",
    "provider_dispute_id": "dp_1",
    "provider_subscription_id": "sub_1",
    "amount": 1000,
    "currency": "USD",
    "status": "pending",
    "subscription": Subscribed("sub_1", "active", "active"),
    "read": 1,
}


class Unheard(Struct, frozen=True, tag=True):
    """A fact that is in no union, as one would be that somebody adds and forgets."""

    checkout_ref: str


def _members(union: Any) -> tuple[Any, ...]:
    return get_args(union) or (union,)


async def _take_in(shop: Shop, kind: type[Any]) -> dict[str, Any]:
    """Take in an event that tells one such fact of a session; return its row."""
    session = await shop.api.open()
    sid = session["sessionId"]
    if kind in {facts.RefundUpdated, facts.DisputeUpdated}:
        await shop.receive(shop.stripe_paid(session, payment_intent="pi_1"))
    required = [one.name for one in structs.fields(kind) if one.required]
    event = VerifiedEvent(
        provider="stripe",
        account="default",
        live=False,
        event_id=f"evt_{secrets.token_hex(8)}",
        type="of.a.test",
        occurred_at=NOON,
        subject=Subject(checkout_refs=("cs_1",), sent_ids=(sid,)),
        facts=(kind(**{name: TOLD[name] for name in required}),),
        payload=b"{}",
    )
    await take_in(Arrival(event), shop.api.container.inbox)
    [row] = await shop.events(eventId=event.event_id)
    return row


def test_each_fact_is_of_one_aggregate_and_each_aggregate_has_eight_at_most() -> None:
    named = [one for union in AGGREGATES.values() for one in _members(union)]
    assert sorted(map(str, named)) == sorted(map(str, {*_members(Fact)} - {Unreadable}))
    assert max(len(_members(union)) for union in AGGREGATES.values()) <= 8


def test_what_is_tagged_as_a_fact_is_one() -> None:
    tagged = {
        one
        for one in vars(facts).values()
        if isinstance(one, type) and issubclass(one, Struct) and one.__struct_config__.tag
    }
    assert tagged == {*_members(Fact)}
    assert Unheard.__struct_config__.tag


@pytest.mark.parametrize("kind", sorted({*_members(Fact)} - {Unreadable}, key=str))
async def test_a_handler_takes_each_fact(shop: Shop, kind: type[Any]) -> None:
    row = await _take_in(shop, kind)
    assert row["status"] in {InboxStatus.PROCESSED, InboxStatus.REVIEW}, row["error"]
    assert row["facts"][0]["type"] == kind.__name__


async def test_control_a_fact_that_no_handler_takes_fails_where_it_is_applied(shop: Shop) -> None:
    row = await _take_in(shop, Unheard)
    assert (row["status"], row["error"].split(":")[0]) == ("failed", "AssertionError")


@pytest.mark.parametrize("aggregate", AGGREGATES)
async def test_control_a_fact_of_an_aggregate_whose_file_does_not_take_it_fails_there(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, aggregate: str
) -> None:
    name = next(name for name, one in vars(facts).items() if one is AGGREGATES[aggregate])
    wider = AGGREGATES[aggregate] | Unheard
    monkeypatch.setattr(facts, name, wider)
    row = await _take_in(shop, Unheard)
    assert (row["status"], row["error"].split(":")[0]) == ("failed", "AssertionError")
