"""An endpoint for which very much waits: it can be left, and it holds up nobody else."""

import math
from datetime import timedelta

import pytest
from msgspec.structs import replace

from service.core.batches import Until
from service.core.errors import Unavailable
from service.core.rush import CROWD
from service.notifications.endpoints.operations import canceling, changing
from service.notifications.endpoints.operations.changing import (
    Told,
    Wish,
    change_endpoint,
    remove_endpoint,
)
from service.notifications.endpoints.repository import deliveries
from service.notifications.endpoints.sending import pace as pacing
from service.notifications.endpoints.sending.client import Client
from service.notifications.endpoints.sending.pace import FEWEST, Pace
from service.notifications.endpoints.sending.sender import Sender
from tests.notifications.receivers import answers, receiving
from tests.notifications.telling import OPERATOR, endpoint, send, sent, services_of, tell
from tests.notifications.test_pace import Noted, Requests
from tests.support.profiled import profiled
from tests.support.shop import Shop

MUCH = 200


async def _much_waits(shop: Shop, told: Told, hours: int = 0) -> None:
    """Have much wait, the first of it due now and the rest after some hours."""
    (row,) = await sent(shop, endpointId=told.endpoint.id)
    names = [f"evt_much_{n:04}" for n in range(MUCH)]
    due = shop.clock.now()
    rows = [
        row
        | {"_id": f"{name}:{told.endpoint.id}", "eventId": name, "status": "pending", "claim": None}
        | {"nextAttemptAt": due + timedelta(hours=hours) * (place > 0)}
        for place, name in enumerate(names)
    ]
    await shop.database["webhook_deliveries"].insert_many(rows)


async def _waiting(shop: Shop) -> int:
    return len(await sent(shop, status="pending"))


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a call cancel a tenth of it."""
    monkeypatch.setattr(canceling, "AT_ONCE", MUCH // 50)


@pytest.mark.usefixtures("few_at_once")
@pytest.mark.parametrize("how", ["removed", "disabled"])
async def test_a_part_of_what_waits_is_canceled_at_once_and_the_rest_when_it_is_due(
    shop: Shop, how: str
) -> None:
    """No transaction cancels hundreds of thousands in its time."""
    async with receiving() as receiver:
        told = await endpoint(shop, receiver.url())
        await tell(shop)
        await _much_waits(shop, told)
        if how == "removed":
            await remove_endpoint(services_of(shop), told.endpoint.id, OPERATOR)
        else:
            off = Wish(enabled=False)
            await change_endpoint(services_of(shop), told.endpoint.id, off, OPERATOR)
        assert await _waiting(shop) == MUCH + 1 - MUCH // 10
        await send(shop)
    assert (await _waiting(shop), receiver.got) == (0, [])


@pytest.mark.usefixtures("few_at_once")
async def test_an_endpoint_that_is_gone_is_disabled_however_much_waits_for_it(shop: Shop) -> None:
    async with receiving(answers(410)) as receiver:
        told = await endpoint(shop, receiver.url())
        await tell(shop)
        await send(shop)
        disabled = await shop.database["webhook_endpoints"].find_one()
        assert disabled is not None
        assert disabled["disabled"]["reason"] == "gone"
        await _much_waits(shop, told, hours=10)
        assert await send(shop) == 0
    assert await _waiting(shop) == MUCH - 1 - MUCH // 10, "what is due later goes along, in steps"


@pytest.mark.usefixtures("few_at_once")
async def test_each_step_begins_where_the_one_before_it_ended(shop: Shop) -> None:
    """What it canceled has left the index, and costs each search that goes through it."""
    async with receiving() as receiver:
        told = await endpoint(shop, receiver.url())
        await tell(shop)
        await _much_waits(shop, told, hours=10)
        async with profiled(shop.database) as done:
            await remove_endpoint(services_of(shop), told.endpoint.id, OPERATOR)
    finds = [row["command"] for row in done if "find" in row["command"]]
    since = [
        one["filter"]["nextAttemptAt"]["$gte"]
        for one in finds
        if one["find"] == "webhook_deliveries"
    ]
    assert len(since) == canceling.STEPS
    assert since[0] < since[1]


@pytest.mark.usefixtures("few_at_once")
@pytest.mark.parametrize("guarded", [True, False], ids=["guarded", "control"])
async def test_one_that_is_enabled_again_is_not_sent_what_had_waited(
    shop: Shop, guarded: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def nothing(*_: object) -> None:
        return None

    async with receiving() as receiver:
        told = await endpoint(shop, receiver.url())
        await tell(shop)
        await _much_waits(shop, told)
        if not guarded:
            monkeypatch.setattr(changing, "cancel_all", nothing)
        for enabled in (False, True):
            wish = Wish(enabled=enabled)
            await change_endpoint(services_of(shop), told.endpoint.id, wish, OPERATOR)
        await send(shop)
    assert bool(receiver.got) is not guarded


async def test_nothing_is_canceled_that_waits_for_an_endpoint_that_is_enabled(shop: Shop) -> None:
    """Whoever cancels may be late, and another may have enabled it meanwhile."""
    async with receiving() as receiver:
        told = await endpoint(shop, receiver.url())
        await tell(shop)
        await canceling.cancel_waiting(told.endpoint.id, shop.clock.now())
        await canceling.cancel_all(told.endpoint.id, shop.clock.now())
        await send(shop)
    assert len(receiver.got) == 1


async def test_a_database_that_is_silent_keeps_nobody_from_what_they_did(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(*_: object) -> None:
        raise Unavailable("The database does not answer.")

    async with receiving() as receiver:
        told = await endpoint(shop, receiver.url())
        await tell(shop)
        with monkeypatch.context() as patched:
            patched.setattr(deliveries, "cancel", silent)
            await remove_endpoint(services_of(shop), told.endpoint.id, OPERATOR)
        assert await _waiting(shop) == 1
        await send(shop)
    assert (await _waiting(shop), receiver.got) == (0, [])


@pytest.mark.parametrize(("status", "behind"), [(500, False), (200, True)])
async def test_what_fails_again_and_again_does_not_hold_back_what_is_made_for_others(
    shop: Shop, status: int, behind: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control is one that takes it all: what is made besides would only wait."""
    monkeypatch.setattr(pacing, "MOST", FEWEST)
    backlog = Noted()
    async with receiving(answers(status)) as receiver:
        told = await endpoint(shop, receiver.url())
        await tell(shop)
        services = replace(services_of(shop), backlog=backlog)
        client = Client(services.addresses)
        sender = Sender(services, client, Until(math.inf), Pace(Requests(CROWD)))
        await sender.work_off()
        await _much_waits(shop, told)
        await sender.work_off()
        client.close()
    assert (True in backlog.noted) is behind
