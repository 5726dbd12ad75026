"""A session's timeline has what the sandbox sent, and what came of each try."""

import re
from datetime import timedelta
from typing import Any

from tests.conftest import NOON
from tests.dashboard.signing_in import sign_in
from tests.sandbox.lab import Lab
from tillgate_sandbox.documents import Attempt, SandboxDelivery
from tillgate_sandbox.timeline.lines import lines_of


async def test_timeline_tells_every_delivery_with_the_reason(lab: Lab) -> None:
    opened, checkout = await lab.open(amount=2500)
    chaos = {"faults": ["bad_signature", "duplicate"], "copies": 4, "delayMs": 0, "seed": 1}
    await lab.api.http.put(f"/sandbox/api/checkouts/{checkout.page_id}/chaos", json=chaos)
    declined = {"method": "card", "declineCode": "expired_card"}
    await lab.api.http.post(f"/sandbox/pay/{checkout.page_id}/declined", json=declined)
    await lab.api.http.post(f"/sandbox/pay/{checkout.page_id}/paid", json={})
    await lab.deliver_all()

    await sign_in(lab.api.http)
    page = (await lab.api.http.get(f"/dashboard/sessions/{opened['sessionId']}")).text

    assert "was completed by Stripe" in page
    assert "was declined: expired_card" in page
    assert "rejected, 400 invalid_signature, the signature is not genuine" in page
    assert "accepted, 200 processed, taken and applied" in page
    assert "accepted, 200 duplicate, a copy" in page
    assert re.search(r"posted [a-z_.]+ 3 times: accepted, 200", page)
    assert "copy 1 of 4" in page  # of those that came to something else
    deliveries = await lab.deliveries(opened["sessionId"])
    tries = sum(len(delivery.attempts) for delivery in deliveries)
    assert 4 < page.count('data-kind="delivery"') < tries


def delivery(copy: int, **fields: Any) -> SandboxDelivery:
    """A copy of one event that was taken, some fields changed."""
    at = NOON + timedelta(milliseconds=copy)
    row: dict[str, Any] = {
        "id": f"d_{copy}",
        "provider": "stripe",
        "event_id": "evt_1",
        "type": "charge.refunded",
        "path": "/api/webhooks/stripe",
        "tamper": [],
        "note": f"copy {copy} of 5, delayed {copy} ms",
        "status": "delivered",
        "attempts": [Attempt(at=at, status=200, outcome="duplicate", latency_ms=1)],
        "created_at": NOON,
        "due_at": at,
    }
    return SandboxDelivery.model_construct(**row | fields)


def told(*deliveries: SandboxDelivery) -> list[str]:
    """Return what the lines of some deliveries say."""
    return [line.text for line in lines_of([], deliveries)]


def test_copies_that_came_to_the_same_are_one_line_with_when_the_last_one_came() -> None:
    (line,) = lines_of([], [delivery(number) for number in (3, 1, 2)])
    said = "accepted, 200 duplicate, a copy: the work was done already, nothing changed"
    assert line.text == f"Stripe posted charge.refunded 3 times: {said}"
    assert (line.at, line.detail["the last time"]) == (NOON + timedelta(milliseconds=1), "12:00:00")


def test_what_differs_in_more_than_its_time_has_a_line_of_its_own() -> None:
    refused = [Attempt(at=NOON, status=400, outcome="invalid_signature")]
    lines = told(
        delivery(1),
        delivery(2),
        delivery(3, attempts=refused, tamper=["bad_signature"], note="bad signature, copy 3 of 5"),
        delivery(4, event_id="evt_2"),
        delivery(5, attempts=[], status="pending"),
    )
    assert [line.partition(":")[0] for line in lines] == [
        "Stripe posted charge.refunded (bad signature, copy 3 of 5)",
        "Stripe posted charge.refunded twice",
        "Stripe posted charge.refunded (copy 4 of 5, delayed 4 ms)",
        "Stripe has charge.refunded on its way (copy 5 of 5, delayed 5 ms), due at 12",
    ]
