"""What waits too long, or was given up: reviews, events, messages, refunds, rows to be deleted."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from service.core.clock import Clock
from service.core.words import age, counted
from service.inbox import repository as inbox
from service.inbox.states import InboxStatus
from service.notifications.alerts.operations.condition import Sighting
from service.outbox import repository as outbox
from service.outbox.operations.figures import waiting
from service.payments.refunds import repository as refunds
from service.sessions import repository as sessions
from service.storage.answering import answers_in_time

_KEPT_TOO_LONG = timedelta(days=7)
_MOST_COUNTED = 100_000


async def reviews_wait(now: datetime, *, minutes: float) -> Sequence[Sighting]:
    """See each merchant whose oldest review has waited for so long."""
    after = timedelta(minutes=minutes)
    async with answers_in_time():
        found = await inbox.count_by_merchant(InboxStatus.REVIEW, now - after)
    counts: dict[str, int] = {}
    since: dict[str, datetime] = {}
    for one in found:
        counts[one.merchant_id] = counts.get(one.merchant_id, 0) + one.count
        since[one.merchant_id] = min(since.get(one.merchant_id, one.since), one.since)
    return [
        Sighting(
            f"{counted(count, 'payment')} waited for a decision longer than {age(after)}, the "
            f"oldest since {age(now - since[merchant_id])}: nothing happens to this money until "
            "somebody decides, on the page Reviews or by `tillgate reviews`.",
            merchant_id=merchant_id,
        )
        for merchant_id, count in counts.items()
    ]


async def dead_events(now: datetime) -> Sequence[Sighting]:
    """See the events that were given up, by merchant and provider."""
    async with answers_in_time():
        found = await inbox.count_by_merchant(InboxStatus.DEAD, now)
    return [
        Sighting(
            f"{counted(one.count, 'event')} of {one.provider} could not be applied for 30 days and "
            "nobody tries again: look why with `tillgate events list --status dead`, mend it, and "
            "replay them.",
            one.provider,
            one.merchant_id,
        )
        for one in found
    ]


async def dead_deliveries(_: datetime) -> Sequence[Sighting]:
    """See the deliveries of the outbox that were given up, by merchant and subscriber."""
    async with answers_in_time():
        found = await outbox.count_dead_by_merchant()
    return [
        Sighting(
            f"{counted(one.count, 'message')} for {one.subscriber} could not be delivered and "
            "nobody tries again: mend what their errors name, and redeliver them, on the page "
            "Operations or by `tillgate outbox`.",
            one.subscriber,
            one.merchant_id,
        )
        for one in found
    ]


async def messages_wait(_: datetime, *, minutes: float, clock: Clock) -> Sequence[Sighting]:
    """See the topics that nobody dispatches and the lanes in which the oldest waits too long."""
    found = await waiting(clock)
    longest = 60 * minutes
    return [
        *(
            Sighting(
                f"{counted(one.count, 'message')} of {one.name} wait, the oldest for "
                f"{_seconds(one.oldest_s)}: no process dispatches them. Look whether the service "
                "runs, or run `tillgate jobs run outbox`.",
                one.name,
            )
            for one in found.undispatched
            if one.oldest_s >= longest
        ),
        *(
            Sighting(
                f"{counted(one.count, 'delivery', 'deliveries')} in the lane {one.name} wait, the "
                f"oldest for {_seconds(one.oldest_s)}: `tillgate outbox list --status pending` "
                "says what each try came to.",
                one.name,
            )
            for one in found.lanes
            if one.oldest_s >= longest
        ),
    ]


async def refunds_wait(_: datetime) -> Sequence[Sighting]:
    """See the merchants with refunds of which nobody can tell whether they were made."""
    async with answers_in_time():
        found = await refunds.count_awaiting_person()
    return [
        Sighting(
            f"Of {counted(count, 'refund')} nobody can tell whether the money went back: look in "
            "the provider's dashboard and decide, on the page Refunds; `needsPerson` says why.",
            merchant_id=merchant_id,
        )
        for merchant_id, count in found.items()
    ]


async def rows_kept(now: datetime) -> Sequence[Sighting]:
    """See the collections with rows that should have been deleted over a week ago."""
    before = now - _KEPT_TOO_LONG
    async with answers_in_time():
        counts = {
            "sessions": await sessions.count_purgeable(before, _MOST_COUNTED),
            "webhook_events": await inbox.count_purgeable(before, _MOST_COUNTED),
        }
    return [
        Sighting(
            f"{counted(count, 'row')} of {name} should have been deleted over a week ago: the "
            "log line `can not be purged` of the job cleanup says what needs them; without such "
            "a line the job does not run, or does not come so far.",
            name,
        )
        for name, count in counts.items()
        if count
    ]


def _seconds(seconds: float) -> str:
    return age(timedelta(seconds=seconds))
