"""Make the alerts of a rule agree with what is seen of it."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

from msgspec import Struct

from service.core.ids import new_id
from service.leases.operations import under
from service.leases.repository import Held
from service.notifications.alerts import repository
from service.notifications.alerts.documents import Alert
from service.notifications.alerts.operations.condition import Sighting
from service.notifications.alerts.operations.messages import closed, opened, repeated
from service.notifications.alerts.states import OVER_AFTER, is_due
from service.outbox import repository as outbox
from service.storage.database import Row
from service.storage.transaction import Transaction

T = TypeVar("T")

KEEP_FOR = timedelta(days=90)
# With their messages these are written in one transaction.
_AT_ONCE = 100


class Done(Struct, frozen=True):
    """What one transaction has done."""

    opened: int = 0
    repeated: int = 0
    closed: int = 0


async def agree(
    rule: str, seen: Sequence[Sighting], now: datetime, lease: Held | None
) -> list[Done]:
    """Make the alerts of a rule agree with all that is seen of it; return what was done.

    An alert and its message are written in one transaction, so neither is without the other. Two
    who do so at once, without a lease, write the same row: one of them begins anew.
    """
    distinct = list({(one.merchant_id, one.subject): one for one in seen}.values())
    done = [
        await under(lease, partial(_note, rule, some, now)) for some in _batches(distinct, _AT_ONCE)
    ]
    return [*done, await under(lease, partial(_close, rule, now))]


async def _note(rule: str, seen: Sequence[Sighting], now: datetime, tx: Transaction) -> Done:
    found = await repository.standing(rule, {one.merchant_id for one in seen}, tx)
    standing = {(one.merchant_id, one.subject): one for one in found}
    new: list[Alert] = []
    messages: list[Row] = []
    for one in seen:
        alert = standing.get((one.merchant_id, one.subject))
        if alert is None:
            new.append(_opened(rule, one, now))
            continue
        told = alert.status == "open" and is_due(alert.times, alert.notified_at, now)
        await repository.note_seen(alert, one.what, now, told=told, tx=tx)
        if told:
            messages.append(repeated(alert, one.what, now))
    repeats = len(messages)
    messages += [opened(alert) for alert in new]
    if new:
        await repository.insert([alert.to_row() for alert in new], tx)
    if messages:
        await outbox.add_once(messages, tx)
    return Done(opened=len(new), repeated=repeats)


def _opened(rule: str, seen: Sighting, now: datetime) -> Alert:
    return Alert(
        id=new_id("al"),
        rule=rule,
        merchant_id=seen.merchant_id,
        subject=seen.subject,
        what=seen.what,
        opened_at=now,
        last_seen_at=now,
        notified_at=now,
    )


async def _close(rule: str, now: datetime, tx: Transaction) -> Done:
    """Close what was not seen for a while. Of what a person closed nobody is told again."""
    over = await repository.not_seen_since(rule, now - OVER_AFTER, tx)
    if not over:
        return Done()
    was_open = [alert for alert in over if alert.status == "open"]
    ended: Row = {"status": "closed", "purgeAt": now + KEEP_FOR}
    dismissed = [alert for alert in over if alert.status == "dismissed"]
    await repository.close(was_open, ended | {"closedAt": now}, tx)
    await repository.close(dismissed, ended, tx)
    if was_open:
        await outbox.add_once([closed(alert, None, None, now) for alert in was_open], tx)
    return Done(closed=len(was_open))


def _batches(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
