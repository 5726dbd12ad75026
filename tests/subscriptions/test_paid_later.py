"""A checkout that is complete and unpaid, and its invoice: no order of their events shows."""

import itertools
import json
from collections.abc import Sequence
from typing import Any

import pytest

from service.effects import invoices
from service.inbox.operations.inbox import Arrival
from service.inbox.operations.receive import take_in
from service.providers.stripe.translate import translate_event
from service.storage.database import Database, Row
from tests.sandbox.lab import Lab
from tests.subscriptions.living import Living, begun

_ROWS = ("sessions", "payments", "payment_attempts", "subscriptions")
_OF_ONE_ORDER = {"_id", "createdAt", "updatedAt", "writtenAt", "history", "version"}
# What happens at Stripe, in its order, and how the session then ends.
LIVES = {
    "it comes": (["unpaid", "invoice.paid", "came"], "completed"),
    "it comes, of which the invoice alone tells": (["unpaid", "invoice.paid"], "completed"),
    "it fails": (["unpaid", "invoice.payment_failed", "failed"], "failed"),
    "it fails, and comes by a second try": (
        ["unpaid", "invoice.payment_failed", "invoice.paid", "came"],
        "completed",
    ),
    "the first try fails": (["unpaid", "invoice.payment_failed"], "pending"),
}
_CHECKOUTS = {
    "unpaid": ("completed", "unpaid"),
    "came": ("async_payment_succeeded", "paid"),
    "failed": ("async_payment_failed", "unpaid"),
}


def _event(living: Living, name: str, at: int) -> dict[str, Any]:
    """Return an event of Stripe, as it came at a second."""
    money = {"currency": "usd", "customer": "cus_1", "livemode": False}
    if name in _CHECKOUTS:
        kind, paid = _CHECKOUTS[name]
        kind = f"checkout.session.{kind}"
        about = {"id": living.checkout_id, "object": "checkout.session", "status": "complete"}
        about |= {"mode": "subscription", "payment_status": paid, "amount_total": 999, **money}
        about |= {"subscription": living.id, "invoice": "in_1", "metadata": _named(living)}
    else:
        kind = name
        due = {"amount_due": 999, "amount_paid": 999 if name == "invoice.paid" else 0}
        details = {"subscription": living.id, "metadata": _named(living)}
        about = {"id": "in_1", "object": "invoice", "attempt_count": at, **due, **money}
        about |= {"parent": {"subscription_details": details}, "created": 1_795_000_000}
    event = {"id": f"evt_{at}_{name}", "object": "event", "type": kind, "livemode": False}
    return {**event, "created": 1_795_000_000 + at, "data": {"object": about}}


def _named(living: Living) -> dict[str, str]:
    return {"sessionId": living.session_id, "merchantId": "default"}


async def _end(living: Living, order: Sequence[dict[str, Any]], opened: Row) -> tuple[str, str]:
    """Tell events in an order; return how the session stands, and all that is left of them."""
    database = living.database
    for name in (*_ROWS, "webhook_events", "outbox"):
        await database[name].delete_many({})
    await database["sessions"].insert_one(dict(opened))
    for event in order:
        found = translate_event(event, json.dumps(event).encode())
        await take_in(Arrival(found, "webhook"), living.lab.api.container.inbox)
    rows = {name: await database[name].find({}).to_list() for name in _ROWS}
    kept = {name: sorted(map(_kept, some), key=str) for name, some in rows.items()}
    return rows["sessions"][0]["status"], json.dumps(kept, default=str, sort_keys=True, indent=1)


def _kept(row: Row) -> Row:
    return {name: row[name] for name in row if name not in _OF_ONE_ORDER}


async def _ends(lab: Lab, database: Database, names: Sequence[str]) -> set[tuple[str, str]]:
    """Return all ends that some events have, over all their orders."""
    living = await begun(lab, database, paid=False)
    opened = await database["sessions"].find_one({"sessionId": living.session_id})
    assert opened is not None
    events = [_event(living, name, at) for at, name in enumerate(names, 1)]
    return {await _end(living, order, opened) for order in itertools.permutations(events)}


@pytest.mark.parametrize("life", LIVES)
async def test_it_ends_the_same_whatever_came_first(
    lab: Lab, database: Database, life: str
) -> None:
    names, status = LIVES[life]
    ends = await _ends(lab, database, names)
    assert {standing for standing, _ in ends} == {status}
    lines = [set(kept.splitlines()) for _, kept in ends]
    assert len(ends) == 1, [sorted(one - set.intersection(*lines)) for one in lines]


async def test_control_where_an_invoice_moves_no_session_the_order_shows(
    lab: Lab, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invoices, "_pays_checkout", lambda *_: False)
    ends = await _ends(lab, database, LIVES["it comes, of which the invoice alone tells"][0])
    assert {standing for standing, _ in ends} == {"processing", "completed"}
