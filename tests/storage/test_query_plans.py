"""Every query of every route is served by an index: the database's own profiler says so."""

import asyncio
from datetime import timedelta
from typing import Any

from service.core.clock import ManualClock
from service.settings import Settings
from service.storage.database import Database, Row
from tests.dashboard.operated import give_up
from tests.sessions.asking import change, checkout_body, payment_body, put_coupon, put_price
from tests.support.api import ADMIN, JOBS, PUBLISHABLE, SECRET, Api
from tests.support.events import (
    Delivery,
    razorpay_event,
    razorpay_payment,
    stripe_checkout,
    stripe_event,
)
from tests.support.profiled import profiled

# Collections that may be read whole, and why.
_MAY_BE_SCANNED = {
    "subscribers": "a row for each topic that a subscriber hears, and all of them are asked for",
    "webhook_rejections": "capped at 4 MB, and only ever read from its end or counted by a person",
}


def _scans(done: list[Row]) -> list[tuple[str, Any]]:
    return [
        (row["ns"], row.get("command"))
        for row in done
        if "COLLSCAN" in row.get("planSummary", "")
        and row["ns"].partition(".")[2] not in _MAY_BE_SCANNED
    ]


async def _call(api: Api, method: str, path: str, key: str = SECRET, **options: Any) -> Any:
    answer = await api.call(method, path, key, **options)
    assert answer.status_code < 500 or answer.status_code in {502, 504}, answer.text
    return answer


async def _use_sessions(api: Api) -> None:
    await put_price(api, "gold", 100)
    await put_coupon(api, "ADVENT", basisPoints=100)
    await _call(api, "POST", "/api/payment-sessions", json=payment_body())
    await _call(api, "POST", "/api/payment-sessions", json=payment_body())
    body = checkout_body(plan="gold", amount=None, couponCode="ADVENT")
    opened = await _call(api, "POST", "/api/checkout-sessions", PUBLISHABLE, json=body)
    await _call(api, "POST", "/api/checkout-sessions", json=body)
    await _call(api, "POST", "/api/payments/create-checkout", json=body)
    named = {"sessionId": opened.json()["session"]["sessionId"]}
    await _call(api, "POST", "/api/payment/verify-checkout-session", json=named)
    await _call(api, "POST", "/api/payment/verify-checkout-session", json={"sessionId": "cs_1"})
    await _call(api, "GET", f"/api/payment-sessions/{named['sessionId']}/timeline")
    await _call(api, "GET", "/api/checkout-sessions?userId=user_123")
    headers = {"Idempotency-Key": "k"}
    fresh = payment_body(sessionId=None)
    await _call(api, "POST", "/api/payment-sessions", json=fresh, headers=headers)
    listed = "/api/payment-sessions?userId=user_123&limit=1"
    for status in ("", "&status=expired", "&status=pending", "&status=completed"):
        page = (await _call(api, "GET", listed + status)).json()
        if page["nextCursor"]:
            await _call(api, "GET", f"{listed}{status}&cursor={page['nextCursor']}")
    await change(api, **named, metadata={"a": 1})
    await change(api, **named, status="canceled")
    await change(api, sessionId=payment_body()["sessionId"], status="completed")


def _paid(session: dict[str, Any], clock: ManualClock, **fields: Any) -> Delivery:
    found = stripe_checkout(session, **fields)
    signed_at = int(clock.now().timestamp())
    return stripe_event("checkout.session.completed", found, signed_at=signed_at)


async def _use_webhooks(api: Api, clock: ManualClock) -> None:
    session = await api.open(sessionId="paid")
    paid = _paid(session, clock)
    assert (await api.told(paid))["outcome"] == "processed"
    assert (await api.told(paid))["duplicate"]
    wrong = await api.open(sessionId="wrong")
    assert (await api.told(_paid(wrong, clock, amount_total=1)))["outcome"] == "review"
    held = await api.open(sessionId="held", paymentMethod="razorpay")
    payment = razorpay_payment(held, status="authorized")
    await api.deliver(razorpay_event("payment.authorized", {"payment": payment}))
    nobodys = session | {"sessionId": "nobodys"}
    assert (await api.told(_paid(nobodys, clock)))["outcome"] == "parked"
    await api.http.post("/api/webhooks/stripe", content=b"{}", headers={"stripe-signature": "x"})
    events = (await _call(api, "GET", "/api/admin/webhook-events", ADMIN)).json()["events"]
    for query in ("status=processed", "type=x", "provider=stripe", "sessionId=paid", "limit=1"):
        page = (await _call(api, "GET", f"/api/admin/webhook-events?{query}", ADMIN)).json()
        if page["nextCursor"]:
            after = f"{query}&cursor={page['nextCursor']}"
            await _call(api, "GET", f"/api/admin/webhook-events?{after}", ADMIN)
    replayed = f"/api/admin/webhook-events/{events[0]['id']}/replay"
    await _call(api, "POST", replayed, ADMIN)
    await _call(api, "GET", "/api/admin/reviews", ADMIN)
    await _call(api, "GET", "/api/admin/webhook-rejections", ADMIN)
    await _call(api, "POST", "/api/admin/reviews/wrong/accept", ADMIN)


async def _use_deliveries(api: Api, database: Database, clock: ManualClock) -> None:
    await give_up(database, clock, *(f"session.completed:{n}" for n in range(3)))
    listed = "/api/admin/deliveries?limit=1"
    for query in ("", "&status=pending", "&subscriber=test", "&merchant=default"):
        page = (await _call(api, "GET", listed + query, ADMIN)).json()
        if page["nextCursor"]:
            await _call(api, "GET", f"{listed}{query}&cursor={page['nextCursor']}", ADMIN)
    path = f"/api/admin/deliveries/{page['deliveries'][0]['id']}/redeliver"
    assert (await _call(api, "POST", path, ADMIN)).status_code == 200


async def _use_merchants(api: Api) -> None:
    for name in ("alpha", "beta"):
        body = {"name": name, "zone": "UTC"}
        await _call(api, "PUT", f"/api/admin/merchants/{name}", ADMIN, json=body)
    page = (await _call(api, "GET", "/api/admin/merchants?limit=1", ADMIN)).json()
    await _call(api, "GET", f"/api/admin/merchants?cursor={page['nextCursor']}", ADMIN)
    await _call(api, "GET", "/api/admin/merchants/alpha", ADMIN)
    why = {"reason": "asked"}
    for act in ("suspend", "resume"):
        path = f"/api/admin/merchants/alpha/{act}"
        assert (await _call(api, "POST", path, ADMIN, json=why)).status_code == 200


async def _use_the_rest(api: Api, clock: ManualClock) -> None:
    for query in ("", "?object=session:s", "?actor=a", "?from=2026-11-01T00:00:00Z", "?limit=1"):
        await _call(api, "GET", f"/api/admin/audit{query}", ADMIN)
    await _call(api, "GET", "/api/admin/prices", ADMIN)
    await _call(api, "DELETE", "/api/admin/prices/gold?currency=USD", ADMIN)
    await _call(api, "DELETE", "/api/admin/coupons/ADVENT", ADMIN)
    await api.settle()
    for days in (2, 10, 100):
        clock.advance(timedelta(days=days))
        await _call(api, "GET", "/api/cleanup-sessions", JOBS)
        await _call(api, "POST", "/api/cleanup-sessions", JOBS)
        await _call(api, "POST", "/api/jobs/outbox", JOBS)
        await _call(api, "POST", "/api/jobs/events", JOBS)
        await _call(api, "GET", "/api/jobs", JOBS)


async def test_no_route_and_no_job_reads_a_collection_whole(
    api: Api, database: Database, clock: ManualClock, settings: Settings
) -> None:
    async with profiled(database) as done:
        await _use_sessions(api)
        await _use_webhooks(api, clock)
        await _use_deliveries(api, database, clock)
        await _use_merchants(api)
        await _use_the_rest(api, clock)
    assert sum("planSummary" in row for row in done) > 100  # the profiler did watch
    assert _scans(done) == []


async def test_a_page_is_read_in_the_order_of_its_index(
    api: Api, database: Database, clock: ManualClock
) -> None:
    """A list that is sorted in memory costs the more the longer it is, wherever the page stands."""
    for number in range(3):
        await api.open(sessionId=f"s-{number}")
    await give_up(database, clock, "session.completed:1", "session.completed:2")
    async with profiled(database) as done:
        await _call(api, "GET", "/api/payment-sessions?userId=user_123&limit=1")
        await _call(api, "GET", "/api/admin/deliveries?limit=1", ADMIN)
        await _call(api, "GET", "/api/admin/merchants", ADMIN)
        await _call(api, "GET", "/api/checkout-sessions?userId=user_123")
        await _call(api, "GET", "/api/admin/audit", ADMIN)
        await _call(api, "GET", "/api/admin/audit?object=session:s-1", ADMIN)
        await _call(api, "GET", "/api/admin/audit?actor=secret:server", ADMIN)
        await _call(api, "GET", "/api/admin/webhook-events", ADMIN)
        await _call(api, "GET", "/api/admin/webhook-events?status=parked", ADMIN)
        await _call(api, "GET", "/api/admin/prices", ADMIN)
    assert [row["command"] for row in done if row.get("hasSortStage")] == []


async def test_a_group_of_events_reads_no_document_that_it_does_not_ask_for(
    api: Api, database: Database, clock: ManualClock
) -> None:
    """What a query over several collections plans inside is told by what it has looked at alone."""
    async with asyncio.TaskGroup() as opening:
        made = [opening.create_task(api.open(sessionId=f"s-{number}")) for number in range(40)]
    opened = [one.result() for one in made]
    paid = [_paid(one, clock) for one in opened]
    await asyncio.gather(*(api.deliver(one) for one in paid[:20]))
    async with profiled(database) as done:
        await asyncio.gather(*(api.deliver(one) for one in paid[15:35]))
    asked = [row for row in done if "aggregate" in row.get("command", {})]
    assert asked
    for row in asked:
        assert len(row["command"]["pipeline"]) == 4
        assert row["docsExamined"] <= 20 + 3 * 5  # the sessions, and what is known of five of them
        assert row["keysExamined"] <= 200


async def test_the_profiler_does_see_a_scan(database: Database) -> None:
    """The control: without it the tests above could watch nothing."""
    async with profiled(database) as done:
        await database["sessions"].find_one({"amount": 1})
    assert [namespace for namespace, _ in _scans(done)] == ["tillgate_test.sessions"]
