"""Every act of a person or a key leaves a trace: a new route without one fails here."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from httpx import Response
from litestar import Litestar

from service.audit import repository
from service.core.ids import new_id
from service.notifications.alerts.operations.agree import agree
from service.notifications.alerts.operations.browse import open_alerts
from service.notifications.alerts.operations.condition import Sighting
from service.settings import Settings
from service.web.authentication import PUBLIC
from service.web.logs.clients import clients_of
from tests.audit.reminding import OF_REMINDERS
from tests.audit.subscribing import change_subscription
from tests.dashboard.operated import give_up, over, press
from tests.dashboard.pressing import press as fill_in
from tests.dashboard.signing_in import sign_in, sign_out
from tests.outbox.subscribing import DEAD, dead_letter
from tests.sessions.asking import change, payment_body, put_coupon, put_price
from tests.support.api import ADMIN, JOBS, SECRET
from tests.support.shop import Shop

Act = Callable[[Shop], Awaitable[Any]]

_SAFE = {"GET", "HEAD", "OPTIONS"}


async def _done(shop: Shop, method: str, path: str, key: str = ADMIN, **sent: Any) -> Response:
    answer = await shop.api.call(method, path, key, **sent)
    assert answer.status_code < 300, answer.text
    return answer


async def _decide(shop: Shop, verdict: str) -> None:
    session = await shop.api.open()
    told = await shop.api.told(shop.stripe_paid(session, amount_total=1))
    assert told["outcome"] == "review"
    path = f"/api/admin/reviews/{session['sessionId']}/{verdict}"
    await _done(shop, "POST", path, json={"reason": "asked the customer"})


async def _same_money(shop: Shop) -> None:
    session = await shop.api.open()
    await change(shop.api, sessionId=session["sessionId"], status="completed")
    await shop.api.told(shop.stripe_paid(session))
    path = f"/api/admin/reviews/{session['sessionId']}/same-money"
    await _done(shop, "POST", path, json={"reason": "one transfer"})


async def _by_hand(shop: Shop) -> str:
    session = await shop.api.open(paymentMethod="upi")
    await change(shop.api, sessionId=session["sessionId"], status="completed")
    return str(session["sessionId"])


async def _request_refund(shop: Shop, action: str | None = None, **sent: str) -> None:
    body = {"sessionId": await _by_hand(shop), "reason": "asked"}
    made = await _done(shop, "POST", "/api/payment/request-refund", SECRET, json=body)
    if action is not None:
        sent |= {"refundId": made.json()["refund"]["refundId"], "action": action}
        await _done(shop, "POST", "/api/payment/admin/process-refund", json=sent)


async def _refund(shop: Shop) -> None:
    path = f"/api/payments/hand:default:{await _by_hand(shop)}/refunds"
    await _done(shop, "POST", path, json={"reason": "asked", "bankReference": "UTR 1"})


async def _reject_and_refund(shop: Shop) -> None:
    session = await shop.api.open()
    await shop.api.told(shop.stripe_paid(session, amount_total=1))
    path = f"/api/admin/reviews/{session['sessionId']}/reject-and-refund"
    await _done(shop, "POST", path, json={"reason": "asked the customer"})


async def _replay(shop: Shop) -> None:
    session = await shop.api.open()
    await shop.api.told(shop.stripe_paid(session))
    event = (await shop.events(sessionId=session["sessionId"]))[0]["_id"]
    await _done(shop, "POST", f"/api/admin/webhook-events/{event}/replay")


async def _redeliver(shop: Shop) -> None:
    await dead_letter(shop)
    await _done(shop, "POST", f"/api/admin/deliveries/{DEAD}/redeliver")


async def _close_alert(shop: Shop) -> None:
    await agree("storage_full", [Sighting("Full.", new_id("disk"))], shop.clock.now(), None)
    [alert] = await open_alerts(None, 1)
    await _done(shop, "POST", f"/api/admin/alerts/{alert.id}/close", json={"reason": "known"})


async def _close_on_its_page(shop: Shop) -> None:
    await agree("storage_full", [Sighting("Full.", new_id("disk"))], shop.clock.now(), None)
    [alert] = await open_alerts(None, 1)
    await sign_in(shop.api.http)
    here = "/dashboard/alerts"
    await fill_in(shop.api.http, here, f"{here}/close", id=alert.id, reason="known")


async def _endpoint(shop: Shop, method: str = "", act: str = "", **sent: Any) -> None:
    hook = {"url": "http://127.0.0.1:9/hook", "events": ["*"]}
    added = await _done(shop, "POST", "/api/webhook-endpoints", json=hook)
    if method:
        path = f"/api/webhook-endpoints/{added.json()['endpoint']['id']}{act}"
        await _done(shop, method, path, **({"json": sent} if sent else {}))


async def _template(shop: Shop, *, reset: bool = False) -> None:
    path = "/api/admin/mail/templates/completed"
    await _done(shop, "PUT", path, json={"subject": "Paid: {{ amount }}"})
    if reset:
        await _done(shop, "DELETE", path)


async def _bounce(shop: Shop, *, lift: bool = False) -> None:
    email = f"{new_id('a').lower()}@b.example"
    await _done(shop, "POST", "/api/admin/mail/suppressions", json={"email": email})
    if lift:
        await _done(shop, "POST", "/api/admin/mail/suppressions/lift", json={"email": email})


async def _move(shop: Shop, status: str, **fields: Any) -> None:
    session = await shop.api.open(**fields)
    answer = await change(shop.api, sessionId=session["sessionId"], status=status)
    assert answer.status_code == 200, answer.text
    if status == "failed":
        await change(shop.api, sessionId=session["sessionId"], status="pending")


async def _metadata(shop: Shop) -> None:
    session = await shop.api.open()
    await change(shop.api, sessionId=session["sessionId"], metadata={"color": "red"})


async def _cleanup(shop: Shop, path: str, key: str) -> None:
    await shop.api.open()
    shop.pass_time(days=1)
    await _done(shop, "POST", path, key)


async def _free(shop: Shop) -> None:
    await put_price(shop.api, "gold", 100)
    await put_coupon(shop.api, "ALL", basisPoints=10_000)
    body = {"userId": "u", "email": "a@b.example", "plan": "gold", "provider": "stripe"}
    await _done(
        shop, "POST", "/api/payments/create-checkout", SECRET, json=body | {"couponCode": "ALL"}
    )


async def _lead(shop: Shop) -> str:
    sent = {"planName": "gold", "amount": "1"}
    left = await _done(shop, "POST", "/api/payment-intent", json=sent)
    return str(left.json()["data"]["paymentIntentId"])


async def _delete_lead(shop: Shop) -> None:
    await _done(shop, "DELETE", f"/api/payment-intent/{await _lead(shop)}")


async def _clean_leads(shop: Shop, method: str, **sent: Any) -> None:
    await _lead(shop)
    shop.pass_time(days=366)
    await _done(shop, method, "/api/payment-intent/cleanup", **sent)


async def _catalog(shop: Shop, kind: str, name: str, body: dict[str, Any]) -> None:
    await _done(shop, "PUT", f"/api/admin/{kind}/{name}", json=body)


async def _remove(shop: Shop, kind: str, name: str, body: dict[str, Any]) -> None:
    await _catalog(shop, kind, name, body)
    query = "?currency=USD" if kind == "prices" else ""
    await _done(shop, "DELETE", f"/api/admin/{kind}/{name}{query}")


async def _leave(shop: Shop) -> None:
    await sign_in(shop.api.http)
    await sign_out(shop.api.http)


async def _operate(shop: Shop, act: str, about: str = "events") -> None:
    await sign_in(shop.api.http)
    answer = await press(shop.api.http, act, about)
    assert answer.status_code == 303, answer.text
    await over(shop.api.container.job_table)


async def _give_up_and_redeliver(shop: Shop) -> None:
    given_up = new_id("m")
    await give_up(shop.database, shop.clock, given_up)
    await _operate(shop, "redeliver", f"{given_up}:test")


async def _merchant(shop: Shop, *acts: str) -> None:
    body = {"name": "Alpha", "zone": "Asia/Kolkata"}
    await _done(shop, "PUT", "/api/admin/merchants/alpha", json=body)
    for act in acts:
        await _done(shop, "POST", f"/api/admin/merchants/alpha/{act}", json={"reason": "asked"})


_PRICE, _COUPON = {"amount": 100, "currency": "USD"}, {"basisPoints": 100}
_MERCHANT = {"name": "Ours", "zone": "UTC"}

ACTS: dict[str, list[tuple[Act, set[str]]]] = {
    "Login.enter": [
        (lambda shop: sign_in(shop.api.http), {"dashboard.signed_in"}),
        (lambda shop: sign_in(shop.api.http, "ak_nobody"), {"dashboard.sign_in_refused"}),
    ],
    "Login.leave": [(_leave, {"dashboard.signed_in", "dashboard.signed_out"})],
    "OperationsPages.run": [(lambda shop: _operate(shop, "run"), {"job.ran"})],
    "OperationsPages.pause": [(lambda shop: _operate(shop, "pause"), {"job.paused"})],
    "OperationsPages.resume": [(lambda shop: _operate(shop, "resume"), {"job.resumed"})],
    "OperationsPages.redeliver": [(_give_up_and_redeliver, {"delivery.redelivered"})],
    "PaymentSessions.change": [
        (lambda shop: _move(shop, "completed"), {"session.settled_by_hand"}),
        (lambda shop: _move(shop, "canceled"), {"session.moved_by_hand"}),
        (lambda shop: _move(shop, "failed"), {"session.moved_by_hand"}),
        (_metadata, {"session.metadata_changed"}),
    ],
    "CheckoutSessions.create_checkout": [
        (_free, {"price.set", "coupon.set", "session.completed_free"})
    ],
    "AdminReviews.accept": [(lambda shop: _decide(shop, "accept"), {"review.accepted"})],
    "AdminReviews.reject": [(lambda shop: _decide(shop, "reject"), {"review.rejected"})],
    "AdminReviews.reject_and_refund": [
        (_reject_and_refund, {"review.rejected", "refund.approved"})
    ],
    "Subscriptions.cancel": [
        (
            lambda shop: change_subscription(shop, "cancel-subscription"),
            {"subscription.cancel_at_period_end"},
        ),
        (
            lambda shop: change_subscription(shop, "cancel-subscription", atPeriodEnd=False),
            {"subscription.cancel_now"},
        ),
    ],
    "Subscriptions.reactivate": [
        (
            lambda shop: change_subscription(shop, "reactivate-subscription"),
            {"subscription.reactivate"},
        )
    ],
    "Subscriptions.change_plan": [
        (
            lambda shop: change_subscription(shop, "change-plan", plan="premium"),
            {"subscription.change_plan"},
        )
    ],
    "Refunds.request": [
        (_request_refund, {"session.settled_by_hand", "refund.requested"}),
    ],
    "Refunds.process": [
        (
            lambda shop: _request_refund(shop, "deny", adminReason="no"),
            {"session.settled_by_hand", "refund.requested", "refund.denied"},
        ),
        (
            lambda shop: _request_refund(shop, "approve", bankReference="UTR 2"),
            {"session.settled_by_hand", "refund.requested", "refund.made_by_hand"},
        ),
    ],
    "Refunds.make": [(_refund, {"session.settled_by_hand", "refund.made_by_hand"})],
    "AdminReviews.same_money": [(_same_money, {"review.same_money"})],
    "AdminWebhooks.replay": [(_replay, {"event.replayed"})],
    "AlertPages.close": [(_close_on_its_page, {"alert.closed"})],
    "AdminAlerts.close": [(_close_alert, {"alert.closed"})],
    "AdminDeliveries.again": [(_redeliver, {"delivery.redelivered"})],
    "WebhookEndpoints.add": [(_endpoint, {"endpoint.added"})],
    "WebhookEndpoints.change": [
        (lambda shop: _endpoint(shop, "PATCH", enabled=False), {"endpoint.changed"})
    ],
    "WebhookEndpoints.remove": [(lambda shop: _endpoint(shop, "DELETE"), {"endpoint.removed"})],
    "WebhookEndpoints.test": [(lambda shop: _endpoint(shop, "POST", "/test"), {"endpoint.tested"})],
    "WebhookEndpoints.rotate": [
        (lambda shop: _endpoint(shop, "POST", "/rotate"), {"endpoint.secret_rotated"})
    ],
    "WebhookEndpoints.resend": [
        (
            lambda shop: _endpoint(shop, "POST", "/resend", since="2026-01-01T00:00:00Z"),
            {"endpoint.resent"},
        )
    ],
    **OF_REMINDERS,
    "AdminMailTemplates.set": [(_template, {"mail.template_set"})],
    "AdminMailTemplates.reset": [
        (lambda shop: _template(shop, reset=True), {"mail.template_reset"})
    ],
    "AdminSuppressions.bounced": [(_bounce, {"mail.suppressed"})],
    "AdminSuppressions.lift": [
        (lambda shop: _bounce(shop, lift=True), {"mail.suppression_lifted"})
    ],
    "Cleanup.run": [
        (lambda shop: _cleanup(shop, "/api/cleanup-sessions", JOBS), {"job.ran"}),
        (lambda shop: _done(shop, "POST", "/api/cleanup-sessions"), {"job.ran"}),
    ],
    "IntentCleanup.remove": [(_delete_lead, {"intent.deleted"})],
    "IntentCleanup.clean_up": [
        (lambda shop: _clean_leads(shop, "POST", json={"dryRun": False}), {"intents.cleaned"})
    ],
    "IntentCleanup.emergency": [
        (lambda shop: _clean_leads(shop, "DELETE", params={"confirm": "yes"}), {"intents.cleaned"})
    ],
    "NamedJobs.run": [(lambda shop: _done(shop, "POST", "/api/jobs/events"), {"job.ran"})],
    "AdminMerchants.set": [
        (_merchant, {"merchant.added"}),
        (
            lambda shop: _done(shop, "PUT", "/api/admin/merchants/default", json=_MERCHANT),
            {"merchant.changed"},
        ),
    ],
    "AdminMerchants.suspend": [
        (lambda shop: _merchant(shop, "suspend"), {"merchant.suspended"}),
    ],
    "AdminMerchants.resume": [(lambda shop: _merchant(shop, "resume"), {"merchant.resumed"})],
    "Catalog.put_price": [(lambda shop: _catalog(shop, "prices", "x", _PRICE), {"price.set"})],
    "Catalog.delete_price": [
        (lambda shop: _remove(shop, "prices", "y", _PRICE), {"price.set", "price.removed"})
    ],
    "Catalog.put_coupon": [(lambda shop: _catalog(shop, "coupons", "X", _COUPON), {"coupon.set"})],
    "Catalog.delete_coupon": [
        (lambda shop: _remove(shop, "coupons", "Y", _COUPON), {"coupon.set", "coupon.removed"})
    ],
}
"""Handler -> what somebody does with it, and what the audit must then have of it."""

ELSEWHERE = {
    "PaymentSessions.create": "the session's own history says who opened it (asserted below)",
    "CheckoutSessions.create": "the session's own history says who opened it",
    "CheckoutSessions.change": "the same operation as PaymentSessions.change",
    "Verification.verify": "only asks: what the provider says is an event in the inbox",
    "Intents.leave": "the lead itself says when it came and from where: it is no act of a key",
    "IntentQueries.query": "changes nothing: its filters are too long for an address",
    "TrackedEvents.track": "a series of counts beside the ledger, which tells of no act",
    "Quotes.ask": "writes nothing: a quote is signed, not stored",
    "PaymentPages.refund": "the same operation as Refunds.make",
    "SubscriptionPages.change": "the same operations as Subscriptions",
    **dict.fromkeys(("RefundPages.approve", "RefundPages.deny"), "as Refunds.process"),
    "ReviewPages.decide": "the same operation as AdminReviews",
    **{
        f"EndpointPages.{act}": "the same operation as WebhookEndpoints"
        for act in ("add", "rotate", "test", "resend", "missed", "switch", "remove")
    },
    "AdminRecovery.send": "needs a session that was left: tests/recovery/test_by_hand.py",
    "AdminMail.again": "needs a mail server: tests/notifications/mail/test_page.py",
    "MailPages.again": "the same operation as AdminMail.again",
    **dict.fromkeys(("RecoveryPages.pause", "RecoveryPages.send"), "as AdminRecovery"),
    "AdminMailTemplates.preview": "changes nothing: it fills a template in",
}
"""Handlers whose trace stands elsewhere, and where. Opening is the measured path: no write more."""


def _handlers(app: Litestar) -> Iterator[tuple[str, Any]]:
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            ours = PUBLIC not in handler.opt or route.path.startswith("/dashboard")
            if ours and not _SAFE >= set(handler.http_methods):
                yield handler.fn.__qualname__, handler


async def _traceless(shop: Shop, clients: set[str]) -> list[str]:
    """Do everything once; return what the audit does not have, or has without its actor."""
    missing: list[str] = []
    for name, acts in ACTS.items():
        for number, (act, wanted) in enumerate(acts):
            before = await shop.database["audit_log"].count_documents({})
            await act(shop)
            rows = await shop.database["audit_log"].find().sort("_id", 1).skip(before).to_list()
            told = {row["action"] for row in rows if row["actor"] and row["client"] in clients}
            missing += [f"{name} {number}: {sorted(wanted - told)}"] if wanted - told else []
    return missing


@pytest.fixture
def clients(settings: Settings) -> set[str]:
    """The names that the test's own address may have in the trail."""
    return {clients_of(settings).name("127.0.0.1")}


def test_every_handler_that_changes_something_is_in_one_of_the_tables(app: Litestar) -> None:
    found = {name for name, _ in _handlers(app)}
    assert found == set(ACTS) | set(ELSEWHERE)
    assert not set(ACTS) & set(ELSEWHERE)


async def test_every_act_over_http_leaves_an_entry_with_its_actor_and_where_from(
    shop: Shop, clients: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await _traceless(shop, clients) == []
    opened = await shop.api.open(**payment_body(sessionId="opened", paymentMethod="stripe"))
    assert (await shop.session(opened["sessionId"]))["history"][0]["by"] == "secret:server"

    async def nothing(*_: object) -> None: ...

    monkeypatch.setattr(repository, "append", nothing)  # the control
    shop.pass_time(minutes=2)
    assert len(await _traceless(shop, clients)) == sum(len(acts) for acts in ACTS.values())


async def test_a_hand_that_moves_a_session_says_from_where_to_where_and_why(shop: Shop) -> None:
    session = await shop.api.open()
    sid = session["sessionId"]
    for status in ("failed", "pending", "canceled"):
        answer = await change(shop.api, sessionId=sid, status=status, reason=f"it {status}")
        assert answer.status_code == 200, answer.text
    found = shop.database["audit_log"].find({"object": f"session:{sid}"}).sort("_id", 1)
    told = [(row["actor"], row["detail"], row["reason"]) async for row in found]
    assert told == [
        ("secret:server", {"from": "pending", "to": "failed"}, "it failed"),
        ("secret:server", {"from": "failed", "to": "pending"}, "it pending"),
        ("secret:server", {"from": "pending", "to": "canceled"}, "it canceled"),
    ]


async def test_a_cron_job_that_found_nothing_to_do_leaves_no_entry(shop: Shop) -> None:
    await _done(shop, "POST", "/api/cleanup-sessions", JOBS)
    await _done(shop, "POST", "/api/cleanup-sessions?dryRun=true", ADMIN)
    assert await shop.database["audit_log"].count_documents({}) == 0
    await _done(shop, "POST", "/api/cleanup-sessions", ADMIN)  # the control: a person is told of
    assert await shop.database["audit_log"].count_documents({}) == 1
