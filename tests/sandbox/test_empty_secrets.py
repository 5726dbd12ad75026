"""A salt alone, with no other secret: nobody can act for the merchant at the played PhonePe."""

import base64
import hashlib
import hmac
from datetime import datetime

import pytest
from httpx import Response

from service.core.clock import ManualClock
from service.providers.phonepe.settings import PhonePeSettings
from service.storage.database import Database
from tests.sandbox.lab import Lab, running_lab
from tillgate_sandbox.phonepe import refusals

SALT_ALONE = {
    "PHONEPE_CLIENT_ID": "",
    "PHONEPE_CLIENT_SECRET": "",
    "PHONEPE_WEBHOOK_USERNAME": "",
    "PHONEPE_WEBHOOK_PASSWORD": "",
}
NEVER = 99_999_999_999


def under_an_empty_secret(expires_at: int) -> str:
    """The token that anybody can make: HMAC under nothing, as `derive` would."""
    parts = [part.encode() for part in ("sandbox token", str(expires_at))]
    message = b"".join([len(part).to_bytes(4, "big") + part for part in parts])
    made = base64.urlsafe_b64encode(hmac.digest(b"", message, hashlib.sha256))
    return f"{expires_at}.{made.rstrip(b'=').decode()}"


async def pay_for_nothing(lab: Lab) -> tuple[Response, str]:
    """Open a session, order its amount with a forged token, pay it on the sandbox's own page."""
    session = await lab.api.open(paymentMethod="phonepe", amount=1000)
    order = {
        "merchantOrderId": session["sessionId"],
        "amount": 1000,
        "paymentFlow": {
            "type": "PG_CHECKOUT",
            "merchantUrls": {"redirectUrl": "https://shop.example"},
        },
    }
    forged = {"Authorization": f"O-Bearer {under_an_empty_secret(NEVER)}"}
    answer = await lab.api.http.post("/sandbox/phonepe/checkout/v2/pay", json=order, headers=forged)
    if answer.is_success:
        paid = await lab.api.http.post(f"/sandbox/pay/{answer.json()['orderId']}/paid", json={})
        assert paid.is_success, paid.text
        await lab.deliver_all()
    read = await lab.api.call("GET", f"/api/payment-sessions/{session['sessionId']}")
    return answer, read.json()["session"]["status"]


async def test_nobody_completes_a_session_with_a_token_signed_under_nothing(
    database: Database, clock: ManualClock
) -> None:
    async with running_lab(database, clock, **SALT_ALONE) as lab:
        answer, status = await pay_for_nothing(lab)
    assert (answer.status_code, status) == (401, "pending")


async def test_the_control_without_the_guard_the_session_is_completed_and_nobody_paid(
    database: Database, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unguarded(token: str, now: datetime, settings: PhonePeSettings) -> bool:
        return token == under_an_empty_secret(NEVER)

    monkeypatch.setattr(refusals, "_is_good", unguarded)
    async with running_lab(database, clock, **SALT_ALONE) as lab:
        answer, status = await pay_for_nothing(lab)
    assert (answer.status_code, status) == (200, "completed")
