"""A session's timeline has what the sandbox sent, and what came of each try."""

from tests.dashboard.signing_in import sign_in
from tests.sandbox.lab import Lab


async def test_timeline_tells_every_delivery_with_the_reason(lab: Lab) -> None:
    opened, checkout = await lab.open(amount=2500)
    chaos = {"faults": ["bad_signature", "duplicate"], "copies": 2, "delayMs": 0, "seed": 1}
    await lab.api.http.put(f"/sandbox/api/checkouts/{checkout.page_id}/chaos", json=chaos)
    declined = {"method": "card", "declineCode": "expired_card"}
    await lab.api.http.post(f"/sandbox/pay/{checkout.page_id}/declined", json=declined)
    await lab.api.http.post(f"/sandbox/pay/{checkout.page_id}/paid", json={})
    await lab.deliver_all()

    await sign_in(lab.api.http)
    page = (await lab.api.http.get(f"/dashboard/sessions/{opened['sessionId']}")).text

    assert "was completed by stripe" in page
    assert "was declined: expired_card" in page
    assert "rejected, 400 invalid_signature, the signature is not genuine" in page
    assert "accepted, 200 processed, taken and applied" in page
    assert "accepted, 200 duplicate, a copy" in page
    deliveries = await lab.deliveries(opened["sessionId"])
    tries = sum(len(delivery.attempts) for delivery in deliveries)
    assert page.count('data-kind="delivery"') == tries > 8
