"""/metrics: what the service measures of itself, and who may read it."""

import re
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client import REGISTRY, Histogram
from prometheus_client.parser import text_string_to_metric_families

from service.cli.options import operator
from service.core import measures
from service.core.clock import ManualClock
from service.core.errors import ProviderFailed, ProviderUnreachable
from service.core.principal import DEFAULT_MERCHANT, AccessScope, Kind
from service.jobs.operations.pausing import pause_job
from service.jobs.operations.run import LEASE
from service.leases.operations import leased
from service.providers.calling import Refused, ask
from service.queues import QUEUES
from service.storage.database import Client, Database
from service.storage.figures import sample
from service.web.authentication import LETS_IN
from service.web.metrics import exposition
from service.wiring import ALL_JOBS
from tests.outbox.subscribing import Listener, born, deliver, subscriber, write
from tests.storage.failing import stalling
from tests.support.api import ADMIN, JOBS, PUBLISHABLE, SECRET
from tests.support.events import Delivery
from tests.support.keys import issue_key
from tests.support.limits import hastily
from tests.support.settings import make_settings
from tests.support.shop import Shop, open_shop

DOCS = Path(__file__).parents[2] / "docs" / "metrics.md"
FORGED = Delivery("stripe", b"{}", {"stripe-signature": "t=1,v1=00"})

Read = dict[tuple[str, frozenset[str]], float]


def parsed(text: str) -> Read:
    """Return each value by its name and its labels' values."""
    return {
        (sample.name, frozenset(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if not sample.name.endswith(("_bucket", "_created"))
    }


async def read(shop: Shop, key: str | None = ADMIN) -> Read:
    """Read what is measured."""
    answer = await shop.api.call("GET", "/metrics", key)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/plain")
    return parsed(answer.text)


class Change:
    """What has changed of the measurements of this process since a moment."""

    def __init__(self, before: Read, after: Read) -> None:
        self._before, self._after = before, after

    def of(self, name: str, *labels: str) -> float:
        """Return by how much a value has grown."""
        key = name, frozenset(labels)
        return self._after.get(key, 0) - self._before.get(key, 0)


@pytest.fixture(autouse=True)
def _asks_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposition, "_KEPT_FOR_S", 0)


async def test_each_request_is_counted_by_the_template_of_its_route(shop: Shop) -> None:
    before = await read(shop)
    session = await shop.api.open()
    await shop.api.read(session["sessionId"])
    await shop.api.call("GET", "/api/payment-sessions/nobody")
    await shop.api.call("GET", "/nowhere")
    change = Change(before, await read(shop))
    one, all_ = "/api/payment-sessions/{session_id}", "/api/payment-sessions"
    assert change.of("tillgate_request_seconds_count", "POST", all_, "201") == 1
    assert change.of("tillgate_request_seconds_count", "GET", one, "200") == 1
    assert change.of("tillgate_request_seconds_count", "GET", one, "404") == 1
    assert change.of("tillgate_request_seconds_count", "(any)", "(none)", "404") == 1
    assert change.of("tillgate_request_seconds_sum", "GET", one, "200") > 0
    assert not any(session["sessionId"] in label for _, labels in before for label in labels)


async def test_methods_that_no_route_has_make_no_series_of_their_own(shop: Shop) -> None:
    before = await read(shop)
    methods = ("PROPFIND", "PURGE", "M-SEARCH", "BREW")
    for method in methods:
        for path in ("/nowhere", "/api/payment-sessions"):
            assert (await shop.api.call(method, path, None)).status_code in {404, 405}
    after = await read(shop)
    change = Change(before, after)
    assert change.of("tillgate_request_seconds_count", "(any)", "(none)", "404") == len(methods)
    assert change.of("tillgate_request_seconds_count", "(any)", "(none)", "405") == len(methods)
    assert not any(method in labels for _, labels in after for method in methods)
    await shop.api.call("PATCH", "/api/payment-sessions", None)  # the control
    change = Change(after, await read(shop))
    assert change.of("tillgate_request_seconds_count", "PATCH", "/api/payment-sessions", "401") == 1


async def test_deliveries_are_counted_by_what_became_of_them_and_how_late_they_came(
    shop: Shop,
) -> None:
    before = await read(shop)
    paid = shop.stripe_paid(await shop.api.open(currency="USD"))
    shop.pass_time(seconds=90)
    await shop.api.told(paid)
    await shop.api.told(paid)
    await shop.api.deliver(FORGED)
    change = Change(before, await read(shop))
    assert change.of("tillgate_webhooks_total", "stripe", "processed") == 1
    assert change.of("tillgate_webhooks_total", "stripe", "duplicate") == 1
    assert change.of("tillgate_webhook_rejections_total", "stripe", "mismatch") == 1
    assert change.of("tillgate_webhook_lag_seconds_count", "stripe") == 1
    assert change.of("tillgate_webhook_lag_seconds_sum", "stripe") == pytest.approx(90)


def test_each_queue_is_measured_by_a_name_of_its_own() -> None:
    """Of two with one name, the gauge would show the one that is looked at last."""
    assert len({queue.name for queue in QUEUES}) == len(QUEUES)


async def test_groups_and_calls_to_the_database_are_measured(shop: Shop) -> None:
    before = await read(shop)
    await shop.api.open()
    change = Change(before, await read(shop))
    assert change.of("tillgate_group_items_count", "inserts") == 1
    assert change.of("tillgate_group_items_sum", "inserts") == 1
    assert change.of("tillgate_group_seconds_count", "inserts") == 1
    assert change.of("tillgate_database_seconds_count", "answered") >= 1


async def test_what_is_held_now_is_looked_at(shop: Shop, client: Client) -> None:
    await shop.api.open()
    sample(client, [])
    found = await read(shop)
    assert found["tillgate_database_connections", frozenset({"open"})] >= 1
    assert found["tillgate_database_connections", frozenset({"in use"})] >= 0


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (httpx.Response(200, json={}), "ok"),
        (httpx.Response(402, json={}), "refused"),
        (httpx.Response(503), "failed"),
        (None, "unreachable"),
    ],
)
async def test_calls_to_providers_are_counted_by_how_they_end(
    shop: Shop, answer: httpx.Response | None, outcome: str
) -> None:
    def answering(request: httpx.Request) -> httpx.Response:
        if answer is None:
            raise httpx.ConnectError("nobody there")
        return answer

    before = await read(shop)
    transport = httpx.MockTransport(answering)
    async with httpx.AsyncClient(transport=transport, base_url="http://provider") as http:
        request = http.build_request("GET", "/x")
        if outcome == "ok":
            await ask("Razorpay", http, request)
        else:
            with pytest.raises((Refused, ProviderFailed, ProviderUnreachable)):
                await ask("Razorpay", http, request)
    change = Change(before, await read(shop))
    assert change.of("tillgate_provider_call_seconds_count", "razorpay", outcome) == 1


async def test_what_the_database_knows_is_read_when_somebody_asks(shop: Shop) -> None:
    session = await shop.api.open(currency="USD")
    stranger = session | {"sessionId": "nobody", "userId": "u"}
    await shop.api.told(shop.stripe_paid(stranger))
    shop.pass_time(hours=2)
    found = await read(shop)

    def value(name: str, *labels: str) -> float:
        return found[name, frozenset(labels)]

    assert value("tillgate_rows", "sessions") == 1
    assert value("tillgate_stored_bytes", "sessions") > 0
    assert value("tillgate_events_open", "stripe", "parked") == 1
    assert value("tillgate_events_oldest_seconds", "stripe", "parked") == 7200
    assert value("tillgate_index_uses_total", "sessions", "_id_") >= 0
    assert value("tillgate_deleted_by_age_total") >= 0


async def test_what_waits_in_the_outbox_is_told_by_topic_and_by_lane(shop: Shop) -> None:
    ago = shop.clock.now() - timedelta(minutes=1)
    waiting = {"status": "pending", "createdAt": ago, "nextAttemptAt": ago}
    await shop.database["outbox"].insert_one(waiting | {"_id": "m", "topic": "t"})
    lane = {"lane": "capture:razorpay", "subscriber": "capture"}
    await shop.database["deliveries"].insert_one(waiting | lane | {"_id": "m:capture"})
    await shop.database["deliveries"].insert_one(waiting | lane | {"_id": "n", "status": "dead"})
    found = await read(shop)
    told = {
        name: value
        for (name, _), value in found.items()
        if name.startswith(("tillgate_messages", "tillgate_lane", "tillgate_deliveries_dead"))
    }
    assert told == {
        "tillgate_messages_undispatched": 1,
        "tillgate_messages_undispatched_oldest_seconds": 60,
        "tillgate_lane_waiting": 1,
        "tillgate_lane_oldest_seconds": 60,
        "tillgate_deliveries_dead": 1,
    }


async def test_deliveries_are_counted_by_subscriber_and_outcome(shop: Shop) -> None:
    hears = subscriber(Listener(failures=1))
    await born(shop.clock, hears)
    before = await read(shop)
    await write(shop, "1", "2")
    await deliver(shop.clock, hears)
    change = Change(before, await read(shop))
    assert change.of("tillgate_deliveries_total", "test", "delivered") == 1
    assert change.of("tillgate_deliveries_total", "test", "failed") == 1


async def test_runs_of_jobs_are_counted_by_how_they_end(shop: Shop) -> None:
    before = await read(shop)
    never = {key: value for key, value in before.items() if "job_succeeded" in key[0]}
    name = "tillgate_job_succeeded_timestamp_seconds"
    called = [about.name for about in ALL_JOBS if about.every is not None]
    assert never == {(name, frozenset({job})): 0 for job in called}
    await shop.clean_up()
    await shop.clean_up(dryRun=True)  # counts as no run
    shop.clock.advance(timedelta(hours=1))
    await pause_job("cleanup", shop.api.container.job_table, operator())
    await shop.clean_up()
    async with leased("events", LEASE, shop.clock):
        await shop.api.call("POST", "/api/jobs/events", JOBS)
    change = Change(before, found := await read(shop))
    seconds = "tillgate_job_seconds_count"
    assert [change.of(seconds, "cleanup", how) for how in ("done", "paused", "failed")] == [1, 1, 0]
    assert [change.of(seconds, "events", how) for how in ("done", "skipped")] == [0, 1]
    succeeded = {key: value for key, value in found.items() if "job_succeeded" in key[0]}
    began = (shop.clock.now() - timedelta(hours=1)).timestamp()
    assert succeeded == never | {(name, frozenset({"cleanup"})): began}
    assert found["tillgate_job_paused", frozenset({"cleanup"})] == 1
    assert found["tillgate_job_paused", frozenset({"events"})] == 0


async def test_rows_that_should_be_gone_for_over_a_week_are_counted(shop: Shop) -> None:
    kept = ("tillgate_rows_kept_too_long", frozenset({"sessions"}))
    await shop.api.open()
    shop.pass_time(minutes=31)
    await shop.clean_up()
    shop.pass_time(days=13)
    assert (await read(shop))[kept] == 0  # the control: due for six days
    shop.pass_time(days=2)
    assert (await read(shop))[kept] == 1
    await shop.clean_up()
    assert (await read(shop))[kept] == 0


async def test_while_the_database_is_away_the_rest_is_told(shop: Shop, client: Client) -> None:
    with hastily():
        async with stalling(client, for_ms=1000):
            found = await read(shop)
    names = {name for name, _ in found}
    assert "tillgate_request_seconds_count" in names
    assert "tillgate_rows" not in names


async def test_only_an_operator_reads_what_is_measured(shop: Shop, clock: ManualClock) -> None:
    other = await issue_key(clock, Kind.ADMIN, merchant_id="other")
    narrow = await issue_key(
        clock, Kind.ADMIN, merchant_id=DEFAULT_MERCHANT, scopes=[AccessScope.METRICS_READ]
    )
    prometheus = await issue_key(
        clock,
        Kind.ADMIN,
        merchant_id=DEFAULT_MERCHANT,
        scopes=[AccessScope.METRICS_READ, AccessScope.OPERATOR],
    )
    refused = [SECRET, PUBLISHABLE, JOBS, other.key, narrow.key]
    statuses = [(await shop.api.call("GET", "/metrics", key)).status_code for key in refused]
    assert statuses == [403] * len(refused)
    assert (await shop.api.call("GET", "/metrics", None)).status_code == 401
    assert await read(shop, prometheus.key)


async def asked_from(address: str, database: Database, clock: ManualClock, **headers: str) -> int:
    """Return the status that an address gets without a key where 10.1.0.0/16 may read."""
    settings = make_settings(METRICS_FROM="10.1.0.0/16")
    async with open_shop(settings, database, clock) as shop:
        app = shop.api.http._transport.app  # type: ignore[attr-defined]
        transport = httpx.ASGITransport(app, client=(address, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
            return (await http.get("/metrics", headers=headers)).status_code


async def test_networks_that_are_named_need_no_key(database: Database, clock: ManualClock) -> None:
    assert await asked_from("10.1.2.3", database, clock) == 200
    assert await asked_from("10.2.2.3", database, clock) == 401
    pretending = {"X-Forwarded-For": "10.1.2.3"}
    assert await asked_from("10.2.2.3", database, clock, **pretending) == 401


def test_control_nothing_else_lets_anybody_in_without_a_key(shop: Shop) -> None:
    app = shop.api.http._transport.app  # type: ignore[attr-defined]
    handlers = [one for route in app.routes for one in getattr(route, "route_handlers", ())]
    assert [one.handler_name for one in handlers if LETS_IN in one.opt] == ["metrics"]


def test_the_docs_name_all_that_is_measured() -> None:
    measured = [getattr(one, "histogram", one) for one in vars(measures).values()]
    ours = {one._name for one in measured if hasattr(one, "_labelnames")}
    told = {
        name.removesuffix("_total") for name in re.findall(r"`(tillgate_\w+)`", DOCS.read_text())
    }
    assert ours <= told


def _values(histogram: Histogram) -> list[tuple[str, dict[str, str], float]]:
    return [
        (one.name.rpartition("_")[2], one.labels, one.value)
        for one in next(iter(histogram.collect())).samples
        if not one.name.endswith("_created")
    ]


def test_what_is_gathered_is_added_as_if_each_were_observed() -> None:
    bounds, values = (0.001, 10.0), (0.0004, 0.001, 0.0011, 10, 11)
    gathered = measures.Observed("of_a_test", "Words", ("who",), bounds)
    each = Histogram("of_a_test", "Words", ("who",), buckets=bounds, registry=None)
    for value in values:
        gathered.observe(value, "me")
        each.labels("me").observe(value)
    REGISTRY.unregister(gathered.histogram)
    # The control: until they are added, nobody reads them.
    assert _values(gathered.histogram) == []
    measures.add_observed()
    measures.add_observed()
    assert _values(gathered.histogram) == _values(each)
