"""Calls are recorded: at each provider, of each session, with what came of them, and no secret."""

import asyncio
from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from litestar import Litestar
from litestar.types import Receive, Scope, Send

from service.core.clock import ManualClock
from service.providers.phonepe.settings import PhonePeSettings
from service.storage.database import Database
from tests.sandbox.lab import STRIPE_KEY, Lab
from tests.support.patience import IN_TIME
from tests.support.settings import PUBLISHABLE, SECRET, VARIABLES
from tests.web.serving import serving
from tillgate_sandbox.calls.documents import SandboxCall
from tillgate_sandbox.calls.recording import recording
from tillgate_sandbox.calls.repository import calls_of
from tillgate_sandbox.playing import happen
from tillgate_sandbox.states import Happening

Shown = tuple[str | None, str, str, int | None]


def shown(calls: Sequence[SandboxCall]) -> list[Shown]:
    """Return what a timeline tells of calls."""
    return [(call.provider, call.method, call.path, call.status) for call in calls]


async def wire_calls(session_id: str) -> list[SandboxCall]:
    """Return the calls to providers about a session."""
    return [call for call in await calls_of(session_id) if call.provider is not None]


async def all_calls() -> list[dict[str, Any]]:
    """Return every row."""
    return await SandboxCall.get_pymongo_collection().find({}).to_list()


async def test_every_call_of_a_stripe_purchase_is_recorded(lab: Lab) -> None:
    opened, checkout = await lab.open()
    session_id = opened["sessionId"]
    await happen(checkout, Happening.DELAYED, lab.sandbox)
    body = {"sessionId": session_id}
    await lab.api.call("POST", "/api/payment/verify-checkout-session", json=body)

    calls = await wire_calls(session_id)

    assert shown(calls) == [
        ("stripe", "POST", "/v1/checkout/sessions", 200),
        ("stripe", "GET", f"/v1/checkout/sessions/{checkout.id}", 200),
    ]
    assert calls[0].idempotency_key == f"tillgate:default:{session_id}:1"
    assert all(0 < call.latency_ms < 5000 for call in calls)
    assert all(call.at == lab.sandbox.clock.now() and call.heard for call in calls)


async def test_every_call_of_a_razorpay_purchase_is_recorded(lab: Lab) -> None:
    opened, checkout = await lab.open(paymentMethod="razorpay", currency="INR")
    held = await happen(checkout, Happening.AUTHORIZED, lab.sandbox)
    await lab.deliver_all()
    await lab.api.settle()
    await lab.deliver_all()

    calls = await wire_calls(opened["sessionId"])

    paid = f"/v1/payments/{held.payments[0].id}"
    assert shown(calls)[0] == ("razorpay", "POST", "/v1/orders", 200)
    assert ("razorpay", "POST", f"{paid}/capture", 200) in shown(calls)
    assert (await lab.api.read(opened["sessionId"]))["status"] == "completed"


async def test_every_call_of_a_phonepe_purchase_is_recorded_with_the_token_it_took(
    lab: Lab,
) -> None:
    opened, checkout = await lab.open(paymentMethod="phonepe", currency="INR")
    await happen(checkout, Happening.PAID, lab.sandbox)
    await lab.deliver_all()

    calls = await wire_calls(opened["sessionId"])

    assert sorted(shown(calls), key=str) == [
        ("phonepe", "GET", f"/checkout/v2/order/{checkout.id}/status", 200),
        ("phonepe", "POST", "/checkout/v2/pay", 200),
        ("phonepe", "POST", "/v1/oauth/token", 200),
    ]
    assert len({call.grant for call in calls}) == 1


async def test_nothing_of_another_session_is_recorded_and_a_token_is_the_firsts(lab: Lab) -> None:
    fields = {"paymentMethod": "phonepe", "currency": "INR"}
    first, _ = await lab.open(**fields)
    second, _ = await lab.open(**fields, userId="user_124")

    assert [call.path for call in await wire_calls(second["sessionId"])] == ["/checkout/v2/pay"]
    assert len(await wire_calls(first["sessionId"])) == 2
    for opened in (first, second):
        assert {call.session_id for call in await calls_of(opened["sessionId"])} == {
            opened["sessionId"]
        }


async def test_refund_and_expiry_find_their_session_by_the_providers_ids(lab: Lab) -> None:
    opened, checkout = await lab.open()
    paid = await happen(checkout, Happening.PAID, lab.sandbox)
    async with httpx.AsyncClient(
        base_url=f"{lab.address}/sandbox/stripe", auth=(STRIPE_KEY, "")
    ) as stripe:
        refund = await stripe.post(
            "/v1/refunds",
            data={"payment_intent": paid.payments[0].id},
            headers={"Idempotency-Key": "refund-1"},
        )
        await stripe.get(f"/v1/refunds/{refund.json()['id']}")
        await stripe.post(f"/v1/checkout/sessions/{checkout.id}/expire")

    refunded, read, refused = (await wire_calls(opened["sessionId"]))[1:]

    assert (refunded.path, refunded.idempotency_key) == ("/v1/refunds", "refund-1")
    assert read.path == f"/v1/refunds/{refund.json()['id']}"
    assert (refused.status, refused.error) == (400, "invalid_request_error")


async def test_calls_that_a_provider_refuses_are_recorded_with_the_reason(lab: Lab) -> None:
    async with httpx.AsyncClient(base_url=f"{lab.address}/sandbox", timeout=IN_TIME) as anybody:
        named = {"metadata[sessionId]": "ps_a"}
        await anybody.post("/stripe/v1/checkout/sessions", data=named)
        notes = {"notes": {"sessionId": "ps_b"}}
        await anybody.post("/razorpay/v1/orders", json=notes)
        udf = {"metaInfo": {"udf1": "ps_c"}}
        await anybody.post("/phonepe/checkout/v2/pay", json=udf)
        await anybody.get("/razorpay/v1/nothing")

    told = [
        (*shown([call])[0], call.error) for name in "abc" for call in await calls_of(f"ps_{name}")
    ]
    assert told == [
        ("stripe", "POST", "/v1/checkout/sessions", 401, "invalid_request_error"),
        ("razorpay", "POST", "/v1/orders", 401, "Authentication failed"),
        ("phonepe", "POST", "/checkout/v2/pay", 401, "AUTHORIZATION_FAILED"),
    ]
    (unknown,) = [row for row in await all_calls() if row["sessionId"] is None]
    assert (unknown["path"], unknown["status"]) == ("/v1/nothing", 404)


async def test_calls_to_the_service_are_recorded_with_the_kind_of_the_caller(lab: Lab) -> None:
    opened, _ = await lab.open()
    session_id, api = opened["sessionId"], lab.api
    path = f"/api/payment-sessions/{session_id}"
    browser = {"X-Client-Secret": opened["clientSecret"], "X-Request-Id": "from-the-browser"}
    await api.call("GET", path, PUBLISHABLE, headers=browser)
    await api.call("GET", "/api/payment-sessions", params={"sessionId": session_id})
    await api.call("GET", path, "sk_test_that_nobody_ever_issued")
    change = {"sessionId": session_id, "metadata": {"a": "b"}}
    await api.call("PATCH", "/api/payment-sessions", json=change)
    await api.call("PATCH", "/api/payment-sessions", json=change | {"status": "canceled"})

    calls = [call for call in await calls_of(session_id) if call.provider is None]

    assert [(call.method, call.path, call.status, call.caller) for call in calls] == [
        ("POST", "/api/payments/create-checkout", 201, "secret"),
        ("GET", path, 200, "publishable"),
        ("GET", "/api/payment-sessions", 200, "secret"),
        ("GET", path, 401, None),
        ("PATCH", "/api/payment-sessions", 200, "secret"),
        ("PATCH", "/api/payment-sessions", 200, "secret"),
    ]
    assert calls[1].request_id == "from-the-browser"
    assert calls[3].error == "invalid_api_key"


async def test_session_that_a_provider_knows_by_its_own_id_is_found(lab: Lab) -> None:
    opened, checkout = await lab.open()
    body = {"sessionId": checkout.id}
    await lab.api.call("POST", "/api/payment/verify-checkout-session", None, json=body)

    refused = (await calls_of(opened["sessionId"]))[-1]

    assert (refused.path, refused.status) == ("/api/payment/verify-checkout-session", 401)


async def test_what_touches_no_session_and_webhooks_are_not_calls(lab: Lab) -> None:
    opened, checkout = await lab.open()
    before = len(await all_calls())
    await happen(checkout, Happening.PAID, lab.sandbox)
    await lab.deliver_all()
    await lab.api.call("GET", "/api/payment-sessions", params={"userId": "user_123"})
    await lab.api.call("GET", "/api/nothing")
    forged = {"sessionId": opened["sessionId"]}
    await lab.api.call("POST", "/api/webhooks/stripe", None, json=forged)
    await lab.api.http.get(f"/sandbox/pay/{checkout.page_id}")
    await lab.api.http.options(f"/api/payment-sessions/{opened['sessionId']}")

    assert len(await all_calls()) == before


async def test_no_secret_is_kept(lab: Lab) -> None:
    secrets = [SECRET, PUBLISHABLE, STRIPE_KEY, "ada@example.com"]
    # Not every variable whose name ends so is a secret: a limit "per key" is a number.
    named = [name for name in VARIABLES if name.endswith(("SECRET", "KEY"))]
    secrets += [VARIABLES[name] for name in named if not VARIABLES[name].isdecimal()]
    for provider in ("stripe", "razorpay", "phonepe"):
        fields = {"paymentMethod": provider, "currency": "INR", "email": "ada@example.com"}
        opened, checkout = await lab.open(**fields, userId=f"user_{provider}")
        secrets.append(opened["clientSecret"])
        await happen(checkout, Happening.PAID, lab.sandbox)
        await lab.deliver_all()
        headers = {"X-Client-Secret": opened["clientSecret"], "Idempotency-Key": SECRET}
        query = {"sessionId": opened["sessionId"], "clientSecret": opened["clientSecret"]}
        path = "/api/payment-sessions"
        await lab.api.call("GET", path, PUBLISHABLE, headers=headers, params=query)
    async with httpx.AsyncClient(base_url=f"{lab.address}/sandbox", timeout=IN_TIME) as anybody:
        credentials = {
            "grant_type": "client_credentials",
            "client_id": lab.sandbox.settings.of(PhonePeSettings).client_id,
            "client_secret": lab.sandbox.settings.of(PhonePeSettings).client_secret,
            "client_version": lab.sandbox.settings.of(PhonePeSettings).client_version,
        }
        issued = await anybody.post("/phonepe/v1/oauth/token", data=credentials)
        secrets.append(issued.json()["access_token"])
        await anybody.post(
            "/stripe/v1/checkout/sessions",
            headers={"Authorization": f"Bearer {SECRET}", "Idempotency-Key": SECRET},
        )

    kept = str(await all_calls())

    assert "'/v1/oauth/token'" in kept
    assert [secret for secret in secrets if secret in kept] == []


async def test_call_that_broke_off_is_recorded_without_an_answer(
    lab: Lab, clock: ManualClock
) -> None:
    async def breaks(scope: Scope, receive: Receive, send: Send) -> None:
        raise ConnectionError("the machine is gone")

    app = Litestar()
    app.asgi_handler = breaks
    with recording(app, clock):
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as http:
            with pytest.raises(ConnectionError):
                await http.post("/sandbox/razorpay/v1/orders", json={"receipt": "ps_1"})
    assert app.asgi_handler is breaks

    (call,) = await calls_of("ps_1")
    assert shown([call]) == [("razorpay", "POST", "/v1/orders", None)]


async def test_caller_who_had_gone_before_the_answer_is_told_of(
    lab: Lab, clock: ManualClock
) -> None:
    reached, ended = asyncio.Event(), asyncio.Event()

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        reached.set()
        while (await receive())["type"] != "http.disconnect":
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
        ended.set()

    opened, checkout = await lab.open(paymentMethod="phonepe", currency="INR")
    path = f"/checkout/v2/order/{checkout.id}/status"
    app = Litestar()
    app.asgi_handler = slow
    with recording(app, clock):
        async with serving(app) as address, httpx.AsyncClient(timeout=IN_TIME) as http:
            call = asyncio.create_task(http.get(f"{address}/sandbox/phonepe{path}"))
            await reached.wait()
            call.cancel()
            await ended.wait()

    kept = (await wire_calls(opened["sessionId"]))[-1]
    assert (kept.path, kept.status, kept.heard) == (path, 200, False)


async def test_call_goes_on_where_it_cannot_be_recorded(lab: Lab, database: Database) -> None:
    await database.command("collMod", "sandbox_calls", validator={"$expr": False})
    try:
        opened, _ = await lab.open()
    finally:
        await database.command("collMod", "sandbox_calls", validator={})

    assert opened["sessionId"]
    assert await all_calls() == []
