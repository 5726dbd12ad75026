"""An alert is told to the merchant's own server as well: when it opens, and when it is over."""

import json

from service.notifications.alerts.operations.condition import Sighting
from tests.notifications.alerts.watching import Lamp, watch
from tests.notifications.receivers import receiving
from tests.notifications.telling import endpoint, fan_out, send
from tests.support.shop import Shop


async def test_an_endpoint_that_hears_alerts_is_sent_each_and_another_is_not(shop: Shop) -> None:
    lamp = Lamp()
    lamp.seen = (Sighting("Something is wrong. Mend it.", "here", "default"),)
    async with receiving() as hears, receiving() as control:
        await endpoint(shop, hears.url(), "alert.*")
        await endpoint(shop, control.url(), "session.*")
        await watch(shop, lamp)
        lamp.seen = ()
        shop.pass_time(minutes=20)
        await watch(shop, lamp)
        await fan_out(shop)
        await send(shop)
    events = [json.loads(got.body) for got in hears.got]
    assert sorted(one["type"] for one in events) == ["alert.closed", "alert.opened"]
    assert {one["data"]["what"] for one in events} == {"Something is wrong. Mend it."}
    assert control.got == []
