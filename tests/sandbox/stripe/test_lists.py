"""Every list of the played Stripe, read by its own library forwards and backwards."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
import stripe

from service.core.clock import ManualClock
from tests.sandbox.lab import Lab
from tillgate_sandbox.playing import happen
from tillgate_sandbox.states import Happening

LISTS = ["sessions", "line_items", "payment_intents", "charges", "refunds", "disputes", "events"]
_SOLD = 4


@pytest.fixture
def lists(library: stripe.StripeClient) -> Mapping[str, Any]:
    """Each list by its name, as the library has it."""
    v1 = library.v1
    return {
        "sessions": v1.checkout.sessions.list_async,
        "payment_intents": v1.payment_intents.list_async,
        "charges": v1.charges.list_async,
        "refunds": v1.refunds.list_async,
        "disputes": v1.disputes.list_async,
        "events": v1.events.list_async,
    }


async def _sold(lab: Lab, library: stripe.StripeClient, params: dict[str, Any]) -> str:
    """Sell, give back a part and have each disputed; return the last session."""
    params["line_items"] = params["line_items"] * _SOLD
    for place in range(_SOLD):
        session = await library.v1.checkout.sessions.create_async(params)
        paid = await happen(await lab.checkout(session.id), Happening.PAID, lab.sandbox)
        refund = {"payment_intent": paid.payments[-1].id, "amount": 100}
        await library.v1.refunds.create_async(refund)
        await happen(await lab.checkout(session.id), Happening.DISPUTED, lab.sandbox)
        if place % 2 == 0 and isinstance(lab.sandbox.clock, ManualClock):
            lab.sandbox.clock.advance(timedelta(seconds=1))  # some are of one second, some not
    return session.id


async def test_every_list_visits_each_object_once_forwards_and_backwards(
    lab: Lab, library: stripe.StripeClient, params: dict[str, Any], lists: Mapping[str, Any]
) -> None:
    session_id = await _sold(lab, library, params)

    async def line_items(given: dict[str, Any]) -> Any:
        items = library.v1.checkout.sessions.line_items
        return await items.list_async(session_id, given)

    for name in LISTS:
        listed = lists.get(name, line_items)
        whole = [one.id for one in (await listed({"limit": 100})).data]
        assert len(whole) == len(set(whole)) >= _SOLD, name
        forwards = [one.id async for one in (await listed({"limit": 2})).auto_paging_iter()]
        assert forwards == whole, name
        last = await listed({"limit": 2, "ending_before": whole[-1]})
        assert [one.id for one in last.data] == whole[-3:-1], name
        assert last.has_more, name
        backwards = [one.id async for one in last.auto_paging_iter()]
        assert backwards == whole[-2::-1], name
        # The control: before the first one there is nothing, and it ends at once.
        first = await listed({"limit": 2, "ending_before": whole[0]})
        assert (first.data, first.has_more) == ([], False), name


async def test_a_list_refuses_two_cursors_an_unknown_one_and_what_it_does_not_take(
    lab: Lab, library: stripe.StripeClient, params: dict[str, Any], lists: Mapping[str, Any]
) -> None:
    session_id = await _sold(lab, library, params)
    for name, listed in lists.items():
        one = (await listed({"limit": 1})).data[0].id
        with pytest.raises(stripe.InvalidRequestError, match="pass in only one"):
            await listed({"starting_after": one, "ending_before": one})
        for param in ("starting_after", "ending_before"):
            with pytest.raises(stripe.InvalidRequestError, match="No such") as refused:
                await listed({param: "nobody"})
            assert refused.value.param == param, name
        with pytest.raises(stripe.InvalidRequestError, match="unknown parameter: livemode"):
            await listed({"livemode": True})
    # The control: the same list takes what it knows.
    found = await library.v1.checkout.sessions.list_async({"limit": 100})
    assert session_id in {one.id for one in found.data}


async def test_lists_are_narrowed_by_time_and_by_what_they_are_about(
    lab: Lab, library: stripe.StripeClient, params: dict[str, Any], lists: Mapping[str, Any]
) -> None:
    await _sold(lab, library, params)
    made = (await library.v1.charges.list_async({"limit": 100})).data
    middle = made[_SOLD // 2].created
    for name in ("sessions", "payment_intents", "charges", "events"):
        listed, every = lists[name], (await lists[name]({"limit": 100})).data
        older = (await listed({"limit": 100, "created": {"lt": middle}})).data
        same = (await listed({"limit": 100, "created": middle})).data
        newer = (await listed({"limit": 100, "created": {"gt": middle}})).data
        assert [one.id for one in [*newer, *same, *older]] == [one.id for one in every], name
        assert older, name
        assert newer, name
    intent = made[0].payment_intent
    assert isinstance(intent, str)
    about = {"payment_intent": intent}
    assert [one.id for one in (await lists["charges"](about)).data] == [made[0].id]
    assert len((await lists["refunds"](about)).data) == 1
    assert len((await lists["sessions"](about)).data) == 1
