"""The cleanup: once however often it is called, only what is due, never what somebody needs."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.cli.options import operator
from service.core.clock import ManualClock
from service.core.errors import Misconfigured
from service.jobs.operations.run import LEASE, run_job
from service.leases import repository as leases
from service.leases.repository import Held
from service.storage.database import Database, connect
from service.storage.embedded import embedded_database
from service.storage.indexes import apply_indexes, refuse_deadly_ttl
from service.stored import DOCUMENTS
from tests.providers.http_fake import fake_api
from tests.support.api import ADMIN, JOBS, PUBLISHABLE, SECRET
from tests.support.events import stripe_checkout
from tests.support.patience import IN_TIME
from tests.support.settings import make_settings
from tests.support.shop import Shop, completions, open_shop


async def _everything(shop: Shop) -> dict[str, list[Any]]:
    return {
        document.collection_name(): await shop.database[document.collection_name()]
        .find()
        .sort("_id", 1)
        .to_list()
        for document in DOCUMENTS
    }


async def test_two_at_once_do_the_work_once(shop: Shop) -> None:
    for _ in range(20):
        await shop.api.open()
    shop.pass_time(minutes=31)
    reports = await asyncio.gather(*(shop.clean_up() for _ in range(6)))
    assert sorted(report["skipped"] for report in reports) == [False] + [True] * 5
    assert sum(report["expired"] for report in reports) == 20
    assert len(await shop.messages("session.expired")) == 20
    assert (await shop.clean_up())["skipped"] is False  # given back


async def test_control_without_the_lease_both_do_the_work(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def always(name: str, holder: str, *_: Any) -> Held:
        return Held(name, holder, 1, LEASE, shop.clock)

    async def held(*_: object) -> bool:
        return True

    monkeypatch.setattr(leases, "claim", always)
    monkeypatch.setattr(leases, "renew", held)
    reports = await asyncio.gather(*(shop.clean_up() for _ in range(3)))
    assert not any(report["skipped"] for report in reports)


async def test_a_lease_outlives_a_crash_and_then_ends(shop: Shop) -> None:
    dead = await leases.claim("cleanup", "the dead one", LEASE, shop.clock)
    assert dead is not None
    await shop.api.open()
    shop.pass_time(minutes=1)
    assert (await shop.clean_up())["skipped"] is True
    shop.clock.advance(LEASE)
    assert (await shop.clean_up())["skipped"] is False
    assert await leases.renew(dead) is False


async def _full_house(shop: Shop) -> None:
    await shop.api.open()
    await shop.receive(shop.stripe_paid({"sessionId": "later", "amount": 1, "currency": "INR"}))
    old = await shop.api.open()
    await shop.receive(shop.stripe_paid(old))
    shop.pass_time(days=8)
    await shop.api.open()
    await shop.api.open(expiresAt=(shop.clock.now() + timedelta(minutes=1)).isoformat())
    shop.pass_time(minutes=2)


async def test_a_dry_run_counts_what_a_run_does_and_touches_nothing(shop: Shop) -> None:
    await _full_house(shop)
    before = await _everything(shop)
    dry = await shop.clean_up(dryRun=True)
    described = await shop.api.call("GET", "/api/cleanup-sessions", JOBS)
    assert described.json()["due"] == dry | {"tookMs": described.json()["due"]["tookMs"]}
    assert await _everything(shop) == before

    done = await shop.clean_up()
    assert (dry["dryRun"], done["dryRun"]) == (True, False)
    counted = ("expired", "eventsRetried")
    assert [done[name] for name in counted] == [dry[name] for name in counted] == [2, 1]


async def test_a_dry_run_of_a_part_counts_that_part_alone(shop: Shop) -> None:
    await _full_house(shop)
    table, figures = shop.api.container.job_table, {}
    for name in table.jobs:
        report = await run_job(name, table, operator(), dry_run=True)
        figures[name] = {field for field, value in report.figures().items() if value}
    # The message of the review: whether an endpoint hears it is asked when it is dispatched.
    assert (figures["events"], figures["outbox"]) == ({"events_retried"}, {"delivered"})
    assert figures["cleanup"] == {"expired", "events_retried", "delivered"}


async def test_the_route_is_for_the_jobs_key(shop: Shop) -> None:
    statuses = [
        (await shop.api.call("POST", "/api/cleanup-sessions", key)).status_code
        for key in (JOBS, ADMIN, SECRET, PUBLISHABLE, None)
    ]
    assert statuses == [200, 200, 403, 403, 401]
    unknown = await shop.api.call("POST", "/api/jobs/nonsense", JOBS)
    assert (unknown.status_code, unknown.json()["error"]) == (404, "job_not_found")


async def _left(shop: Shop) -> set[str]:
    return set(await shop.database["sessions"].distinct("sessionId"))


async def test_only_what_was_kept_long_enough_is_deleted(shop: Shop) -> None:
    ids = {name: (await shop.api.open())["sessionId"] for name in ("expired", "paid", "review")}
    await shop.receive(shop.stripe_paid(await shop.api.read(ids["paid"])))
    wrong = shop.stripe_paid(await shop.api.read(ids["review"]), amount_total=1)
    await shop.receive(wrong)
    shop.pass_time(minutes=31)
    assert (await shop.clean_up())["expired"] == 2

    shop.pass_time(days=6, hours=23)
    assert (await shop.clean_up())["purged"] == 0
    live = (await shop.api.open())["sessionId"]
    shop.pass_time(hours=1)
    assert (await shop.clean_up())["purged"] == 1
    assert await _left(shop) == {ids["paid"], ids["review"], live}

    shop.pass_time(days=83)
    await shop.clean_up()
    assert ids["review"] in await _left(shop)  # a person must still look
    answer = await shop.admin("POST", f"/reviews/{ids['review']}/reject", json={"reason": "no"})
    assert answer.status_code == 200
    shop.pass_time(days=8)
    await shop.clean_up()
    assert await _left(shop) == set()
    assert len(await shop.payments()) == 2  # the ledger stays


async def test_completed_sessions_are_kept_for_ever_where_it_is_asked(
    database: Database, clock: ManualClock
) -> None:
    settings = make_settings(PURGE_COMPLETED_DAYS="null")
    async with open_shop(settings, database, clock) as shop:
        session = await shop.api.open()
        await shop.receive(shop.stripe_paid(session))
        assert (await shop.session(session["sessionId"]))["purgeAt"] is None
        shop.pass_time(days=4000)
        await shop.clean_up()
        assert await _left(shop) == {session["sessionId"]}


async def test_events_are_deleted_after_their_time_and_never_while_they_wait(shop: Shop) -> None:
    paid, wrong = await shop.api.open(), await shop.api.open()
    await shop.receive(shop.stripe_paid(paid))
    await shop.receive(shop.stripe_paid(wrong, amount_total=1))
    shop.pass_time(days=89)
    await shop.receive(shop.stripe_paid({"sessionId": "later", "amount": 1, "currency": "INR"}))
    shop.pass_time(days=1)
    assert (await shop.clean_up())["eventsPurged"] == 1
    assert sorted(row["status"] for row in await shop.events()) == ["parked", "review"]


async def test_an_event_that_means_no_session_is_deleted_after_its_time(shop: Shop) -> None:
    told = await shop.api.told(shop.stripe("customer.created", {"id": "cus_1"}))
    assert told["outcome"] == "ignored"
    shop.pass_time(days=89)
    assert (await shop.clean_up())["eventsPurged"] == 0
    shop.pass_time(days=1)
    assert (await shop.clean_up())["eventsPurged"] == 1


def _unpaid(session: dict[str, Any]) -> dict[str, Any]:
    return stripe_checkout(session, payment_status="unpaid")


@pytest.mark.parametrize(
    ("payment_status", "status", "road"),
    [
        ("unpaid", "open", ["expired"]),
        ("paid", "complete", ["completed"]),
        ("unpaid", "expired", ["expired"]),
        ("unpaid", "complete", []),
    ],
)
async def test_overdue_sessions_under_way_are_asked_about(
    database: Database, clock: ManualClock, payment_status: str, status: str, road: list[str]
) -> None:
    async with fake_api() as stripe:
        settings = make_settings(STRIPE_API_BASE=stripe.base)
        async with open_shop(settings, database, clock) as shop:
            session = await shop.api.open()
            sid = session["sessionId"]
            await shop.receive(shop.stripe("checkout.session.completed", _unpaid(session)))
            intent = {"id": f"pi_{sid}", "object": "payment_intent", "created": shop.unix(9)}
            intent["status"] = "processing" if status == "complete" else "requires_payment_method"
            found = stripe_checkout(
                session,
                id=f"cs_test_{sid}".replace("-", "_"),
                status=status,
                payment_status=payment_status,
                payment_intent=intent,
            )
            await database["sessions"].update_one(
                {"sessionId": sid}, {"$set": {"providerSessionId": found["id"]}}
            )
            stripe.answer("GET", f"/v1/checkout/sessions/{found['id']}", found)
            shop.pass_time(minutes=31)
            await shop.clean_up()
            await shop.clean_up()
            stored = await shop.session(sid)
    moves = [move["to"] for move in stored["history"]]
    assert moves == ["pending", "processing", *road]
    assert completions(stored) == ("completed" in road)


async def test_sessions_that_can_not_be_asked_about_hold_up_nothing(shop: Shop) -> None:
    for number in range(3):
        session = await shop.api.open(providerSessionId=f"cs_test_{number}")
        unpaid = _unpaid(session) | {"id": f"cs_test_{number}"}
        await shop.receive(shop.stripe("checkout.session.completed", unpaid))
    gone = await shop.api.open(paymentMethod="upi")
    await shop.database["sessions"].update_many(
        {"sessionId": gone["sessionId"]}, {"$set": {"status": "processing", "provider": "upi"}}
    )
    shop.pass_time(minutes=31)
    await shop.api.open(sessionId="young")
    shop.pass_time(minutes=31)
    await shop.clean_up()
    assert (await shop.session("young"))["status"] == "expired"
    assert (await shop.session(gone["sessionId"]))["status"] == "expired"  # UPI knows no payment
    assert await shop.database["sessions"].count_documents({"status": "processing"}) == 3
    asked = await shop.database["sessions"].count_documents({"askedAt": shop.clock.now()})
    assert asked == 4


async def test_a_ttl_on_the_expiry_of_sessions_is_refused(database: Database) -> None:
    await refuse_deadly_ttl(database)
    name = await database["sessions"].create_index("expiresAt", expireAfterSeconds=0)
    try:
        with pytest.raises(Misconfigured, match=name):
            await refuse_deadly_ttl(database)
    finally:
        await database["sessions"].drop_index(name)
    await refuse_deadly_ttl(database)


async def test_the_backstop_deletes_what_is_marked_and_nothing_else(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    long_ago = now - timedelta(days=300)
    rows = [
        {"sessionId": "marked", "purgeAt": long_ago, "deletableAt": long_ago},
        {"sessionId": "just marked", "purgeAt": long_ago, "deletableAt": now - timedelta(days=2)},
        {"sessionId": "ended", "status": "expired", "purgeAt": long_ago, "deletableAt": None},
        {"sessionId": "as before", "status": "expired", "purgeAt": long_ago},
        {"sessionId": "overdue", "status": "pending", "expiresAt": long_ago, "purgeAt": None},
    ]
    extra = ("--setParameter", "ttlMonitorSleepSecs=1")
    with embedded_database(tmp_path, extra=extra) as uri:
        client = connect(uri)
        database = client["tillgate_ttl"]
        await apply_indexes(database, DOCUMENTS)
        sessions = database["sessions"]
        deletions = await sessions.watch([{"$match": {"operationType": "delete"}}])
        async with deletions, asyncio.timeout(IN_TIME):
            await sessions.insert_many(rows)
            await deletions.next()
            assert await deletions.try_next() is None
        left = await sessions.distinct("sessionId")
        assert set(left) == {row["sessionId"] for row in rows} - {"marked"}
        await client.close()
