"""What a timeline says of a message: who passes it on has not told anybody yet."""

from service.outbox import repository
from service.timeline.operations.boxes import lines_of_messages
from tests.outbox.subscribing import Listener, born, deliver, subscriber, write
from tests.support.shop import Shop, shop

__all__ = ["shop"]


async def test_what_was_handed_to_webhooks_is_not_said_to_be_done(shop: Shop) -> None:
    three = (
        subscriber(Listener(), "mail"),
        subscriber(Listener(), "webhooks", at_dispatch=True),
        subscriber(Listener(failures=1), "provider"),
    )
    await born(shop.clock, *three)
    await write(shop)
    await deliver(shop.clock, *three)
    [line] = lines_of_messages(*await repository.of_session("default", "s-1"))
    assert line.summary == "test.topic, handed to mail and webhooks, provider pending"
