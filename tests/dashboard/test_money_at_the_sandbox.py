"""From the button on a payment's page to the provider, and back as lines of the timeline."""

import pytest

from tests.dashboard.pressing import page, said, seed_in, words
from tests.dashboard.signing_in import sign_in
from tests.sandbox.lab import Lab
from tillgate_sandbox.playing import happen
from tillgate_sandbox.states import Happening


@pytest.mark.parametrize(
    ("provider", "name"), [("stripe", "Stripe"), ("razorpay", "Razorpay"), ("phonepe", "PhonePe")]
)
async def test_a_refund_goes_out_and_comes_back_as_lines(
    lab: Lab, provider: str, name: str
) -> None:
    currency = "USD" if provider == "stripe" else "INR"
    opened, checkout = await lab.open(paymentMethod=provider, currency=currency)
    await happen(checkout, Happening.PAID, lab.sandbox)
    await lab.deliver_all()
    http, session_id = lab.api.http, opened["sessionId"]
    await sign_in(http)
    found = await http.get("/dashboard/payments", params={"q": session_id})
    here = found.headers["location"]
    form = {"amount": "4.00", "reason": "broken", "seed": seed_in(await page(http, here))}
    told = await said(http, here, f"{here}/refund", **form)
    assert told.startswith(f"4.00 {currency} ")
    assert "failed" not in told
    await lab.deliver_all()
    timeline = words(await page(http, f"/dashboard/sessions/{session_id}"))
    assert f"4.00 {currency} of 10.00 {currency} was refunded." in timeline
    assert f"Refund of 4.00 {currency}: from approved to processing by Tillgate itself" in timeline
    assert f"Refund of 4.00 {currency}: from processing to succeeded by {name}" in timeline
