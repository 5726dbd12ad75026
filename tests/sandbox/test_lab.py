"""The lab end to end: a checkout opened over HTTP at the played Stripe, paid, told, completed."""

from tests.sandbox.lab import Lab
from tillgate_sandbox.playing import happen
from tillgate_sandbox.states import Happening


async def test_checkout_is_opened_at_the_played_stripe_and_completed_by_its_signed_webhook(
    lab: Lab,
) -> None:
    opened, checkout = await lab.open(amount=2500, currency="USD")
    assert opened["checkoutUrl"] == f"{lab.address}/sandbox/pay/{checkout.page_id}"
    assert (checkout.amount, checkout.currency) == (2500, "USD")

    await happen(checkout, Happening.PAID, lab.sandbox)
    await lab.deliver_all()

    session = await lab.api.read(opened["sessionId"])
    assert session["status"] == "completed"
    deliveries = await lab.deliveries(opened["sessionId"])
    assert {one.type for one in deliveries} == {
        "payment_intent.succeeded",
        "checkout.session.completed",
    }
    assert [one.status for one in deliveries] == ["delivered"] * 2
    assert [one.attempts[0].status for one in deliveries] == [200, 200]
    assert sorted(one.attempts[0].outcome or "" for one in deliveries) == ["processed"] * 2
