"""Tillgate with three more subscribers of `session.completed`, which do nothing.

Run as `tillgate` is: what they cost is what messages, deliveries and lanes cost.
"""

from service import wiring
from service.cli.main import main
from service.outbox.documents import Delivery, OutboxMessage
from service.outbox.operations.subscribers import Subscriber, Subscribers
from service.payments.refunds.sending.services import RefundServices
from service.payments.subscriptions.sending.services import SubscriptionServices
from service.sessions.checkouts.services import CheckoutServices

NAMES = ("first", "second", "third")
TOPIC = "session.completed"

_its_own = wiring.subscribers_of


async def _do_nothing(delivery: Delivery, message: OutboxMessage) -> None:
    pass


def _with_three_more(
    services: CheckoutServices, refunding: RefundServices, subscribing: SubscriptionServices
) -> Subscribers:
    more = (Subscriber(name, frozenset({TOPIC}), _do_nothing) for name in NAMES)
    return (*_its_own(services, refunding, subscribing), *more)


if __name__ == "__main__":
    wiring.subscribers_of = _with_three_more
    main()
