"""An event that another endpoint was sent, sent to this one: with its object only if it wants."""

import json
from typing import Any

import pytest

from service.notifications.endpoints.errors import EventNotFound
from service.notifications.endpoints.operations import sending_again
from service.notifications.endpoints.operations.sending_again import resend_event, send_test
from tests.notifications.receivers import Receiver, receiving
from tests.notifications.telling import OPERATOR, endpoint, send, services_of, tell
from tests.support.shop import Shop


async def _resent(shop: Shop, receiver: Receiver, *, thin: bool) -> tuple[Any, Any]:
    """Send an event to an endpoint and then to one of the other kind; return what each got."""
    session = await shop.api.open()
    await endpoint(shop, receiver.url(), "session.completed", thin=not thin)
    await tell(shop, session=session["sessionId"])
    await send(shop)
    told = await endpoint(shop, receiver.url(), "refund.*", thin=thin)
    await resend_event(services_of(shop), told.endpoint.id, receiver.got[0].id, OPERATOR)
    await send(shop)
    first, second = (json.loads(got.body) for got in receiver.got)
    assert (first["id"], first["sessionId"]) == (second["id"], second["sessionId"])
    return first["data"], second["data"]


@pytest.mark.parametrize("thin", [True, False])
async def test_what_is_sent_is_what_the_endpoint_wants_and_not_what_the_other_did(
    shop: Shop, thin: bool
) -> None:
    """A thin one got all that is known of the session's customer."""
    async with receiving() as receiver:
        first, second = await _resent(shop, receiver, thin=thin)
    assert ("object" in first, "object" in second) == (thin, not thin)
    whole = first if thin else second
    assert whole["object"]["userId"] == "user_123"


async def test_an_event_of_which_nobody_knows_any_more_what_it_said_is_sent_where_it_was(
    shop: Shop,
) -> None:
    async with receiving() as receiver:
        sent_before = await endpoint(shop, receiver.url(), "session.*", thin=False)
        await tell(shop)
        await send(shop)
        told = await endpoint(shop, receiver.url(), "refund.*")
        await shop.database["outbox"].delete_many({})
        services, event = services_of(shop), receiver.got[0].id
        with pytest.raises(EventNotFound):
            await resend_event(services, told.endpoint.id, event, OPERATOR)
        await resend_event(services, sent_before.endpoint.id, event, OPERATOR)
        await send(shop)
    assert [got.body for got in receiver.got] == [receiver.got[0].body] * 2


async def test_a_test_that_another_was_sent_is_the_same_here(shop: Shop) -> None:
    async with receiving() as receiver:
        tested = await endpoint(shop, receiver.url())
        await send_test(services_of(shop), tested.endpoint.id, OPERATOR)
        await send(shop)
        told = await endpoint(shop, receiver.url())
        await resend_event(services_of(shop), told.endpoint.id, receiver.got[0].id, OPERATOR)
        await send(shop)
    assert [got.body for got in receiver.got] == [receiver.got[0].body] * 2


async def test_control_a_body_that_is_copied_tells_a_thin_endpoint_the_object(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending_again, "TEST", "session.completed")  # its body is copied
    async with receiving() as receiver:
        _, second = await _resent(shop, receiver, thin=True)
    assert "object" in second
