"""Read subscriptions at their providers; the answers go into the inbox."""

import asyncio
from datetime import timedelta

import structlog

from service.core.errors import ProviderUnreachable, TillgateError
from service.inbox.operations.inbox import Arrival
from service.inbox.operations.receive import take_in
from service.jobs.operations.job import Report, Turn
from service.outbox.documents import Delivery, OutboxMessage
from service.payments.subscriptions import repository
from service.payments.subscriptions.documents import Subscription
from service.payments.subscriptions.sending.services import SubscriptionServices
from service.storage.answering import answers_in_time
from service.storage.plain import NO_TRANSACTION

# A person or a browser waits for the answer; the message does the rest.
ASK_WITHIN_S = 2.0
# The message tries for days; this finds what it had to give up.
UNREAD_FOR = timedelta(hours=1)
_A_RUN = 500

log = structlog.get_logger(__name__)


async def read_by_message(
    delivery: Delivery, message: OutboxMessage, *, services: SubscriptionServices
) -> None:
    """Read a subscription of which something became; raises what has it tried again later.

    Also one of which a change was never ended, though it was read since: its process may have died
    with the provider asked, and nothing else tells what came of that.
    """
    key = [str(message.payload[name]) for name in ("provider", "account", "subscriptionId")]
    async with answers_in_time():
        subscription = await repository.find(key[0], key[1], key[2], NO_TRANSACTION)
    if subscription is None:
        return
    if subscription.unread or subscription.changing is not None:
        await read(subscription, services)


async def read(
    subscription: Subscription, services: SubscriptionServices, within: float | None = None
) -> Subscription:
    """Read a subscription, for some seconds at most, and return it as it then stands.

    The number of the reading is taken before it is sent. Raises `ProviderFailed`; the subscription
    stays marked as unread then.
    """
    provider = services.provider_of(subscription)
    async with answers_in_time():
        number = await repository.begin_reading(subscription)
    try:
        async with asyncio.timeout(within):
            event = await provider.read_subscription(subscription.provider_subscription_id, number)
    except TimeoutError as error:
        message = f"{subscription.provider} did not answer in time."
        raise ProviderUnreachable(message) from error
    claimed = subscription.merchant_id if subscription.session_id else None
    await take_in(Arrival(event, "fetch", asked_for=claimed), services.inbox)
    return await read_again(subscription)


async def read_again(subscription: Subscription) -> Subscription:
    """Return a subscription as it stands in the database now."""
    key = (subscription.provider, subscription.account, subscription.provider_subscription_id)
    async with answers_in_time():
        return await repository.find(*key, NO_TRANSACTION) or subscription


async def read_if_unread(
    subscription: Subscription, services: SubscriptionServices
) -> Subscription:
    """Return a subscription, read at its provider where that is due; else as it is known.

    So it is to who asks more often than it is read for anybody: the message reads it.
    """
    if not subscription.unread or not services.may_ask(subscription):
        return subscription
    try:
        return await read(subscription, services, ASK_WITHIN_S)
    except TillgateError as error:
        log.warning("subscription is not read yet", reason=str(error))
        return subscription


class SubscriptionsReport(Report):
    """How many subscriptions were due to be read, and how many of them were."""

    changes = frozenset({"read"})

    def __init__(self, job: str, *, dry_run: bool = False) -> None:
        """Begin with nothing done."""
        super().__init__(job, dry_run=dry_run)
        self.unread = 0
        self.read = 0


async def read_overdue(
    services: SubscriptionServices, report: SubscriptionsReport, turn: Turn
) -> None:
    """Read each subscription that could not be read for an hour, longest first.

    And those of which something must have become, though nobody told: an event may be lost. Each is
    put last then, whatever came of it: one that can't be read holds up no other.
    """
    now = services.clock.now()
    async with answers_in_time():
        untold = await repository.find_untold(now, _A_RUN)
        await repository.mark_untold(untold, now, now - UNREAD_FOR)
        found = await repository.find_unread(now - UNREAD_FOR, _A_RUN)
    for one in found:
        if turn.until.over:
            return
        report.unread += 1
        try:
            report.read += not (await read(one, services)).unread
        except TillgateError as error:
            log.warning("subscription can't be read", reason=str(error))
        async with answers_in_time():
            await repository.put_last(one, now)


async def count_overdue(
    services: SubscriptionServices, report: SubscriptionsReport, turn: Turn
) -> None:
    """Count the subscriptions that would be read."""
    async with answers_in_time():
        now = services.clock.now()
        unread = await repository.count_unread(now - UNREAD_FOR)
        report.unread = unread + await repository.count_untold(now)
