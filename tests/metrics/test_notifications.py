"""/metrics tells what waits for merchants' servers and for mailboxes, and what reaches nobody."""

import re
from datetime import timedelta
from typing import Any

import pytest

from service.storage.database import Row
from service.web.metrics import exposition
from tests.metrics.test_metrics import DOCS, Read, read
from tests.notifications.receivers import answers, receiving
from tests.notifications.telling import endpoint, send, tell
from tests.support.profiled import profiled
from tests.support.shop import Shop

WAITING = "tillgate_webhook_deliveries_waiting"
OLDEST = "tillgate_webhook_deliveries_oldest_seconds"
DISABLED = "tillgate_webhook_endpoints_disabled"
UNDELIVERED = "tillgate_mails_undelivered"


@pytest.fixture(autouse=True)
def _nothing_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each scrape asks the database."""
    monkeypatch.setattr(exposition, "_KEPT_FOR_S", 0)


def _of(found: Read, name: str) -> dict[str, float]:
    """Return the values of a name by their one label."""
    return {next(iter(labels), ""): value for (one, labels), value in found.items() if one == name}


async def _look(shop: Shop) -> Read:
    """Read what is measured a quarter of a minute later."""
    shop.pass_time(seconds=15)
    return await read(shop)


async def test_events_that_wait_for_a_receiver_are_told_until_it_takes_them(shop: Shop) -> None:
    async with receiving(answers(500)) as receiver:
        await endpoint(shop, receiver.url())
        await tell(shop)
        found = await _look(shop)
        assert _of(found, WAITING) == {"new": 1, "retrying": 0}
        assert _of(found, OLDEST) == {"new": 15, "retrying": 0}
        await send(shop)
        found = await _look(shop)
        assert _of(found, WAITING) == {"new": 0, "retrying": 1}
        assert _of(found, OLDEST) == {"new": 0, "retrying": 30}
        receiver.behaves = answers()
        await send(shop)
        found = await _look(shop)
    assert _of(found, WAITING) == _of(found, OLDEST) == {"new": 0, "retrying": 0}
    assert _of(found, DISABLED) == {"gone": 0, "failing": 0, "by_hand": 0}


async def test_an_endpoint_that_is_gone_is_told_and_what_waited_for_it_waits_no_more(
    shop: Shop,
) -> None:
    async with receiving(answers(410)) as receiver:
        await endpoint(shop, receiver.url())
        await tell(shop, "1", "2")
        await send(shop)
    found = await _look(shop)
    assert _of(found, DISABLED) == {"gone": 1, "failing": 0, "by_hand": 0}
    assert _of(found, WAITING) == {"new": 0, "retrying": 0}


def _mail(name: str, status: str, at: Any) -> Row:
    return {
        **{"_id": name, "merchantId": "default", "template": "test", "cause": name, "to": "a@b.c"},
        **{"masked": "a…@b.c", "status": status, "createdAt": at, "nextAttemptAt": at},
    }


async def test_mails_that_wait_and_those_that_reach_nobody_are_told(shop: Shop) -> None:
    assert _of(await _look(shop), UNDELIVERED) == {"failed": 0, "refused": 0, "unsure": 0}
    ago = shop.clock.now() - timedelta(minutes=1)
    stands = ("pending", "pending", "refused", "unsure", "unsure", "sent", "suppressed")
    rows = [_mail(f"m{n}", status, ago) for n, status in enumerate(stands)]
    await shop.database["mail_messages"].insert_many(rows)
    found = await _look(shop)
    assert _of(found, "tillgate_mails_waiting") == {"": 2}
    assert _of(found, "tillgate_mails_oldest_seconds") == {"": 75}
    assert _of(found, UNDELIVERED) == {"failed": 0, "refused": 1, "unsure": 2}


async def test_all_of_it_is_found_by_indexes(shop: Shop) -> None:
    async with profiled(shop.database) as queries:
        await _look(shop)
    ours = ("webhook_deliveries", "webhook_endpoints", "mail_messages")
    asked = [one for one in queries if one["ns"].endswith(ours)]
    assert {one["ns"].partition(".")[2] for one in asked} == {*ours}
    assert [one for one in asked if "COLLSCAN" in one.get("planSummary", "")] == []


async def test_the_docs_name_each_figure_that_is_read_of_the_database(shop: Shop) -> None:
    told = set(re.findall(r"`(tillgate_\w+)`", DOCS.read_text()))
    found = {
        re.sub(r"_(sum|count)$", "", name)
        for name, _ in await read(shop)
        if name.startswith("tillgate_")
    }
    assert found <= told
    assert {WAITING, OLDEST, DISABLED, UNDELIVERED, "tillgate_mails_waiting"} <= found
