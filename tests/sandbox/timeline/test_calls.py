"""Calls on a session's timeline: each of them in a sentence, runs of equal reads as one."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest

from service.extension import Line
from tests.conftest import NOON
from tests.dashboard.signing_in import sign_in
from tests.sandbox.lab import Lab
from tests.sandbox.shop.test_shopping import order, press, standing
from tests.sandbox.visitor import Visitor, signed_in
from tillgate_sandbox.calls.documents import SandboxCall
from tillgate_sandbox.timeline.calls import with_calls

STRIPE = "/v1/checkout/sessions"
READ = "/api/payment-sessions/ps_1"


def call(after_s: float = 0, **fields: Any) -> SandboxCall:
    """A call of a browser that reads its session, some fields changed."""
    at = NOON + timedelta(seconds=after_s)
    row: dict[str, Any] = {
        "id": f"call_{after_s}",
        "provider": None,
        "method": "GET",
        "path": READ,
        "status": 200,
        "error": None,
        "heard": True,
        "latency_ms": 3.2,
        "at": at,
        "session_id": "ps_1",
        "caller": "publishable",
        "request_id": "r",
        "purge_at": at,
    }
    return SandboxCall.model_construct(**row | fields)


def texts(lines: Iterable[Line]) -> list[str]:
    """Return what lines say."""
    return [line.text for line in lines]


@pytest.mark.parametrize(
    ("fields", "text", "tone"),
    [
        (
            {"provider": "stripe", "method": "POST", "path": STRIPE, "latency_ms": 12.4},
            "Tillgate asked Stripe: POST /v1/checkout/sessions, answered 200 in 12 ms",
            "",
        ),
        (
            {"caller": "secret", "status": 404, "error": "session_not_found", "latency_ms": 0.3},
            "A server with a secret key asked Tillgate: GET /api/payment-sessions/ps_1, "
            "answered 404 (session_not_found) in 1 ms",
            "warn",
        ),
        (
            {"caller": None, "status": 503},
            "Somebody without a valid key asked Tillgate: GET /api/payment-sessions/ps_1, "
            "answered 503 in 3 ms",
            "bad",
        ),
        (
            {"provider": "phonepe", "path": "/x", "heard": False, "latency_ms": 2100.0},
            "Tillgate asked PhonePe: GET /x, answered 200 after 2100 ms, when nobody waited any "
            "more",
            "warn",
        ),
        (
            {"provider": "razorpay", "path": "/x", "status": None},
            "Tillgate asked Razorpay: GET /x, no answer after 3 ms",
            "bad",
        ),
    ],
)
def test_call_is_told_in_a_sentence(fields: dict[str, Any], text: str, tone: str) -> None:
    (line,) = with_calls([], [call(**fields)])
    assert (line.text, line.tone, line.kind) == (text, tone, "call")


def test_equal_reads_in_a_row_are_one_line_until_something_happens() -> None:
    reads = [call(second, latency_ms=second) for second in range(1, 15)]
    later = [call(40), call(41)]
    other = [call(42, status=404), call(43, method="PATCH"), call(44, method="PATCH")]
    moved = Line(NOON + timedelta(seconds=30), "move", "from pending to completed")

    told = with_calls([moved], [*reads, *later, *other])

    browser = "A browser with a publishable key asked Tillgate"
    assert texts(told) == [
        f"{browser} 14 times: GET {READ}, answered 200 in 1 to 14 ms",
        "from pending to completed",
        f"{browser} twice: GET {READ}, answered 200 in 3 ms",
        f"{browser}: GET {READ}, answered 404 in 3 ms",
        f"{browser}: PATCH {READ}, answered 200 in 3 ms",
        f"{browser}: PATCH {READ}, answered 200 in 3 ms",
    ]
    assert (told[0].at, told[0].detail["the last time"]) == (reads[0].at, "12:00:14")


async def test_calls_stand_before_what_came_of_them_and_show_no_secret(lab: Lab) -> None:
    opened, _ = await lab.open(paymentMethod="phonepe", currency="INR")
    for _ in range(3):
        await lab.api.read(opened["sessionId"])
    await sign_in(lab.api.http)
    page = (await lab.api.http.get(f"/dashboard/sessions/{opened['sessionId']}")).text

    told = [
        "Tillgate asked PhonePe: POST /v1/oauth/token, answered 200 in ",
        "Tillgate asked PhonePe: POST /checkout/v2/pay, answered 200 in ",
        "A server with a secret key asked Tillgate: POST /api/payments/create-checkout, ",
        "PhonePe opened a checkout over 10.00 INR",
    ]
    places = [page.find(text) for text in told]
    assert places == sorted(places)
    assert -1 not in places
    assert "asked Tillgate 3 times: GET /api/payment-sessions/" in page
    assert opened["clientSecret"] not in page


PURCHASES = {
    "stripe": ["asked Stripe: POST /v1/checkout/sessions, answered 200"],
    "razorpay": [
        "asked Razorpay: POST /v1/orders, answered 200",
        "asked Tillgate: POST /api/payment/verify-checkout-session, answered 200",
        "asked Razorpay: GET /v1/orders/order_",
    ],
    "phonepe": [
        "asked PhonePe: POST /v1/oauth/token, answered 200",
        "asked PhonePe: POST /checkout/v2/pay, answered 200",
        "asked PhonePe: GET /checkout/v2/order/",
    ],
}


@pytest.mark.browser
@pytest.mark.parametrize(
    "provider",
    ["razorpay", *(pytest.param(one, marks=pytest.mark.soak) for one in ("phonepe", "stripe"))],
)
async def test_timeline_shows_every_call_of_a_purchase(visitor: Visitor, provider: str) -> None:
    """PhonePe and Stripe are soak: a page shows the calls of each in the same way."""
    page = visitor.page
    await standing(visitor, "redirect_first", delay_ms=60_000 if provider == "razorpay" else 0)
    await order(visitor, provider)
    await press(visitor, "Pay by card")
    await visitor.until("completed")
    session_id = await visitor.session_id()
    await signed_in(visitor, f"/dashboard/sessions/{session_id}")

    told = " ".join((await visitor.text("#lines")).split())

    opening = "A browser with a publishable key asked Tillgate: POST /api/payments/create-checkout"
    for text in [opening, *PURCHASES[provider]]:
        assert text in told
    shown = await page.locator('[data-kind="call"]').count()
    assert shown >= 1 + len(PURCHASES[provider])
    kept = SandboxCall.get_pymongo_collection()
    assert shown <= await kept.count_documents({"sessionId": session_id})
    for width in (1200, 360):
        await page.set_viewport_size({"width": width, "height": 780})
        await visitor.keep(f"calls-{provider}-{width}")
        clipped = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not await page.evaluate(clipped)
