"""A flood of webhooks that nobody signed: counted, sampled, written in groups, in nobody's way."""

import io
from collections import Counter
from contextlib import suppress
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from service.background import background
from service.core.clock import ManualClock
from service.core.errors import TooManyRequests, Unavailable
from service.inbox import repository
from service.inbox.documents import WebhookRejection
from service.inbox.operations import rejections
from service.inbox.operations.rejections import (
    MOST_KINDS,
    TOLD_A_MINUTE,
    Rejections,
    write_the_last,
)
from service.storage.database import Client, Database
from service.web.logs.access import write_lines_to
from service.web.logs.clients import clients_of
from tests.storage.failing import failing, stalling
from tests.support.events import Delivery
from tests.support.limits import hastily
from tests.support.settings import make_settings
from tests.support.shop import Shop

FORGED = Delivery("stripe", b'{"id":"evt_forged"}', {"stripe-signature": "t=1,v1=00"})
FLOOD = TOLD_A_MINUTE + 30


async def _rows(shop: Shop) -> list[tuple[str, int]]:
    found = await shop.database["webhook_rejections"].find().sort("$natural", 1).to_list()
    return [(row["reason"], row["deliveries"]) for row in found]


def _pending(shop: Shop) -> Rejections:
    return shop.api.container.inbox.rejections


async def test_a_flood_writes_two_rows_a_minute_and_a_signed_one_is_never_limited(
    shop: Shop,
) -> None:
    session = await shop.api.open(currency="USD")
    answers = Counter([(await shop.api.deliver(FORGED)).status_code for _ in range(FLOOD)])
    assert answers == {400: TOLD_A_MINUTE, 429: FLOOD - TOLD_A_MINUTE}
    refused = await shop.api.deliver(FORGED)
    assert (refused.status_code, refused.json()["error"]) == (429, "rate_limited")
    assert refused.headers["retry-after"] == "60"
    # From the same address: the provider may stand behind the same proxy as whoever forges.
    assert (await shop.api.told(shop.stripe_paid(session)))["outcome"] == "processed"
    assert await _rows(shop) == []  # nothing of it was written while it came
    assert await _pending(shop).flush(shop.clock.now()) == 1
    shop.pass_time(minutes=1)
    assert await _pending(shop).flush(shop.clock.now()) == 1
    assert await _rows(shop) == [("mismatch", 1), ("mismatch", FLOOD)]
    assert (await shop.api.deliver(FORGED)).status_code == 400  # another minute, another budget
    listed = (await shop.admin("GET", "/webhook-rejections")).json()
    assert listed["counts"] == {"stripe:mismatch": FLOOD + 1}


async def test_beyond_the_budget_no_line_is_logged_and_before_it_each_has_one(shop: Shop) -> None:
    lines = io.StringIO()
    write_lines_to(lines)
    try:
        for _ in range(FLOOD):
            await shop.api.deliver(FORGED)
    finally:
        write_lines_to(None)
    assert lines.getvalue().count('"status":400') == TOLD_A_MINUTE
    assert '"status":429' not in lines.getvalue()


async def test_many_addresses_do_not_wash_out_the_list(
    shop: Shop, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def flood(found: Rejections) -> None:
        found.note("razorpay", "mismatch", 1, "somebody", clock.now())
        for number in range(1_500):
            found.note("stripe", "mismatch", 1, f"10.0.{number // 250}.{number % 250}", clock.now())

    flood(found := Rejections())
    assert await found.flush(clock.now(), whole=True) == MOST_KINDS + 2
    counts = Counter[str]()
    async for row in shop.database["webhook_rejections"].find():
        counts[row["provider"]] += row["deliveries"]
    assert counts == {"stripe": 1_500, "razorpay": 1}
    # Control: told apart without end, each address has a row.
    monkeypatch.setattr(rejections, "MOST_KINDS", 10_000)
    flood(found := Rejections())
    assert await found.flush(clock.now(), whole=True) == 1_501


async def test_one_customers_many_addresses_are_one(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = clients_of(make_settings()).name

    def told(block: str) -> int:
        found = Rejections()
        for number in range(FLOOD):
            with suppress(TooManyRequests):
                found.note("stripe", "mismatch", 1, named(block % number), clock.now())
                lines.append(number)
        return len(found._kinds)

    lines: list[int] = []
    assert (told("2001:db8:0:1::%x"), len(lines)) == (1, TOLD_A_MINUTE)
    lines.clear()
    assert (told("2001:db8:0:%x::1"), len(lines)) == (MOST_KINDS + 1, FLOOD)  # other customers'
    lines.clear()
    assert (told("10.0.0.%d"), len(lines)) == (MOST_KINDS + 1, FLOOD)
    monkeypatch.setattr(rejections, "network_in", lambda name: name)  # the control
    lines.clear()
    assert (told("2001:db8:0:1::%x"), len(lines)) == (MOST_KINDS + 1, FLOOD)


async def test_without_a_database_forgeries_are_refused_as_ever_and_written_later(
    shop: Shop, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rejections, "MOST_WAITING", 5)
    async with failing(client, ["insert"], errorCode=91):
        for _ in range(7):  # as many minutes
            assert (await shop.api.deliver(FORGED)).status_code == 400
            shop.pass_time(minutes=1)
        with pytest.raises(Unavailable), hastily():
            await _pending(shop).flush(shop.clock.now())
    assert await _pending(shop).flush(shop.clock.now()) == 5
    assert await _pending(shop).flush(shop.clock.now()) == 0


async def test_a_stop_writes_down_the_last_of_them(shop: Shop) -> None:
    async with background(shop.api.container.jobs):
        for _ in range(3):
            await shop.api.deliver(FORGED)
    assert sum(count for _, count in await _rows(shop)) == 3


@pytest.mark.parametrize("within_s", [0.2, 60.0], ids=["the limit", "control, hardly a limit"])
async def test_a_stop_does_not_wait_for_a_database_that_stalls(
    shop: Shop, client: Client, monkeypatch: pytest.MonkeyPatch, within_s: float
) -> None:
    """A stall ends, and what waits for its end writes: a warning is what did not wait for it."""
    assert rejections.LAST_WITHIN_S == 2.0
    monkeypatch.setattr(rejections, "LAST_WITHIN_S", within_s)
    assert (await shop.api.deliver(FORGED)).status_code == 400
    with capture_logs() as logs:
        async with stalling(client, ["insert"], for_ms=900):
            await write_the_last(_pending(shop), shop.clock.now())
    warned = [line["event"] for line in logs if line["log_level"] == "warning"]
    assert warned == (["the last rejected webhooks are not written down"] if within_s < 1 else [])
    assert len(await _rows(shop)) == (0 if warned else 1)


def test_the_budget_is_an_addresss_own_and_begins_anew_each_minute(clock: ManualClock) -> None:
    found = Rejections()
    for _ in range(TOLD_A_MINUTE):
        found.note("stripe", "mismatch", 1, "a", clock.now())
    with pytest.raises(TooManyRequests):
        found.note("stripe", "stale", 1, "a", clock.now())
    found.note("stripe", "mismatch", 1, "b", clock.now())
    clock.advance(timedelta(minutes=1))
    found.note("stripe", "mismatch", 1, "a", clock.now())


async def test_what_waits_for_the_database_and_whom_is_counted_are_bounded(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, most in (("MOST_WAITING", 3), ("MOST_SENDERS", 2), ("TOLD_A_MINUTE", 1)):
        monkeypatch.setattr(rejections, name, most)
    found = Rejections()
    for number in range(5):
        found.note("stripe", "mismatch", 1, f"sender {number}", clock.now())
    found.note("stripe", "mismatch", 1, "sender 4", clock.now())  # counted for nobody
    with pytest.raises(TooManyRequests):
        found.note("stripe", "mismatch", 1, "sender 0", clock.now())
    assert len(found._waiting) == len(found._by_sender) + 1 == 3

    async def away(rows: list[WebhookRejection]) -> None:
        found.note("stripe", "stale", 1, "late", clock.now())
        raise Unavailable("away")

    with monkeypatch.context() as patch:
        patch.setattr(repository, "reject", away)
        with pytest.raises(Unavailable):
            await found.flush(clock.now())
    assert [row.reason for row in found._waiting] == ["mismatch"] * 3
    assert await found.flush(clock.now()) == 3
