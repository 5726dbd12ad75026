"""Whatever is to be sent at once is due by the database's clock: a server's own may be wrong."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeAlias

import pytest
from msgspec.structs import replace

from service.core.clock import Clock, DatabaseNow
from service.notifications.endpoints.documents import WebhookDelivery
from service.notifications.endpoints.operations.sending_again import resend_event, send_test
from service.notifications.endpoints.operations.sending_missed import resend_since
from service.notifications.endpoints.operations.services import EndpointServices
from service.notifications.endpoints.repository import sent as repository
from tests.notifications.receivers import receiving
from tests.notifications.telling import OPERATOR, endpoint, send, sent, services_of, tell
from tests.support.shop import Shop

Wanted: TypeAlias = Callable[[EndpointServices, str, datetime], Awaitable[object]]


class _Wrong:
    """A server's clock that differs from the database's."""

    def __init__(self, right: Clock, by: timedelta) -> None:
        self._right, self._by = right, by

    def now(self) -> datetime:
        return self._right.now() + self._by

    def in_database(self) -> DatabaseNow:
        return self._right.in_database()


async def _test(services: EndpointServices, endpoint_id: str, since: datetime) -> None:
    await send_test(services, endpoint_id, OPERATOR)


async def _one(services: EndpointServices, endpoint_id: str, since: datetime) -> None:
    (row,) = await WebhookDelivery.get_pymongo_collection().find().to_list()
    await resend_event(services, endpoint_id, row["eventId"], OPERATOR)


async def _since(services: EndpointServices, endpoint_id: str, since: datetime) -> None:
    await resend_since(services, endpoint_id, since, OPERATOR)


async def _due(shop: Shop, wanted: Wanted, by: timedelta) -> datetime:
    """Have a server with such a clock send something to an endpoint; return since when it is due.

    Of what it is to be sent again it was sent nothing yet.
    """
    since = shop.clock.now()
    async with receiving() as receiver:
        await endpoint(shop, receiver.url())
        await tell(shop)
        await send(shop)
        told = await endpoint(shop, receiver.url())
        services = replace(services_of(shop), clock=_Wrong(shop.clock, by))
        await wanted(services, told.endpoint.id, since)
        (row,) = await sent(shop, endpointId=told.endpoint.id)
    due: datetime = row["nextAttemptAt"]
    return due


@pytest.mark.parametrize("minutes", [-3, 3])
@pytest.mark.parametrize("wanted", [_test, _one, _since])
async def test_what_is_sent_by_hand_is_due_at_once_whatever_clock_a_server_has(
    shop: Shop, wanted: Wanted, minutes: int
) -> None:
    """One that was ahead had it wait for as long; one that was behind, for a look at all."""
    assert await _due(shop, wanted, timedelta(minutes=minutes)) == shop.clock.now()


@pytest.mark.parametrize("wanted", [_test, _one, _since])
async def test_control_by_its_own_clock_it_waits_for_as_long_as_that_is_ahead(
    shop: Shop, wanted: Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def own(clock: Clock) -> datetime:
        return clock.now()

    monkeypatch.setattr(repository, "database_now", own)
    ahead = timedelta(minutes=3)
    assert await _due(shop, wanted, ahead) == shop.clock.now() + ahead
